//! Promise: what a salvage saves equals what was there; what is intact is saved unless the place
//! that tells of it is lost; the damaged file is only read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use achronyme_env::{
    Archive, ArchiveWriter, BindingOptions, Cell, EnvError, Limits, Outcome, Record,
    SalvageOptions, SalvageReport, SaveOptions, Session, SessionOptions, Tensor, Value, salvage,
};

fn tensor(start: u32, len: u32) -> Value {
    let elements: Vec<f64> = (start..start + len).map(f64::from).collect();
    Tensor::from_vec(elements, [u64::from(len)]).unwrap().into()
}

/// Scalars, structured values, attributes, a shared cell, arrays hot and cold, one of two blocks.
fn values() -> Vec<(&'static str, Value)> {
    let record = Record::from([
        ("rate", Value::from(0.5)),
        ("tags", Value::vector(["a", "b"])),
    ]);
    let cell = Value::from(Cell::new(Value::from(7i64)));
    vec![
        ("answer", 42i64.into()),
        ("alias", cell.clone()),
        ("blocks", tensor(5, 10_000)),
        ("cell", cell),
        ("cold", tensor(1, 300)),
        ("config", record.into()),
        ("small", tensor(9, 20)),
        ("text", "some text".into()),
    ]
}

fn saved(path: &Path) -> Vec<u8> {
    let options = SaveOptions::new()
        .created_at(1_700_000_000)
        .durable(false)
        .cold("cold")
        .tag("kept")
        .description("a test");
    let mut writer = ArchiveWriter::create(path, &options).unwrap();
    for (name, value) in values() {
        let attributes = match name {
            "small" => Record::from([("units", "K")]),
            _ => Record::new(),
        };
        let options = BindingOptions::new().attributes(attributes);
        writer.add_with(name, value, &options).unwrap();
    }
    writer.finish().unwrap();
    fs::read(path).unwrap()
}

fn run(dir: &Path, bytes: &[u8], options: &SalvageOptions) -> Result<SalvageReport, EnvError> {
    let (bad, good) = (dir.join("bad.ach"), dir.join("good.ach"));
    fs::write(&bad, bytes).unwrap();
    let report = salvage(
        &bad,
        &good,
        &options.clone().allow_overwrite(true).durable(false),
    );
    assert!(fs::read(&bad).unwrap() == bytes, "the source was written");
    report
}

/// Everything in the new archive equals what was there, and it is sound.
fn check(dir: &Path, report: &SalvageReport, known: &BTreeMap<&str, Value>, context: &str) {
    let archive = Archive::open(dir.join("good.ach")).unwrap();
    let names: Vec<String> = archive
        .bindings_as_saved()
        .iter()
        .map(|b| b.name().to_owned())
        .collect();
    assert_eq!(names, report.salvaged, "{context}");
    for name in &names {
        let value = archive.get(name).unwrap();
        let same = match (&value, &known.get(name.as_str())) {
            (Value::Cell(a), Some(Value::Cell(b))) => a.get().identical(&b.get()).unwrap(),
            (value, Some(expected)) => value.identical(expected).unwrap(),
            (_, None) => name.starts_with("unnamed-"),
        };
        assert!(same, "{context}: {name} differs");
    }
    if names.iter().any(|n| n == "small") {
        let attributes = archive.attributes("small").unwrap();
        let told = report
            .findings
            .iter()
            .any(|f| f.name == "small" && f.outcome.is_loss());
        assert!(told || attributes.get("units").is_some(), "{context}");
    }
    let verified = archive.verify().unwrap();
    assert!(verified.is_ok(), "{context}: {verified:?}");
}

/// Names of the bindings whose own bytes hold the byte at `at`.
fn touched(archive: &Archive, at: u64) -> Vec<String> {
    let own = |b: &achronyme_env::Binding<'_>| {
        let extents = b.extents().unwrap();
        extents
            .iter()
            .any(|e| (e.offset..e.offset + e.stored_len).contains(&at))
    };
    archive
        .bindings()
        .filter(own)
        .map(|b| b.name().to_owned())
        .collect()
}

