//! The command `ach`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ach_cli::main()
}
