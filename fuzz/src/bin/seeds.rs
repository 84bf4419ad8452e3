//! Writes the seeds of the corpora: real files of every sort, as small as they get.
//!
//! `fuzz/smoke.sh --build`, then the program `seeds` among the targets. Inputs that long runs found are
//! beside them.

use std::io::{Cursor, Write};
use std::path::Path;

use ach_fuzz::targets::{delta, journal};
use achronyme_env::codec::{Codec, Json};
use achronyme_env::{
    Archive, Cell, DeltaOptions, MessageWriter, SaveOptions, SessionOptions, Tensor, Value,
    create_delta, save, serialize_value,
};

#[path = "../../../tests/old_format/mod.rs"]
mod old_format;
#[path = "../../../tests/samples/mod.rs"]
mod samples;
#[path = "../../../tests/small/mod.rs"]
mod small;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// The longest seed: libFuzzer tries lengths up to that of the longest, and longer ones are slower.
const LONGEST: usize = 4096;

fn main() -> Result<()> {
    archives()?;
    deltas()?;
    images_and_nodes()?;
    cold_blocks()?;
    journals()?;
    messages()?;
    version1()?;
    arrays()?;
    texts()
}

fn seed(target: &str, name: &str, bytes: &[u8]) -> Result<()> {
    if bytes.len() > LONGEST {
        return Ok(());
    }
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    std::fs::create_dir_all(&directory)?;
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    std::fs::write(directory.join(format!("seed-{name}")), bytes)?;
    Ok(())
}

fn options() -> SaveOptions {
    SaveOptions::new().created_at(1_700_000_000).durable(false)
}

/// The bytes of an archive of these values.
fn archive(values: &[(&str, &Value)], options: &SaveOptions) -> Result<Vec<u8>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("seed.ach");
    save(&path, values.iter().copied(), options)?;
    Ok(std::fs::read(path)?)
}

fn archives() -> Result<()> {
    let mut all: Vec<(String, Vec<u8>)> = small::archives()
        .into_iter()
        .map(|file| (file.shape.to_owned(), file.bytes))
        .collect();
    for (name, value) in samples::every_kind() {
        all.push((name.clone(), archive(&[(&name, &value)], &options())?));
        all.push((
            format!("{name} cold"),
            archive(&[(&name, &value)], &options().cold("*"))?,
        ));
    }
    for (name, bytes) in all {
        seed("header_table", &name, &bytes)?;
        seed("archive", &name, &bytes)?;
        // Of both lengths: those of even length are sealed.
        seed("salvage", &name, &bytes)?;
    }
    Ok(())
}

fn deltas() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let parent = Archive::from_bytes(&*delta::PARENT)?;
    let tensor = Tensor::from_vec(vec![2.5f32; 40], [40])?;
    let cell = Cell::new("content");
    let sets: [(&str, Vec<(&str, Value)>); 4] = [
        (
            "changed",
            vec![("a", 2.0.into()), ("b", tensor.clone().into())],
        ),
        ("removed", vec![("a", 1.0.into())]),
        (
            "added",
            vec![("a", 1.0.into()), ("e", samples::record(3).into())],
        ),
        (
            "ordered",
            vec![
                ("d", cell.clone().into()),
                ("f", cell.into()),
                ("a", 1.0.into()),
            ],
        ),
    ];
    for (name, bindings) in sets {
        let path = directory.path().join(name);
        let bindings = bindings.iter().map(|(name, value)| (*name, value));
        save(&path, bindings, &options().cold("b").allow_overwrite(true))?;
        let made = directory.path().join("delta");
        let options = DeltaOptions::new().durable(false).allow_overwrite(true);
        create_delta(
            &parent,
            &Archive::open(&path)?,
            &made,
            &options.created_at(1),
        )?;
        let bytes = std::fs::read(&made)?;
        seed("delta", name, &bytes)?;
        seed("header_table", &format!("delta {name}"), &bytes)?;
    }
    Ok(())
}

fn images_and_nodes() -> Result<()> {
    for (name, value) in samples::every_kind() {
        let image = serialize_value(&value)?;
        seed("value_image", &name, &image)?;
        let u32_at = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
        let [extents, count, shared] = [16, 20, 28].map(|at| u32_at(at) as usize);
        let mut nodes = vec![shared as u8];
        for n in 0..count {
            let record = 64 + extents * 72 + n * 16;
            let start = u32_at(record) as usize;
            let len = u32_at(record + 8) as usize;
            nodes.extend((len as u16).to_le_bytes());
            nodes.extend(&image[start..start + len]);
        }
        if count > 0 {
            seed("nodes", &name, &nodes)?;
        }
        let json = Json::default().encode(&value)?;
        seed("json_codec", &name, &json)?;
        seed("import_json", &name, &json)?;
    }
    Ok(())
}