#[test]
fn whatever_byte_is_wrong_what_is_saved_is_right_and_what_is_intact_is_saved() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whole.ach");
    let bytes = saved(&path);
    let archive = Archive::open(&path).unwrap();
    let sections = archive.sections();
    let nodes = sections
        .iter()
        .find(|s| format!("{:?}", s.kind).contains("Node"))
        .unwrap_or_else(|| panic!("{sections:?}"));
    let nodes = nodes.offset..nodes.offset + nodes.len;
    let known: BTreeMap<&str, Value> = values().into_iter().collect();
    let blocks = archive.binding("blocks").unwrap().extents().unwrap()[0];
    let inside = blocks.offset + 100..blocks.offset + blocks.stored_len - 100;
    let options = SalvageOptions::new();
    for at in 0..bytes.len() as u64 {
        // A long array is like itself all along.
        if inside.contains(&at) && at % 997 != 0 {
            continue;
        }
        {
            let wrong = if at % 2 == 0 { 1u8 } else { 0xff };
            let mut damaged = bytes.clone();
            damaged[at as usize] ^= wrong;
            let context = format!("byte {at} ^ {wrong}");
            let report = run(dir.path(), &damaged, &options);
            let report = report.unwrap_or_else(|error| panic!("{context}: {error}"));
            check(dir.path(), &report, &known, &context);
            let touched = touched(&archive, at);
            for name in known.keys() {
                let is_saved = report.salvaged.iter().any(|saved| saved == name);
                let hit = touched.iter().any(|t| t == name) || nodes.contains(&at);
                assert!(is_saved || hit, "{context}: {name} is lost: {report}");
                assert!(
                    !(is_saved && touched.iter().any(|t| t == name)),
                    "{context}: {name}"
                );
            }
            assert_eq!(
                report.is_whole(),
                report.salvaged.len() == known.len() && report.findings.is_empty()
            );
            let good = Archive::open(dir.path().join("good.ach")).unwrap();
            assert_eq!(good.header().created, 1_700_000_000, "{context}");
        }
    }
}

#[test]
fn a_file_that_was_cut_short_gives_what_stands_before_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whole.ach");
    let bytes = saved(&path);
    let archive = Archive::open(&path).unwrap();
    let known: BTreeMap<&str, Value> = values().into_iter().collect();
    let end_of = |name: &str| {
        let extents = archive.binding(name).unwrap().extents().unwrap();
        extents.iter().map(|e| e.offset + e.stored_len).max()
    };
    let table = archive.header().table_offset + archive.header().table_len;
    for len in (0..bytes.len()).step_by(61).chain([bytes.len() - 1]) {
        let context = format!("{len} bytes");
        match run(dir.path(), &bytes[..len], &SalvageOptions::new()) {
            Ok(report) => {
                check(dir.path(), &report, &known, &context);
                for name in ["blocks", "cold", "small"] {
                    let is_saved = report.salvaged.iter().any(|saved| saved == name);
                    let there = end_of(name).unwrap() <= len as u64;
                    assert_eq!(is_saved, there, "{context}: {name}: {report}");
                }
                assert!(
                    report.salvaged.iter().any(|name| name == "answer"),
                    "{context}"
                );
            }
            Err(error) => assert!((len as u64) < table, "{context}: {error}"),
        }
    }
}

/// 600 scalars: the table has several pages.
fn many(path: &Path) -> Vec<u8> {
    let names: Vec<String> = (0..600).map(|n| format!("variable {n:04}")).collect();
    let pairs = names
        .iter()
        .zip(0..)
        .map(|(name, n)| (name, Value::Integer(n)));
    achronyme_env::save(path, pairs, &SaveOptions::new().durable(false)).unwrap();
    fs::read(path).unwrap()
}

