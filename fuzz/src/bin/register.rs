//! Any bytes as an asset register: an error with words, or rows of which every view is safe to
//! open: no control character, and no cell that a spreadsheet would compute.
#![no_main]

use auscult_fuzz::has_controls;
use auscult_register::{Choices, View, check, read, register_csv, register_json, register_text};
use auscult_report::Page;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let register = match read(bytes, &Choices::default()) {
        Ok(register) => register,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    assert!(register.problems.len() <= register.problems_total);
    let checked = check(&register, None);
    let view = View {
        file: "assets.csv",
        all: bytes.len().is_multiple_of(2),
    };
    let mut page = Page::new(80, false);
    register_text(&mut page, &checked, &view);
    let text = page.finish();
    assert!(!has_controls(&text));
    let json = register_json(&checked, &view).expect("it can be written");
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
    let mut cells = csv::ReaderBuilder::new();
    let table = register_csv(&checked);
    for record in cells
        .has_headers(false)
        .from_reader(table.as_bytes())
        .records()
    {
        for cell in &record.expect("a table of equal rows") {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{cell:?}"
            );
        }
    }
});
