//! Ctrl-C ends the reading; the report covers what was read. A second one ends the program.

use std::process;
use std::sync::OnceLock;

use auscult_engine::Stop;

/// The code of a program that an interrupt ended (128 and the number of SIGINT).
const ENDED: i32 = 130;

/// A request to stop that an interrupt makes.
pub(crate) fn stop() -> Stop {
    static STOP: OnceLock<Stop> = OnceLock::new();
    let stop = STOP.get_or_init(|| {
        let stop = Stop::default();
        let requested = stop.clone();
        // Without a handler an interrupt ends the program at once, as everywhere.
        let _ = ctrlc::set_handler(move || {
            if requested.request() {
                process::exit(ENDED);
            }
            eprintln!("auscult: interrupted; reporting what was read (again to end at once)");
        });
        stop
    });
    stop.clone()
}
