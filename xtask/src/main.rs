//! The commands of the project besides the program itself: `cargo xtask COMMAND`.

mod bench;
mod bounds;
mod captures;
mod data;
mod fuzz;
mod laws;
mod section;
mod shell;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  test                   everything that CI runs: set-up, format, lints, tests, cases
  test --no-setup        the same without installing packages
  laws --cases N         every property test, N random cases each
  bench [--size 1400M]   speed and memory beside the peers that are installed;
                         writes docs/performance.md
  bounds                 hostile input at full scale: what bounds it, memory and time;
                         writes docs/limits.md
  captures               every capture of the collection beside the repository: no panic,
                         no hang, tshark's packet counts; writes docs/limits.md
  fuzz --minutes N       coverage-guided fuzzing of every target
  data …                 rebuild the embedded data sets (crates/auscult-inventory/data)
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test", rest @ ..] => test::run(rest),
        ["laws", rest @ ..] => laws::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["bounds", rest @ ..] => bounds::run(rest),
        ["captures", rest @ ..] => captures::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["data", ..] => data::run(&args[1..]),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
