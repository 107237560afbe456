//! The command line: arguments in, words out; no logic.
//!
//! Results go to standard output, everything else to standard error.

mod arguments;
mod commands;
mod configuration;
mod cutting;
mod failure;
mod interrupt;
mod later;
mod memory;
mod output;
mod own_rules;
mod private_file;
mod progress;
mod reading;
mod site_file;
mod text_file;

use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::failure::{Failure, Outcome};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXAMPLES: &str = "\
Examples:
  auscult ward.pcapng                        what is here, and what is wrong
  auscult captures/ --fail-on high           a folder; exit code 3 from high on
  auscult analyze ward.pcapng --format json  everything, for other programs
  auscult devices ward.pcapng --all          every device
  auscult finding F-3c81 ward.pcapng         one finding with its proof
  tcpdump -w - | auscult -                   from a pipe
  auscult lab write ward --seed 7 -o try.pcapng

Exit codes: 0 done; 1 nothing analysed; 2 wrong usage; 3 a finding at or above
--fail-on; 4 an input was cut short or damaged, or reading was interrupted.";

/// Tells a hospital which medical devices its captures show, what they talk to, what is wrong
///
/// Auscult reads packet captures (pcap, pcapng, also .gz and .zst). It sends nothing and needs
/// no network.
#[derive(Parser)]
#[command(
    name = "auscult",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    term_width = 80,
    after_help = EXAMPLES
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    analyze: commands::analyze::Analyze,
}

#[derive(Subcommand)]
enum Command {
    Analyze(commands::analyze::Analyze),
    Devices(commands::devices::Devices),
    Device(commands::device::Device),
    Findings(commands::findings::Findings),
    Finding(commands::finding::Finding),
    Flows(commands::flows::Flows),
    Cut(commands::cut::Cut),
    Evidence(commands::evidence::Evidence),
    Diff(commands::diff::Diff),
    Check(commands::check::Check),
    Verify(commands::verify::Verify),
    Rules(commands::rules::Rules),
    Register(commands::register::Register),
    Forget(commands::forget::Forget),
    Explain(commands::explain::Explain),
    Limits(commands::limits::Limits),
    Lab(commands::lab::Lab),
    Completions(commands::completions::Completions),
}

fn run(cli: Cli, out: &mut dyn Write) -> Result<Outcome, Failure> {
    match cli.command {
        None => cli.analyze.run(out),
        Some(Command::Analyze(command)) => command.run(out),
        Some(Command::Devices(command)) => command.run(out),
        Some(Command::Device(command)) => command.run(out),
        Some(Command::Findings(command)) => command.run(out),
        Some(Command::Finding(command)) => command.run(out),
        Some(Command::Flows(command)) => command.run(out),
        Some(Command::Cut(command)) => command.run(out),
        Some(Command::Evidence(command)) => command.run(out),
        Some(Command::Diff(command)) => command.run(out),
        Some(Command::Check(command)) => command.run(out),
        Some(Command::Verify(command)) => command.run(out),
        Some(Command::Rules(command)) => command.run(out),
        Some(Command::Register(command)) => command.run(out),
        Some(Command::Forget(command)) => command.run(out),
        Some(Command::Explain(command)) => command.run(out),
        Some(Command::Limits(command)) => command.run(out),
        Some(Command::Lab(command)) => command.run(out),
        Some(Command::Completions(command)) => command.run(out, &mut Cli::command()),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(words) = later::notice(arguments.get(1..).unwrap_or_default()) {
        eprintln!("auscult: {words}");
        return ExitCode::from(2);
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is no reason to complain about the help text.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let stdout = io::stdout();
    // On a terminal lines appear as they are made; elsewhere whole blocks are cheaper.
    let block = if stdout.is_terminal() {
        1 << 10
    } else {
        64 << 10
    };
    let mut out = BufWriter::with_capacity(block, stdout.lock());
    let result = run(cli, &mut out).and_then(|outcome| {
        out.flush()?;
        Ok(outcome)
    });
    match result {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(failure) => {
            // What was already said comes before the complaint.
            let _ = out.flush();
            // File names are other people's text: nothing in them may drive a terminal.
            eprintln!(
                "auscult: {}",
                auscult_report::printable_lines(&failure.to_string())
            );
            ExitCode::from(failure.code())
        }
    }
}
