//! Pictures show what is in the file: pixels are looked at where the numbers say that they are.
#![cfg(feature = "plot")]

mod program;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use program::{Folder, npy};

const LINE: [u8; 3] = [0, 114, 178];
const INK: [u8; 3] = [38, 38, 38];

/// A picture, and where the plot in it is.
struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Picture {
    fn decode(bytes: &[u8]) -> Picture {
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let mut reader = decoder.read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut rgb).unwrap();
        assert_eq!(info.color_type, png::ColorType::Rgb);
        Picture {
            width: info.width as usize,
            height: info.height as usize,
            rgb,
        }
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let start = (y * self.width + x) * 3;
        self.rgb[start..start + 3].try_into().unwrap()
    }

    fn is(&self, x: usize, y: usize, colour: [u8; 3], by: u8) -> bool {
        let found = self.at(x, y);
        found.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= by)
    }

    /// Left, top, right and bottom of the frame of the plot: the first and last long dark lines.
    fn frame(&self) -> (f64, f64, f64, f64) {
        let dark = |x, y| self.at(x, y).iter().all(|part| *part < 170);
        let columns = (0..self.width)
            .filter(|x| (0..self.height).filter(|y| dark(*x, *y)).count() > self.height / 3);
        let rows = (0..self.height)
            .filter(|y| (0..self.width).filter(|x| dark(*x, *y)).count() > self.width / 4);
        let (columns, rows): (Vec<usize>, Vec<usize>) = (columns.collect(), rows.collect());
        let ends = |places: &[usize]| {
            (
                *places.first().unwrap() as f64,
                *places.last().unwrap() as f64,
            )
        };
        let ((left, right), (top, bottom)) = (ends(&columns), ends(&rows));
        (left, top, right, bottom)
    }

    /// The heights in a column of pixels at which the line is.
    fn line_at(&self, x: usize, colour: [u8; 3]) -> Vec<usize> {
        (0..self.height)
            .filter(|y| self.is(x, *y, colour, 60))
            .collect()
    }
}

/// A vector of doubles as a .npy file.
fn doubles(numbers: &[f64]) -> Vec<u8> {
    let data: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
    npy("<f8", &format!("({},)", numbers.len()), &data)
}

fn packed(files: &[(&str, Vec<u8>)]) -> Folder {
    let folder = Folder::new();
    let mut args = vec!["pack", "-o", "a.ach"];
    for (name, bytes) in files {
        folder.write(name, bytes);
        args.push(name);
    }
    folder.fine(&args);
    folder
}

#[test]
fn the_line_of_a_step_is_where_the_numbers_are() {
    let mut numbers = vec![0.0; 100];
    numbers[50..].fill(1.0);
    let folder = packed(&[("step.npy", doubles(&numbers))]);
    let told = folder.fine(&["plot", "a.ach", "step"]);
    assert_eq!(told, "step.png: 1 line of 100 points; 960 x 540\n");
    let picture = Picture::decode(&folder.read("step.png"));
    assert_eq!((picture.width, picture.height), (960, 540));
    let (left, top, right, bottom) = picture.frame();
    let place = |share: f64| (left + share * (right - left)) as usize;
    // The vertical axis goes from -0.04 to 1.04: a little room on both sides of the data.
    let height = |y: f64| bottom - (y + 0.04) / 1.08 * (bottom - top);
    for (share, y) in [(0.1, 0.0), (0.45, 0.0), (0.55, 1.0), (0.9, 1.0)] {
        let found = picture.line_at(place(share), LINE);
        assert!(!found.is_empty() && found.len() <= 3, "{share}: {found:?}");
        let (middle, expected) = (found[found.len() / 2] as f64, height(y));
        assert!(
            (middle - expected).abs() <= 2.0,
            "{share}: {middle}, not {expected}"
        );
    }
    let beyond = (0..top as usize).any(|y| (0..960).any(|x| picture.is(x, y, LINE, 60)));
    assert!(!beyond, "nothing of the line is outside of the plot");
}

