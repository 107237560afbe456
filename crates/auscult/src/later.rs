//! What is planned and not there yet: one line instead of "unknown argument".

use std::ffi::OsString;
use std::path::Path;

const OPTIONS: &[&str] = &["--html", "--extract", "--filter", "--flows", "--sha256"];

const COMMANDS: &[&str] = &["cases", "listen", "serve", "watch"];

/// The line for arguments (without the program's name) that ask for something planned.
pub(crate) fn notice(arguments: &[OsString]) -> Option<String> {
    let words = arguments
        .iter()
        .map(|a| a.to_string_lossy())
        .take_while(|a| a != "--");
    for (index, word) in words.enumerate() {
        let name = word.split('=').next().unwrap_or(&word);
        if OPTIONS.contains(&name) {
            return Some(format!("{name} comes later"));
        }
        if index == 0 && COMMANDS.contains(&name) && !Path::new(name).exists() {
            return Some(format!("`{name}` comes later"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Option<String> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        notice(&words)
    }

    #[test]
    fn planned_things_get_a_line() {
        assert_eq!(of(&["serve"]).unwrap(), "`serve` comes later");
        assert_eq!(of(&["a.pcap", "--html=x"]).unwrap(), "--html comes later");
        assert_eq!(of(&["a.pcap", "serve"]), None);
        assert_eq!(of(&["--", "--html"]), None);
        assert_eq!(of(&["devices", "--all"]), None);
    }
}
