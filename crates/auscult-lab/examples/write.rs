//! Writes a scenario from the command line: `write SCENARIO SEED OUT`.

fn main() -> Result<(), auscult_lab::LabError> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [scenario, seed, out] = arguments.as_slice() {
        auscult_lab::write(
            scenario,
            seed.parse().unwrap_or(1),
            std::path::Path::new(out),
        )?;
    }
    Ok(())
}