#[test]
fn one_spike_among_ten_million_is_seen_and_noise_stays_in_the_plot() {
    const COUNT: u64 = 10_000_000;
    const SPIKE: u64 = 7_654_321;
    let folder = Folder::new();
    let head = npy("<f4", &format!("({COUNT},)"), b"");
    let mut file = File::create(folder.path("x.npy")).unwrap();
    file.write_all(&head).unwrap();
    // Zeros, which cost no disk; then every other element of the last million is 0.01.
    file.set_len(head.len() as u64 + COUNT * 4).unwrap();
    file.seek(SeekFrom::Start(head.len() as u64 + SPIKE * 4))
        .unwrap();
    file.write_all(&1f32.to_le_bytes()).unwrap();
    file.seek(SeekFrom::Start(head.len() as u64 + (COUNT - 1_000_000) * 4))
        .unwrap();
    let noise: Vec<u8> = (0..1_000_000u32)
        .flat_map(|n| ((n % 2) as f32 * 0.5).to_le_bytes())
        .collect();
    file.write_all(&noise).unwrap();
    drop(file);
    folder.fine(&["pack", "-o", "a.ach", "x.npy"]);
    folder.fine(&["plot", "a.ach", "x"]);
    let picture = Picture::decode(&folder.read("x.png"));
    let (left, top, right, bottom) = picture.frame();
    let spike = (left + SPIKE as f64 / COUNT as f64 * (right - left)).round() as usize;
    let high = top as usize + 30..top as usize + 120;
    let seen: Vec<usize> = (left as usize + 3..right as usize - 3)
        .filter(|x| high.clone().all(|y| picture.is(*x, y, LINE, 140)))
        .collect();
    assert!(!seen.is_empty() && seen.len() <= 3, "{seen:?}");
    assert!(
        seen.iter().all(|x| x.abs_diff(spike) <= 2),
        "{seen:?}, not {spike}"
    );
    // Thick lines to and fro: no corner of them reaches out of its place.
    for x in (right - 80.0) as usize..right as usize - 5 {
        let found = picture.line_at(x, LINE);
        let highest = *found.first().unwrap() as f64;
        assert!(highest > top + 0.4 * (bottom - top), "{x}: {highest}");
        assert!((*found.last().unwrap() as f64) < bottom + 1.0);
    }
}

#[test]
fn gaps_are_left_and_counted() {
    let mut numbers = vec![1.0; 100];
    numbers[40..60].fill(f64::NAN);
    numbers[50] = f64::INFINITY;
    numbers[0] = 0.0;
    let folder = packed(&[("x.npy", doubles(&numbers))]);
    let ran = folder.ach(&["plot", "a.ach", "x"]);
    assert_eq!(
        ran.err,
        "note: 20 of 100 elements of x are NaN or infinite and left out\n"
    );
    let picture = Picture::decode(&folder.read("x.png"));
    let (left, _, right, _) = picture.frame();
    let at = |share: f64| picture.line_at((left + share * (right - left)) as usize, LINE);
    assert!(!at(0.3).is_empty() && !at(0.7).is_empty());
    assert!(at(0.5).is_empty());
    let ran = folder.ach(&["plot", "a.ach", "x", "--log", "--force"]);
    assert!(
        ran.err.contains("1 of 100 elements of x is not positive"),
        "{ran:?}"
    );
}

#[test]
fn a_matrix_has_its_first_row_on_top_and_its_numbers_as_colours() {
    let data: Vec<u8> = [0.0f64, 1.0, f64::NAN, 0.5]
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let folder = packed(&[("m.npy", npy("<f8", "(2, 2)", &data))]);
    folder.fine(&["plot", "a.ach", "m"]);
    let picture = Picture::decode(&folder.read("m.png"));
    let (left, top, _, bottom) = picture.frame();
    // The cells are squares, so the plot is as wide as it is high.
    let cell = (bottom - top) / 2.0;
    let middle = |row: f64, column: f64| {
        let x = left + (column + 0.5) * cell;
        let y = top + (row + 0.5) * cell;
        (x as usize, y as usize)
    };
    // Published colours of viridis at 0, 1 and 0.5.
    for (row, column, colour) in [
        (0.0, 0.0, [68, 1, 84]),
        (0.0, 1.0, [253, 231, 37]),
        (1.0, 0.0, [255, 255, 255]),
        (1.0, 1.0, [33, 145, 140]),
    ] {
        let (x, y) = middle(row, column);
        assert!(
            picture.is(x, y, colour, 5),
            "{row}, {column}: {:?}",
            picture.at(x, y)
        );
    }
    // The scale of the colours beside it: yellow on top.
    let right = (0..picture.width)
        .rev()
        .find(|x| picture.is(*x, (top + bottom) as usize / 2, INK, 90));
    let scale = right.unwrap() - 8;
    assert!(picture.is(scale, top as usize + 4, [253, 231, 37], 8));
    assert!(picture.is(scale, bottom as usize - 4, [68, 1, 84], 8));
}

