//! `ach plot`: a picture of a vector, a matrix or an image.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::Status;
use crate::error::{Failure, Result, shown};
use crate::export::filename::FileNames;
use crate::journal::Reading;
use crate::output_file::{self, OutputFile};
use crate::plot::{Format, Kind, Wish, picture};

/// Draw a vector, a matrix or an image as a PNG or SVG file.
///
/// A vector becomes a line, several vectors or the columns of a table become several, a matrix becomes
/// a heat map, and uint8 in rows and columns, with 3 or 4 channels or none, an image. Of complex
/// numbers both parts are drawn. NAME is as for `ach get`, with slices: `weights[0:100]`,
/// `waves[3]`, `run.loss`.
///
/// Arrays are read block by block, so their size does not matter: of a long vector the least and the
/// greatest element of each column of pixels are drawn, of a large matrix the mean of those that share
/// a pixel. NaN and infinities leave gaps.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ach plot run.ach loss                                  loss.png, a line
  ach plot run.ach history --x epoch -o history.svg      a line for each column
  ach plot run.ach train.loss test.loss --log            two lines on a logarithmic axis
  ach plot run.ach 'waves[0, 1000:2000]' -o wave.png     a part
  ach plot run.ach mass --x length --scatter             a dot for each pair
  ach plot run.ach layer1.weight                         a heat map
  ach plot run.ach layer1.weight --hist                  how its numbers are spread
  ach plot run.ach photo -o - | display                  to another program")]
pub(crate) struct Args {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Names, or paths into values, with slices
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// The picture, .png or .svg; - is standard output [default: NAME.png]
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// What it is written as [default: by the extension of OUT, else png]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// What stands along the lower edge: a column of the table, or a name [default: the index]
    #[arg(long, value_name = "NAME")]
    x: Option<String>,
    /// Dots instead of lines
    #[arg(long, group = "kind")]
    scatter: bool,
    /// How the numbers are spread
    #[arg(long, group = "kind")]
    hist: bool,
    /// An image, whatever the dtype: 0 to 1 for floats, 0 to 65535 for uint16, else 0 to 255
    #[arg(long, group = "kind")]
    image: bool,
    /// A heat map, of uint8 too
    #[arg(long, group = "kind")]
    heatmap: bool,
    /// Bars of --hist
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    bins: u32,
    /// Of complex numbers the absolute value
    #[arg(long)]
    abs: bool,
    /// A logarithmic vertical axis, or scale of colours
    #[arg(long)]
    log: bool,
    /// What stands above [default: the name]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "960x540", value_parser = size)]
    size: (u32, u32),
    /// Replace OUT if it exists
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Pixels of a picture: the page in memory has up to nine times as many.
const MOST_PIXELS: u32 = 16_000_000;

/// Draws.
///
/// # Errors
/// [`Failure`]; a file that was to be replaced is then as it was.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    let path = match &args.output {
        Some(path) => path.clone(),
        None => default_path(args)?,
    };
    let to_stdout = path.as_os_str() == "-";
    let format = match args.format {
        Some(format) => format,
        None if to_stdout => Format::Png,
        None => by_extension(&path)?,
    };
    if to_stdout && std::io::stdout().is_terminal() {
        return Err(Failure::refused(
            "a picture is not for a terminal; use -o FILE, or a pipe",
        ));
    }
    if !to_stdout {
        output_file::check(&path, args.force)?;
    }
    let archive = crate::opened::open(&args.file, args.reading)?;
    let picture = picture(&archive, &args.file, &wish(args), format)?;
    if to_stdout {
        out.write_all(&picture.bytes)?;
        return Ok(Status::Fine);
    }
    let mut file = OutputFile::create(&path, args.force)?;
    OutputFile::named(
        &path,
        file.write_all(&picture.bytes).map_err(Failure::Output),
    )?;
    file.commit()?;
    let (width, height) = args.size;
    writeln!(
        out,
        "{}: {}; {width} x {height}",
        shown(&path),
        picture.shows
    )?;
    Ok(Status::Fine)
}

fn wish(args: &Args) -> Wish {
    let kinds = [
        (args.scatter, Kind::Scatter),
        (args.hist, Kind::Histogram),
        (args.image, Kind::Image),
        (args.heatmap, Kind::Heatmap),
    ];
    Wish {
        names: args.names.clone(),
        x: args.x.clone(),
        kind: kinds
            .into_iter()
            .find_map(|(asked, kind)| asked.then_some(kind)),
        absolute: args.abs,
        log: args.log,
        bins: args.bins as usize,
        title: args.title.clone(),
        size: args.size,
    }
}

/// The name of the first variable as the name of a file, as `ach extract` makes it, here.
fn default_path(args: &Args) -> Result<PathBuf> {
    let extension = match args.format {
        Some(Format::Svg) => "svg",
        _ => "png",
    };
    let name = FileNames::default().assign(&args.names[0], extension)?;
    Ok(PathBuf::from(name))
}

fn by_extension(path: &Path) -> Result<Format> {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    match extension.to_ascii_lowercase().as_str() {
        "png" => Ok(Format::Png),
        "svg" => Ok(Format::Svg),
        _ => Err(Failure::refused(format!(
            "{} ends in neither .png nor .svg; name it so, or say --format png or --format svg",
            shown(path)
        ))),
    }
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once(['x', 'X']);
    let sides = sides.and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let Some((width, height)) = sides else {
        return Err("not a size; write it as 960x540".to_owned());
    };
    let fits = |side: u32| (160..=16_000).contains(&side);
    match fits(width) && fits(height) && width * height <= MOST_PIXELS {
        true => Ok((width, height)),
        false => {
            Err("each side is 160 to 16000 pixels, and both make at most 16 million".to_owned())
        }
    }
}
