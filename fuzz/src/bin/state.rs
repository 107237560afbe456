//! Facts as a state keeps them: whatever the bytes, an error with words or a report that can be
//! written. A state may be damaged, or come from somebody else.
#![no_main]

use auscult_engine::{Options, conclude};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let options = Options {
        max_memory: 1 << 24,
        ..Options::default()
    };
    match conclude(bytes, Vec::new(), &options) {
        Ok(report) => {
            let text = auscult_report::json(&report).expect("a report can be written");
            let again = auscult_report::read_json(text.as_bytes()).expect("and read again");
            assert_eq!(report.devices.len(), again.devices.len());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
