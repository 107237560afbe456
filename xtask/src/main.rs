//! The commands of the project besides the program itself: `cargo xtask COMMAND`.

mod accuracy;
mod bench;
mod bounds;
mod captures;
mod data;
mod fuzz;
mod guards;
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
  bench                  speed and memory, beside the peers that are installed;
                         writes the figures in docs/performance.md
  bench PART…            the same of peers, threads, budget, stages, growth,
                         pipe, disk, startup; other figures stay
      --size 1400M       the capture; --runs 3; --quick: small, nothing written
      UPDATE=1           stages: writes the baseline instead of comparing
  bench stream CAPTURE N the capture N times, as new flows, to standard output
  bench bulk PACKETS FLOWS DEVICES FILE
                         a capture of the lab with so many
  bounds                 hostile input at full scale: what bounds it, memory and time;
                         writes docs/limits.md
  captures               every capture of the collection beside the repository: no panic,
                         no hang, tshark's packet counts; writes docs/limits.md
  accuracy               names of conversations beside nDPI's and tshark's, and what is found on
                         labelled captures; writes docs/accuracy.md
  fuzz --minutes N [TARGET…]
                         coverage-guided fuzzing of every target, or of these
  fuzz --coverage        the lines that the corpora reach, by parser
  guards                 every guard of every rule switched off in turn: which test misses it;
                         writes docs/guards.md
  guards [--list] RULE…  these rules (modules) only; nothing written
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
        ["accuracy", rest @ ..] => accuracy::run(rest),
        ["captures", rest @ ..] => captures::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["guards", rest @ ..] => guards::run(rest),
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