fn cold_blocks() -> Result<()> {
    let numbers: Vec<u8> = (0..100_000u32)
        .flat_map(|n| (n / 3000).to_le_bytes())
        .collect();
    for (name, data) in [
        ("zeros", vec![0; 1 << 18]),
        ("numbers", numbers),
        ("noise", samples::noise(1, 900)),
        ("text", b"the same again, ".repeat(300)),
    ] {
        for (number, width) in [0, 2, 4, 8, 16].into_iter().enumerate() {
            let mut bytes = vec![number as u8];
            let last = (data.len() - 1) % (1 << 18);
            bytes.extend(&(last as u32).to_le_bytes()[..3]);
            for block in data.chunks(1 << 18) {
                let frame = zstd::bulk::compress(block, 3)?;
                bytes.extend((frame.len() as u16).to_le_bytes());
                bytes.extend(frame);
            }
            seed("cold_blocks", &format!("{name}-{width}"), &bytes)?;
        }
    }
    Ok(())
}

fn journals() -> Result<()> {
    for (name, retires) in [("one segment", false), ("two segments", true)] {
        for (sort, count) in [("short", 3), ("long", 40)] {
            let directory = tempfile::tempdir()?;
            let path = directory.path().join("x.ach");
            std::fs::write(&path, &*journal::ARCHIVE)?;
            let mut session = SessionOptions::new().checkpoint_at(None).open(&path)?;
            for (name, value) in samples::every_kind().into_iter().take(count) {
                if serialize_value(&value)?.len() < 1000 {
                    session.set(&name, value)?;
                }
                session.mark(&name)?;
            }
            session.commit()?;
            if retires {
                let _ = session.begin_checkpoint()?;
            }
            session.rename("a", "renamed")?;
            session.commit()?;
            session.undo()?;
            session.remove("b")?;
            session.commit()?;
            session.clear();
            session.set("cell", Cell::new(2.5))?;
            session.commit()?;
            session.undo()?;
            let segment = |suffix: &str| -> Result<Vec<u8>> {
                let mut bytes = std::fs::read(directory.path().join(suffix)).unwrap_or_default();
                let end = bytes
                    .iter()
                    .rposition(|byte| *byte != 0)
                    .map_or(0, |at| at + 1);
                bytes.resize(end.next_multiple_of(64), 0);
                Ok(bytes)
            };
            let (retired, active) = (segment("x.ach-journal.1")?, segment("x.ach-journal")?);
            let mut bytes = (retired.len() as u16).to_le_bytes().to_vec();
            bytes.extend(retired);
            bytes.extend(active);
            // Longer than others: a journal of a few frames is.
            bytes.truncate(LONGEST);
            seed("journal", &format!("{name} {sort}"), &bytes)?;
        }
    }
    Ok(())
}

fn messages() -> Result<()> {
    for (name, level) in [("plain", None), ("packed", Some(3))] {
        let mut writer = MessageWriter::new(Vec::new())?.compress(level);
        writer.send("text/plain", 1, &b"hello, ".repeat(20))?;
        for (_, value) in samples::every_kind().into_iter().take(7) {
            writer.send_value(&value)?;
        }
        writer.send_value(Value::from(samples::record(5)))?;
        seed("message", name, &writer.into_inner())?;
    }
    Ok(())
}

fn version1() -> Result<()> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/version1");
    for entry in std::fs::read_dir(data)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "ach") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            seed("version1", &name, &std::fs::read(path)?)?;
        }
    }
    use old_format as old;
    let values = [
        ("number", old::number(1.5)),
        ("vector", old::vector(&[old::null(), old::number(2.0)])),
        (
            "record",
            old::record(&[("a", old::number(1.0)), ("b", old::null())]),
        ),
        ("tensor", old::tensor(&[2, 2], &[1.0, 2.0, 3.0, 4.0])),
        ("edge", old::edge(&[("w", old::number(0.5))])),
        ("builtin", old::builtin("sin")),
        ("unsupported", old::unsupported("Generator")),
        ("nested", old::nested_vectors(20)),
    ];
    for (name, value) in &values {
        seed("version1", name, &old::one(value.clone()))?;
    }
    let all: Vec<(&str, Vec<u8>)> = values.to_vec();
    seed("version1", "all", &old::raw(&old::body(&all)))?;
    seed("version1", "all packed", &old::packed(&old::body(&all)))
}

