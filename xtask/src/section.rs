//! Parts of documents that commands write: figures between two marks.

use std::path::Path;

use anyhow::{Context as _, Result};

/// Replaces what stands between the marks of `name`; puts it at the end where there are none.
pub(crate) fn write(file: &Path, name: &str, text: &str) -> Result<()> {
    let old = std::fs::read_to_string(file).unwrap_or_default();
    std::fs::write(file, replaced(&old, name, text))
        .with_context(|| format!("cannot write {}", file.display()))
}

fn replaced(old: &str, name: &str, text: &str) -> String {
    let begin = format!("<!-- figures: written by cargo xtask {name} -->");
    let end = format!("<!-- end of figures of {name} -->");
    let (before, after) = match old.split_once(&begin) {
        Some((before, rest)) => (before, rest.split_once(&end).map_or("", |(_, after)| after)),
        None => (old, "\n"),
    };
    format!("{before}{begin}\n{text}{end}{after}")
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn only_what_stands_between_the_marks_changes() {
        let first = replaced("# Title\n\n", "bounds", "| a |\n");
        assert!(first.starts_with("# Title\n\n<!--") && first.contains("\n| a |\n<!--"));
        let more = format!("{first}Text behind.\n");
        let second = replaced(&more, "bounds", "| b |\n");
        assert_eq!(second, more.replace("| a |", "| b |"));
    }
}