#[test]
fn a_page_of_the_table_that_is_lost_takes_only_its_own_names() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = many(&dir.path().join("whole.ach"));
    let table = Archive::open(dir.path().join("whole.ach")).unwrap();
    let table = table.header().table_len as usize;
    let mut saved = Vec::new();
    let mut at = 64 + 512;
    while at + 64 < 64 + table {
        let mut damaged = bytes.clone();
        damaged[at..at + 64].fill(0xa5);
        let report = run(dir.path(), &damaged, &SalvageOptions::new()).unwrap();
        assert!(!report.is_whole());
        let lost = report
            .findings
            .iter()
            .filter(|f| f.outcome == Outcome::Lost)
            .count();
        let archive = Archive::open(dir.path().join("good.ach")).unwrap();
        for (n, name) in archive
            .names()
            .filter(|n| n.starts_with("variable"))
            .map(|name| (name["variable ".len()..].parse::<i64>().unwrap(), name))
        {
            assert_eq!(archive.get(name).unwrap().as_i64(), Some(n));
        }
        let unnamed = archive
            .names()
            .filter(|n| n.starts_with("unnamed-"))
            .count();
        // What has lost its name is saved under another, and told.
        assert_eq!(
            archive.len() - unnamed + lost,
            600,
            "{at}: {unnamed} of {}",
            archive.len()
        );
        saved.push(archive.len());
        at += 4096;
    }
    assert!(saved.iter().all(|saved| *saved >= 400), "{saved:?}");
    assert!(saved.iter().any(|saved| *saved < 600), "{saved:?}");
}

#[test]
fn a_header_that_is_gone_costs_what_it_said_and_no_value() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = saved(&dir.path().join("whole.ach"));
    let mut damaged = bytes.clone();
    damaged[..64].fill(0);
    let report = run(dir.path(), &damaged, &SalvageOptions::new()).unwrap();
    let known: BTreeMap<&str, Value> = values().into_iter().collect();
    check(dir.path(), &report, &known, "no header");
    for name in ["answer", "blocks", "cold", "config", "small", "text"] {
        assert!(
            report.salvaged.iter().any(|n| n == name),
            "{name}: {report}"
        );
    }
    let header = report.findings.iter().find(|f| f.kind == "header");
    assert!(
        header.is_some_and(|f| f.outcome == Outcome::Lost),
        "{report}"
    );
    assert!(!report.is_whole());
}

#[test]
fn what_a_damaged_beginning_of_the_table_told_is_a_loss() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = saved(&dir.path().join("whole.ach"));
    let known: BTreeMap<&str, Value> = values().into_iter().collect();
    // File length, areas of nodes and arrays, number of shared nodes, session: two bytes each.
    for at in [
        32, 40, 80, 88, 100, 104, 112, 120, 128, 136, 144, 152, 160, 176,
    ] {
        let mut damaged = bytes.clone();
        for (place, wrong) in [(at + 3, 0x41), (at + 7, 0x97)] {
            damaged[64 + place] ^= wrong;
        }
        let context = format!("bytes {} and {}", 64 + at + 3, 64 + at + 7);
        let report = match run(dir.path(), &damaged, &SalvageOptions::new()) {
            Ok(report) => report,
            // Where the arrays of the table begin is not said twice.
            Err(EnvError::Damaged { .. }) => continue,
            Err(error) => panic!("{context}: {error}"),
        };
        check(dir.path(), &report, &known, &context);
        for name in ["answer", "blocks", "cold", "config", "small", "text"] {
            let is_saved = report.salvaged.iter().any(|saved| saved == name);
            assert!(is_saved, "{context}: {name}: {report}");
        }
        let table = report
            .findings
            .iter()
            .find(|f| f.kind == "table of contents");
        assert!(table.is_some() && !report.is_whole(), "{context}: {report}");
        assert!(
            !report.to_string().contains("cut short"),
            "{context}: {report}"
        );
    }
}