/// A .npy file of version 1 of its format.
fn npy(descr: &str, order: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if order { "True" } else { "False" };
    let mut header = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn arrays() -> Result<()> {
    let data = samples::noise(3, 96);
    let files = [
        ("f8", npy("'<f8'", false, "(3, 4)", &data)),
        ("f8 fortran", npy("'<f8'", true, "(3, 4)", &data)),
        ("i4 big", npy("'>i4'", false, "(24,)", &data)),
        ("bool", npy("'|b1'", false, "(4,)", &[0, 1, 1, 0])),
        ("scalar", npy("'<c16'", false, "()", &data[..16])),
        (
            "text",
            npy(
                "'<U3'",
                false,
                "(2,)",
                &[97, 0, 0, 0, 98, 0, 0, 0, 0, 0, 0, 0].repeat(2),
            ),
        ),
        ("bytes", npy("'|S4'", false, "(3,)", b"ab\0\0cdefg\0\0\0")),
        ("time", npy("'<M8[ns]'", false, "(2,)", &data[..16])),
        (
            "records",
            npy("[('a', '<i4'), ('b', '<f8')]", false, "(2,)", &data[..24]),
        ),
        ("objects", npy("'|O'", false, "(1,)", b"\x80\x04N.")),
        ("empty", npy("'<f4'", false, "(0, 3)", b"")),
    ];
    let mut members = Vec::new();
    for (name, bytes) in &files {
        seed("import_npy", name, bytes)?;
        members.push((format!("{name}.npy"), bytes));
    }
    for method in [
        zip::CompressionMethod::Stored,
        zip::CompressionMethod::Deflated,
    ] {
        for take in [1, 4] {
            let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for (name, bytes) in members.iter().take(take) {
                let options = zip::write::SimpleFileOptions::default().compression_method(method);
                writer.start_file(name, options)?;
                writer.write_all(bytes)?;
            }
            seed(
                "import_npz",
                &format!("{method}-{take}"),
                &writer.finish()?.into_inner(),
            )?;
        }
    }
    for (name, header) in [
        (
            "one",
            r#"{"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}"#,
        ),
        (
            "two",
            r#"{"__metadata__":{"k":"v"},"a":{"dtype":"I64","shape":[3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}"#,
        ),
        (
            "bools",
            r#"{"m":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}}"#,
        ),
        (
            "eights",
            r#"{"m":{"dtype":"F8_E4M3","shape":[1,2],"data_offsets":[0,2]}}"#,
        ),
    ] {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        let len = match name {
            "one" => 24,
            "two" => 32,
            _ => 2,
        };
        bytes.extend((0..len).map(|n: u8| n % 2));
        seed("import_safetensors", name, &bytes)?;
    }
    Ok(())
}

fn texts() -> Result<()> {
    for (name, text) in [
        ("numbers", "a,b,c\n1,2.5,x\n3,-4e5,\"y, z\"\n"),
        ("gaps", "a,b\n,1\nnan,\n inf ,0x10\n"),
        (
            "dates",
            "t,ok\n2026-11-22,true\n2026-11-23T01:02:03Z,false\n",
        ),
        ("quotes", "\"a\"\"b\",\"c\nd\"\r\n1,2\r\n"),
        (
            "wide",
            "\u{feff}\u{e9},\u{1f980}\n9223372036854775807,18446744073709551616\n",
        ),
        ("ragged", "a,b\n1\n1,2,3\n"),
    ] {
        seed("import_csv", name, text.as_bytes())?;
    }
    for (name, text) in [
        (
            "mixed",
            r#"{"a": [1, 2.5, null, true, "x"], "b": {"c": [[1, 2], [3, 4]]}}"#,
        ),
        (
            "numbers",
            "[1e400, -0, 0.1, 123456789012345678901234567890, 1E-7]",
        ),
        ("strings", r#"["\u0041\ud83d\ude00", "\n\t\"", ""]"#),
        ("twice", r#"{"a": 1, "a": 2}"#),
        ("deep", "[[[[[[[[[[[[[[[[{\"a\": [[[[]]]]}]]]]]]]]]]]]]]]]"),
    ] {
        seed("import_json", name, text.as_bytes())?;
        seed("json_codec", name, text.as_bytes())?;
    }
    for (name, text) in [
        ("plain", "x.a.list[-1]\n1:3, ::-1, 2\nx*"),
        ("quoted", "'a.b[0]'\n..., 1\n{a,b}.[0-9]?"),
        ("escaped", "'it''s'\n-1\n\\*[!a]"),
        ("field", "x['y z']\n:2:2\n**"),
        ("slice", "x.t[0, 1:, ::2]\n::-2, ...\n[a-z]"),
        (
            "far",
            "t[99]\n9223372036854775807:, -9223372036854775808\n[]a]",
        ),
    ] {
        seed("paths", name, text.as_bytes())?;
    }
    let texts: [(&str, &[&str]); 4] = [
        (
            "controls",
            &["a\x1b[31mb", "\x1b]8;;http://x\x07y", "n\nm\r", "\u{9b}2J"],
        ),
        (
            "order",
            &["\u{202e}abc", "\u{2066}x", "\u{200b}", "\u{feff}"],
        ),
        (
            "plain",
            &[
                "name",
                "it's",
                "\"",
                "a.b[0]",
                "",
                " x ",
                "\u{e9}\u{1f980}",
                "\\",
            ],
        ),
        (
            "tabs",
            &["\t\t", "\u{85}\u{2028}", "\u{ad}-\u{e0041}", "\0"],
        ),
    ];
    for (name, texts) in texts {
        let joined = texts
            .iter()
            .map(|text| text.as_bytes())
            .collect::<Vec<_>>()
            .join(&0xff);
        seed("terminal", name, &joined)?;
    }
    Ok(())
}