#[test]
fn bytes_in_rows_and_columns_are_an_image() {
    let pixels = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255];
    let folder = packed(&[("i.npy", npy("|u1", "(2, 2, 3)", &pixels))]);
    let told = folder.fine(&["plot", "a.ach", "i", "--size", "400x300"]);
    assert_eq!(told, "i.png: image of 2 x 2 pixels; 400 x 300\n");
    let picture = Picture::decode(&folder.read("i.png"));
    let (left, top, right, bottom) = picture.frame();
    let at = |x: f64, y: f64| {
        picture.at(
            (left + x * (right - left)) as usize,
            (top + y * (bottom - top)) as usize,
        )
    };
    assert_eq!(at(0.25, 0.25), [255, 0, 0]);
    assert_eq!(at(0.75, 0.25), [0, 255, 0]);
    assert_eq!(at(0.25, 0.75), [0, 0, 255]);
    assert_eq!(at(0.75, 0.75), [255, 255, 255]);
}

#[cfg(unix)]
#[test]
fn an_svg_is_well_formed_whatever_things_are_called() {
    let folder = Folder::new();
    let name = "<script>alert(1)</script>&\\\"'\\u0001\\u001b[31m\\u202e\\ufffe]]>";
    folder.write(
        "h.json",
        format!("{{\"{name}\": [1, 2.5, 3], \"b\": [3, 2, 1]}}"),
    );
    folder.fine(&["pack", "-o", "a.ach", "h=h.json", "--include", "*"]);
    let listed: serde_json::Value =
        serde_json::from_str(&folder.fine(&["ls", "--json", "a.ach"])).unwrap();
    let names: Vec<String> = listed["files"][0]["variables"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variable| variable["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.iter().any(|name| name.contains('\u{1}')), "{names:?}");
    let mut args = vec![
        "plot",
        "a.ach",
        "-o",
        "h.svg",
        "--title",
        "<b>\u{7}\u{ffff}&</b>",
    ];
    args.extend(names.iter().map(String::as_str));
    folder.fine(&args);
    let text = String::from_utf8(folder.read("h.svg")).unwrap();
    assert!(!text.contains("<script") && !text.contains("<b>"), "{text}");
    let harmful = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{fffe}' | '\u{ffff}')
    };
    assert!(!text.contains(harmful), "{text}");
    let check = "import sys, xml.dom.minidom as m; d = m.parse('h.svg'); \
        print(len(d.getElementsByTagName('polyline')) > 0, d.documentElement.getAttribute('width'))";
    let ran = folder
        .command("python3")
        .args(["-c", check])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&ran.stdout),
        "True 960\n",
        "{ran:?}"
    );
    // The same as pixels, under the name that a file may have.
    let mut args = vec!["plot", "a.ach"];
    args.extend(names.iter().map(String::as_str));
    folder.fine(&args);
    let made = folder.names();
    let made: Vec<&String> = made.iter().filter(|name| name.ends_with(".png")).collect();
    assert!(
        matches!(made.as_slice(), [name] if !name.contains(['<', '\u{1}', '/'])),
        "{made:?}"
    );
}