#[test]
fn damaged_blocks_are_filled_when_that_is_asked_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whole.ach");
    let bytes = saved(&path);
    let extent = Archive::open(&path)
        .unwrap()
        .binding("blocks")
        .unwrap()
        .extents()
        .unwrap()[0];
    let mut damaged = bytes.clone();
    damaged[extent.offset as usize + 70_000] ^= 1;
    let report = run(
        dir.path(),
        &damaged,
        &SalvageOptions::new().fill_damaged(true),
    )
    .unwrap();
    let finding = report.findings.iter().find(|f| f.name == "blocks").unwrap();
    assert!(
        finding.reason.contains("8192..10000") && finding.reason.contains("NaN"),
        "{finding}"
    );
    assert!(!report.is_whole());
    let archive = Archive::open(dir.path().join("good.ach")).unwrap();
    let filled = archive.tensor("blocks").unwrap();
    let numbers = filled.as_slice::<f64>().unwrap();
    for (place, number) in numbers.iter().enumerate() {
        match place {
            0..8192 => assert_eq!(*number, place as f64 + 5.0),
            _ => assert!(number.is_nan(), "{place}"),
        }
    }
}

#[test]
fn lists_of_block_sums_are_made_anew_of_data_that_is_intact() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whole.ach");
    // Several blocks each.
    let (hot, cold) = (tensor(1, 30_000), tensor(2, 300_000));
    let options = SaveOptions::new().durable(false).cold("cold");
    achronyme_env::save(&path, [("cold", &cold), ("hot", &hot)], &options).unwrap();
    let archive = Archive::open(&path).unwrap();
    let sections = archive.sections();
    let sums = sections
        .iter()
        .find(|s| format!("{:?}", s.kind).contains("Sums"));
    let sums = sums.unwrap_or_else(|| panic!("{sections:?}"));
    let mut damaged = fs::read(&path).unwrap();
    damaged[sums.offset as usize..(sums.offset + sums.len) as usize].fill(0x77);
    let report = run(dir.path(), &damaged, &SalvageOptions::new()).unwrap();
    assert!(report.is_whole() && report.notes.len() == 2, "{report}");
    let archive = Archive::open(dir.path().join("good.ach")).unwrap();
    for (name, value) in [("cold", cold), ("hot", hot)] {
        assert!(archive.get(name).unwrap().identical(&value).unwrap());
    }
}

#[test]
fn a_variable_that_lost_its_attributes_keeps_its_cell_with_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whole.ach");
    let cell = Value::from(Cell::new(Value::from(7i64)));
    let long = Record::from([("about", Value::from("0123456789".repeat(100)))]);
    let mut writer = ArchiveWriter::create(&path, &SaveOptions::new().durable(false)).unwrap();
    let options = BindingOptions::new().attributes(long);
    writer.add_with("x", cell.clone(), &options).unwrap();
    writer.add("y", cell).unwrap();
    writer.finish().unwrap();
    let mut damaged = fs::read(&path).unwrap();
    let text = damaged
        .windows(10)
        .rposition(|w| w == b"0123456789")
        .unwrap();
    damaged[text] ^= 1;
    let report = run(dir.path(), &damaged, &SalvageOptions::new()).unwrap();
    assert_eq!(report.salvaged, ["x", "y"], "{report}");
    assert_eq!(
        (&*report.findings[0].name, &*report.findings[0].kind),
        ("x", "attributes")
    );
    let values = Archive::open(dir.path().join("good.ach")).unwrap();
    let values = values.load_vars(&["x", "y"]).unwrap();
    let [Value::Cell(x), Value::Cell(y)] = &values[..] else {
        panic!("{values:?}")
    };
    assert!(x.same(y));
}

#[test]
fn texts_that_are_compressed_stay_compressed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("whole.ach");
    let record = Value::from(Record::from([("text", Value::from("ab".repeat(200_000)))]));
    let options = SaveOptions::new().durable(false).compress(true);
    achronyme_env::save(&path, [("config", &record)], &options).unwrap();
    let report = run(
        dir.path(),
        &fs::read(&path).unwrap(),
        &SalvageOptions::new(),
    )
    .unwrap();
    assert!(
        report.is_whole() && report.saved.stored_bytes < 10_000,
        "{report:?}"
    );
}

