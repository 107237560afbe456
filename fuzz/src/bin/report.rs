//! Any bytes as a written report: an error with words, or something every view can show, and its
//! comparison with itself too.
#![no_main]

use auscult_fuzz::has_controls;
use auscult_report::{Page, csv_devices, csv_findings, diff, diff_text, terminal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let report = match auscult_report::read_json(bytes) {
        Ok(report) => report,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let mut screen = Vec::new();
    let options = auscult_report::Options {
        all: bytes.len().is_multiple_of(2),
        ..auscult_report::Options::default()
    };
    terminal(&report, &options, &mut screen).expect("memory takes it");
    assert!(!has_controls(std::str::from_utf8(&screen).expect("text")));
    for table in [csv_devices(&report.devices), csv_findings(&report.findings)] {
        assert!(!has_controls(&table.replace("\r\n", "\n")));
    }
    let difference = diff(&report, &report);
    assert!(difference.is_empty(), "{difference:?}");
    let mut page = Page::new(80, false);
    diff_text(&mut page, &difference, true);
    assert!(!has_controls(&page.finish()));
});