#[test]
fn what_cannot_be_drawn_is_named_with_a_way_out() {
    let folder = Folder::with_examples();
    folder.write("empty.npy", npy("<f8", "(0,)", b""));
    folder.write("nan.npy", doubles(&[f64::NAN; 3]));
    folder.write("below.npy", doubles(&[-1.0, 0.0]));
    folder.write("deep.npy", npy("|u1", "(2, 1, 1, 1)", &[1, 2]));
    folder.write("m.npy", npy("<i2", "(1, 2)", &[0; 4]));
    folder.fine(&[
        "pack",
        "-o",
        "a.ach",
        "empty.npy",
        "nan.npy",
        "below.npy",
        "deep.npy",
        "m.npy",
        "penguins.csv",
        "run.json",
    ]);
    let before = folder.names();
    for (args, parts) in [
        (&["notes"][..], &["'notes' of a.ach is text", "ach get"][..]),
        (
            &["hyperparameters.optimizer.momentum"],
            &["single number", "ach get"],
        ),
        (&["empty"], &["is empty, of shape (0,)"]),
        (&["nan"], &["no element of nan is a finite number"]),
        (
            &["below", "--log"],
            &["no element of below is positive", "--log"],
        ),
        (
            &["deep"],
            &[
                "has 4 axes",
                "(2, 1, 1, 1)",
                "'deep[0, 0, 0]'",
                "'deep[0, 0]'",
            ],
        ),
        (
            &["m", "below"],
            &["'m' of a.ach is a matrix of shape (1, 2)", "'m[0]'"],
        ),
        (&["penguins.species"], &["an array of text"]),
        (
            &["nan", "--x", "nan"],
            &["'nan' of a.ach has no finite number"],
        ),
        (
            &["below", "--x", "penguins.year"],
            &["has 344 elements, and below has 2"],
        ),
        (&["below", "--x", "penguins"], &["is a table", "--x"]),
        (&["below", "--heatmap"], &["is a vector"]),
        (&["deep", "--image"], &["is no image", "channels"]),
        (
            &["below", "-o", "x.jpg"],
            &["x.jpg ends in neither .png nor .svg", "--format"],
        ),
        (&["below", "--size", "9x9"], &["160 to 16000"]),
        (&["below", "--size", "big"], &["960x540"]),
        (&["below", "--scatter", "--hist"], &["cannot be used with"]),
        (&["nobody"], &["nobody"]),
    ] {
        let mut all = vec!["plot", "a.ach"];
        all.extend(args);
        let text = folder.refused(&all);
        for part in parts {
            assert!(text.contains(part), "{args:?}: {part:?} is not in {text:?}");
        }
        assert_eq!(folder.names(), before, "{args:?}");
    }
}

#[test]
fn a_picture_replaces_nothing_unless_forced_and_goes_to_a_pipe() {
    let folder = packed(&[("x.npy", doubles(&[1.0, 2.0]))]);
    folder.write("x.png", "mine");
    let text = folder.refused(&["plot", "a.ach", "x"]);
    assert!(text.contains("x.png exists already; use --force"), "{text}");
    assert_eq!(folder.read("x.png"), b"mine");
    folder.fine(&["plot", "a.ach", "x", "--force"]);
    assert!(folder.read("x.png").starts_with(b"\x89PNG\r\n"));
    assert!(
        folder
            .fine(&["plot", "a.ach", "x", "-o", "-", "--format", "svg"])
            .starts_with("<svg ")
    );
    assert_eq!(folder.names(), ["a.ach", "x.npy", "x.png"]);
    // The same numbers are the same picture.
    let first = folder.read("x.png");
    folder.fine(&["plot", "a.ach", "x", "-o", "again.png"]);
    assert_eq!(folder.read("again.png"), first);
}

#[test]
fn tables_have_a_line_for_each_column_and_slices_are_taken() {
    let folder = Folder::with_examples();
    folder.fine(&["pack", "-o", "a.ach", "run.json", "penguins.csv"]);
    let told = folder.fine(&["plot", "a.ach", "history", "--x", "epoch", "-o", "h.svg"]);
    assert_eq!(told, "h.svg: 4 lines of 60 points each; 960 x 540\n");
    let text = String::from_utf8(folder.read("h.svg")).unwrap();
    for name in ["train_loss", "valid_accuracy", "epoch", "history"] {
        assert!(text.contains(&format!(">\n{name}\n<")), "{name}");
    }
    let ran = folder.ach(&[
        "plot",
        "a.ach",
        "penguins",
        "--x",
        "year",
        "--scatter",
        "-o",
        "p.png",
    ]);
    assert!(
        ran.err
            .contains("not drawn of 'penguins': species (an array of text)"),
        "{ran:?}"
    );
    let told = folder.fine(&["plot", "a.ach", "penguins.year[10:30]", "-o", "y.png"]);
    assert_eq!(told, "y.png: 1 line of 20 points; 960 x 540\n");
    let told = folder.fine(&[
        "plot",
        "a.ach",
        "penguins.year",
        "--hist",
        "--bins",
        "3",
        "-o",
        "z.png",
    ]);
    assert_eq!(
        told,
        "z.png: histogram of 344 elements in 3 bars; 960 x 540\n"
    );
}