#[test]
fn a_table_above_the_limit_is_refused_before_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = many(&dir.path().join("whole.ach"));
    let limits = Limits {
        max_table_bytes: 1000,
        ..Limits::default()
    };
    let error = run(dir.path(), &bytes, &SalvageOptions::new().limits(limits)).unwrap_err();
    assert!(matches!(error, EnvError::TooLarge { .. }), "{error}");
}

#[test]
fn cells_that_are_one_stay_one() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = saved(&dir.path().join("whole.ach"));
    run(dir.path(), &bytes, &SalvageOptions::new()).unwrap();
    let archive = Archive::open(dir.path().join("good.ach")).unwrap();
    let values = archive.load_vars(&["alias", "cell"]).unwrap();
    let [Value::Cell(a), Value::Cell(b)] = &values[..] else {
        panic!("{values:?}")
    };
    assert!(a.same(b));
}

/// An archive with x = 1 and kept, and a journal with x = 2, y and an array.
fn journaled(path: &Path) {
    saved(path);
    let options = SessionOptions::new().fold_below(0);
    let mut session: Session = options.open(path).unwrap();
    session.set("x", 2i64).unwrap();
    session.set("array", tensor(3, 3000)).unwrap();
    session.remove("text").unwrap();
    session.commit().unwrap();
    session.set("last", "word").unwrap();
    session.commit().unwrap();
    session.close().unwrap();
}

#[test]
fn what_a_journal_says_counts_and_its_damage_costs_what_follows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let target = dir.path().join("good.ach");
    journaled(&path);
    let options = SalvageOptions::new().allow_overwrite(true).durable(false);
    let report = salvage(&path, &target, &options).unwrap();
    assert!(report.is_whole(), "{report}");
    let archive = Archive::open(&target).unwrap();
    assert_eq!(archive.get("x").unwrap().as_i64(), Some(2));
    assert!(
        archive
            .get("array")
            .unwrap()
            .identical(&tensor(3, 3000))
            .unwrap()
    );
    assert!(!archive.contains("text") && archive.contains("config"));
    let journal = dir.path().join("run.ach-journal");
    let bytes = fs::read(&journal).unwrap();
    let (archive_bytes, mut losses) = (fs::read(&path).unwrap(), 0);
    for at in (0..bytes.len()).step_by(13) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        fs::write(&journal, &damaged).unwrap();
        let report = salvage(&path, &target, &options).unwrap();
        losses += usize::from(!report.is_whole());
        let archive = Archive::open(&target).unwrap();
        assert!(archive.contains("config"), "byte {at}: {report}");
        if archive.contains("array") {
            assert!(
                archive
                    .get("array")
                    .unwrap()
                    .identical(&tensor(3, 3000))
                    .unwrap()
            );
        }
        if archive.contains("x") {
            assert_eq!(archive.get("x").unwrap().as_i64(), Some(2));
        }
        assert!(archive.verify().unwrap().is_ok());
        assert_eq!(fs::read(&path).unwrap(), archive_bytes);
        assert_eq!(fs::read(&journal).unwrap(), damaged);
    }
    assert!(losses > 100, "{losses}");
}

/// Where the frames of a journal begin, by their magic.
fn frames(journal: &[u8]) -> Vec<usize> {
    let places = (0..journal.len()).step_by(64);
    places
        .filter(|at| journal[*at..].starts_with(b"ACHJ"))
        .collect()
}

