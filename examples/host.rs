//! A small expression language that saves and restores its session: values full of `Rc` and
//! `RefCell`, tensors and complex numbers of its own. All it needs of the library is in
//! `host/persist.rs`; `docs/hosts.md` goes through it.
//!
//! ```console
//! $ cargo run --example host -- run --save s.ach 'mut n = 0' 'let inc = () => { n = n + 1; n }' 'inc()'
//! 1
//! $ cargo run --example host -- run --restore s.ach 'inc()'
//! 2
//! ```

#[path = "host/builtins.rs"]
mod builtins;
#[path = "host/eval.rs"]
mod eval;
#[path = "host/parse.rs"]
mod parse;
#[path = "host/persist.rs"]
mod persist;
#[path = "host/value.rs"]
mod value;

use std::collections::HashSet;
use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use eval::Interpreter;
use value::Object;

const USAGE: &str = "\
usage: host run [OPTIONS] [PROGRAM]...

Runs each PROGRAM in one session and prints its value; without any, reads lines.

  --restore FILE   restore a session first
  --save FILE      save the session at the end, over an old file
  --strict         restoring something that is not as it was is an error
  --without NAME   do as if there were no builtin NAME

In the language: let x = 1, mut n = 0, n = n + 1, {a: 1, mut b: 2}, [1, 2], (x, y) => x + y,
if a then b else c, 2i, \"text\", save_env(\"x.ach\"), restore_env(\"x.ach\")
";

#[derive(Default)]
struct Options {
    restore: Option<String>,
    save: Option<String>,
    strict: bool,
    without: HashSet<String>,
    programs: Vec<String>,
}

fn main() -> ExitCode {
    // Calls of the language are calls of the interpreter: a stack for 10,000 of them.
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    let run = || match options(std::env::args().skip(1)) {
        Ok(Some(options)) => session(&options),
        Ok(None) => {
            print!("{USAGE}");
            Ok(())
        }
        Err(error) => Err(format!("{error}\n{USAGE}")),
    };
    let result = match thread.spawn(run) {
        Ok(thread) => thread.join().unwrap_or_else(|_| Err("a defect".to_owned())),
        Err(error) => Err(format!("no stack: {error}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    match arguments.next().as_deref() {
        Some("run") => {}
        Some("help" | "--help" | "-h") | None => return Ok(None),
        Some(other) => return Err(format!("there is no command {other}")),
    }
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--restore" => options.restore = Some(value()?),
            "--save" => options.save = Some(value()?),
            "--strict" => options.strict = true,
            "--without" => {
                options.without.insert(value()?);
            }
            flag if flag.starts_with("--") => return Err(format!("there is no option {flag}")),
            _ => options.programs.push(argument),
        }
    }
    Ok(Some(options))
}

fn session(options: &Options) -> Result<(), String> {
    let mut interpreter = Interpreter::new(options.without.clone(), options.strict);
    if let Some(path) = &options.restore {
        persist::restore(&mut interpreter, Path::new(path))?;
    }
    for program in &options.programs {
        show(interpreter.run(program)?);
    }
    if options.programs.is_empty() {
        read_lines(&mut interpreter)?;
    }
    if let Some(path) = &options.save {
        let overwrite = ("overwrite".to_owned(), Object::Boolean(true));
        persist::save(
            &interpreter,
            Path::new(path),
            &[(&overwrite.0, &overwrite.1)],
        )?;
    }
    Ok(())
}

/// Lines from a terminal, where an error is told and the next is read; or a program from a pipe.
fn read_lines(interpreter: &mut Interpreter) -> Result<(), String> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        let text = std::io::read_to_string(input).map_err(|e| e.to_string())?;
        show(interpreter.run(&text)?);
        return Ok(());
    }
    for line in std::iter::once(Ok(String::new())).chain(input.lock().lines()) {
        match interpreter.run(&line.map_err(|e| e.to_string())?) {
            Ok(value) => show(value),
            Err(error) => eprintln!("error: {error}"),
        }
        print!("> ");
        std::io::stdout().flush().map_err(|e| e.to_string())?;
    }
    println!();
    Ok(())
}

fn show(value: Option<Object>) {
    match value {
        None | Some(Object::Null) => {}
        Some(value) => println!("{value}"),
    }
}
