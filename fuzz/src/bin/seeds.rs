//! `seeds FOLDER TARGET…`: writes the first inputs of targets into FOLDER/TARGET.

use std::path::Path;
use std::process::ExitCode;

// The coverage counters want a runtime also where nothing is fuzzed.
use libfuzzer_sys as _;

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(folder) = words.next() else {
        eprintln!("usage: seeds FOLDER TARGET…");
        return ExitCode::from(2);
    };
    for target in words {
        let Some(seeds) = auscult_fuzz::seeds::of(&target) else {
            eprintln!("no target is named `{target}`");
            return ExitCode::from(2);
        };
        let folder = Path::new(&folder).join(&target);
        let written = std::fs::create_dir_all(&folder).and_then(|()| {
            seeds.iter().enumerate().try_for_each(|(number, seed)| {
                std::fs::write(folder.join(format!("seed-{number:03}")), seed)
            })
        });
        if let Err(error) = written {
            eprintln!("{}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