/// An archive, and a journal of commits of one frame each: x is 0 to 5 and each has a name too.
fn counted(path: &Path) -> Vec<usize> {
    saved(path);
    let mut session: Session = SessionOptions::new().fold_below(0).open(path).unwrap();
    for n in 0..6i64 {
        session.set("x", n).unwrap();
        session.commit().unwrap();
        session
            .set(&format!("y{n}"), tensor(n as u32, 3000))
            .unwrap();
        session.commit().unwrap();
    }
    session.close().unwrap();
    frames(&fs::read(path.with_extension("ach-journal")).unwrap())
}

#[test]
fn frames_behind_damage_of_a_journal_are_saved_and_what_is_missing_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let target = dir.path().join("good.ach");
    let places = counted(&path);
    let journal = path.with_extension("ach-journal");
    let whole = fs::read(&journal).unwrap();
    let options = SalvageOptions::new().allow_overwrite(true).durable(false);
    assert_eq!(places.len(), 13);
    for (number, at) in places.iter().enumerate() {
        // The header, and a byte of the payload: that of the first frame has no key before it.
        let payload = at + if number == 0 { 70 } else { 140 };
        for byte in [at + 20, payload] {
            let mut damaged = whole.clone();
            damaged[byte] ^= 0x20;
            fs::write(&journal, &damaged).unwrap();
            let context = format!("frame {number}, byte {byte}");
            let report = salvage(&path, &target, &options).unwrap();
            let archive = Archive::open(&target).unwrap();
            assert!(archive.verify().unwrap().is_ok());
            let (told, is_whole) = (report.to_string(), report.is_whole());
            for n in 0..6 {
                let (name, lost) = (format!("y{n}"), number == 2 * n + 2);
                assert_eq!(archive.contains(&name), !lost, "{context}: {told}");
                if !lost {
                    let value = archive.get(&name).unwrap();
                    assert!(value.identical(&tensor(n as u32, 3000)).unwrap());
                }
            }
            // The last value that is there; an older one where its frame is known to be damaged.
            let x = archive.get("x").ok().and_then(|x| x.as_i64());
            match (number, byte == payload) {
                (11, true) => assert!(x.is_none_or(|x| x == 4), "{context}: {told}"),
                (11, false) => assert_eq!(x, Some(4), "{context}: {told}"),
                _ => assert_eq!(x, Some(5), "{context}: {told}"),
            }
            // The values of x that are no more are not looked at.
            let is_old = number % 2 == 1 && number < 11;
            match (number, byte == payload) {
                (0, _) => assert!(is_whole, "{context}: {told}"),
                (_, true) if is_old => {}
                (_, true) => {
                    let name = match number {
                        11 => "x".to_owned(),
                        _ => format!("y{}", number / 2 - 1),
                    };
                    assert!(
                        report.findings.iter().any(|f| f.name == name),
                        "{context}: {told}"
                    );
                }
                _ => assert!(!is_whole, "{context}: {told}"),
            }
        }
    }
    // Without its archive it says the same of what it holds.
    fs::remove_file(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[70] ^= 1;
    damaged[places[3] + 20] ^= 1;
    fs::write(&journal, &damaged).unwrap();
    let report = salvage(&journal, &target, &options).unwrap();
    assert_eq!(report.salvaged.len(), 7, "{report}");
    assert!(!report.is_whole() && !report.salvaged.contains(&"y7".to_owned()));
}

#[test]
fn a_commit_that_was_not_finished_does_not_count_behind_damage_either() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let target = dir.path().join("good.ach");
    saved(&path);
    let mut session: Session = SessionOptions::new().fold_below(0).open(&path).unwrap();
    session.set("a", 1i64).unwrap();
    session.commit().unwrap();
    session.set("b", 2i64).unwrap();
    session.commit().unwrap();
    session.set("c", 3i64).unwrap();
    session.set("d", 4i64).unwrap();
    session.commit().unwrap();
    session.close().unwrap();
    let journal = path.with_extension("ach-journal");
    let mut bytes = fs::read(&journal).unwrap();
    let places = frames(&bytes);
    bytes[places[1] + 20] ^= 1;
    bytes[places[4]..].fill(0);
    fs::write(&journal, &bytes).unwrap();
    let options = SalvageOptions::new().durable(false);
    let report = salvage(&path, &target, &options).unwrap();
    let archive = Archive::open(&target).unwrap();
    assert!(
        archive.contains("b") && !archive.contains("a") && !archive.contains("c"),
        "{report}"
    );
    assert!(
        report
            .notes
            .iter()
            .any(|note| note.contains("not finished")),
        "{report}"
    );
}

#[test]
fn undone_changes_stay_undone_behind_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let target = dir.path().join("good.ach");
    saved(&path);
    let mut session: Session = SessionOptions::new().fold_below(0).open(&path).unwrap();
    for n in 1..=4i64 {
        session.set("x", n).unwrap();
        session.commit().unwrap();
    }
    session.undo().unwrap();
    session.set("y", 7i64).unwrap();
    session.commit().unwrap();
    session.close().unwrap();
    let journal = path.with_extension("ach-journal");
    let whole = fs::read(&journal).unwrap();
    let places = frames(&whole);
    let options = SalvageOptions::new().allow_overwrite(true).durable(false);
    // The frame of 2; that of 3, to which undo leads back; that of 4.
    for (damaged, x) in [(2, 3), (3, 2), (4, 3)] {
        let mut bytes = whole.clone();
        bytes[places[damaged] + 20] ^= 1;
        fs::write(&journal, &bytes).unwrap();
        let report = salvage(&path, &target, &options).unwrap();
        let archive = Archive::open(&target).unwrap();
        assert_eq!(
            archive.get("x").unwrap().as_i64(),
            Some(x),
            "{damaged}: {report}"
        );
        assert_eq!(
            archive.get("y").unwrap().as_i64(),
            Some(7),
            "{damaged}: {report}"
        );
        assert!(!report.is_whole());
    }
}

#[test]
fn a_journal_without_its_archive_gives_what_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    journaled(&path);
    fs::remove_file(&path).unwrap();
    for (name, source) in ["run.ach-journal", "run.ach"].iter().enumerate() {
        let target = dir.path().join(format!("good{name}.ach"));
        let report = salvage(dir.path().join(source), &target, &SalvageOptions::new()).unwrap();
        assert_eq!(report.salvaged, ["x", "array", "last"], "{report}");
        let archive = Archive::open(&target).unwrap();
        assert_eq!(archive.get("last").unwrap().as_str(), Some("word"));
        assert!(
            archive
                .get("array")
                .unwrap()
                .identical(&tensor(3, 3000))
                .unwrap()
        );
    }
}

#[test]
fn what_is_no_archive_is_said_to_be_none_and_the_source_is_never_the_destination() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("good.ach");
    for bytes in [
        &b""[..],
        b"\x89PNG\r\n\x1a\n and so on and on, for more than a header is long, really",
        &[0; 5000],
    ] {
        let path = dir.path().join("other");
        fs::write(&path, bytes).unwrap();
        let error = salvage(&path, &target, &SalvageOptions::new()).unwrap_err();
        assert!(matches!(error, EnvError::NotAnArchive { .. }), "{error}");
        assert!(!target.exists());
    }
    let path = dir.path().join("run.ach");
    journaled(&path);
    let options = SalvageOptions::new().allow_overwrite(true);
    fs::create_dir(dir.path().join("sub")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(dir.path(), dir.path().join("here")).unwrap();
    let others: &[&str] = if cfg!(unix) { &["here/run.ach"] } else { &[] };
    let names = ["run.ach", "run.ach-journal", "sub/../run.ach"];
    for name in names.iter().chain(others) {
        let error = salvage(&path, dir.path().join(name), &options).unwrap_err();
        assert!(matches!(error, EnvError::InvalidValue { .. }), "{error}");
    }
    let error = salvage(dir.path().join("none.ach"), &target, &options).unwrap_err();
    assert!(matches!(error, EnvError::Io { .. }), "{error}");
}
