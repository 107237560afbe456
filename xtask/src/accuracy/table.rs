//! Which test holds which protocol, read from the sources of the tests, so that it cannot say more
//! than there is.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::shell::root;

/// A source file with its text.
struct File {
    path: PathBuf,
    text: String,
}

fn files(folder: &Path, into: &mut Vec<File>) -> Result<()> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, into)?;
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            let text = fs::read_to_string(&path)?;
            into.push(File { path, text });
        }
    }
    Ok(())
}

/// The files of one protocol: the one with its record, and the folder of its name.
fn of<'a>(name: &str, sources: &'a [File]) -> Vec<&'a File> {
    let record = format!("name: \"{name}\"");
    let Some(home) = sources.iter().find(|file| file.text.contains(&record)) else {
        return Vec::new();
    };
    let folder = match home.path.file_stem().is_some_and(|stem| stem == "mod") {
        true => home.path.parent().map(Path::to_path_buf),
        false => Some(home.path.with_extension("")),
    };
    sources
        .iter()
        .filter(|file| {
            let is_below = |folder: &PathBuf| file.path.starts_with(folder);
            file.path == home.path || folder.as_ref().is_some_and(is_below)
        })
        .collect()
}

/// The section: a row a protocol of docs/protocols.md.
pub(super) fn section() -> Result<String> {
    let crates = root().join("crates");
    let (mut sources, mut laws, mut live) = (Vec::new(), Vec::new(), Vec::new());
    files(&crates.join("auscult-protocols/src"), &mut sources)?;
    files(&crates.join("auscult-protocols/tests"), &mut laws)?;
    files(&crates.join("auscult/tests/live"), &mut live)?;
    let without = laws
        .iter()
        .find_map(|file| Some(file.text.split_once("const WITHOUT_STREAM")?.1))
        .and_then(|rest| rest.split("];").next())
        .unwrap_or_default()
        .to_owned();
    let mut text = String::from(
        "## What holds each protocol\n\n\
         Read from the tests: *golden*: compared with captures that nobody here made; *fields*: \
         held to at least so much of tshark's fields; *live*: a real program in a network of its \
         own; *gap* and *one-sided*: the laws over streams of the lab, or its own tests; *fuzz*: \
         the targets over the whole table. Names of conversations are judged above for all.\n\n\
         | protocol | tier | golden | fields | live | gap | one-sided | fuzz |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let document = fs::read_to_string(root().join("docs/protocols.md"))?;
    for part in document.split("\n## ").skip(1) {
        let name = part.lines().next().unwrap_or_default();
        let tier = part.split_once("Tier: ").map_or("", |(_, rest)| {
            rest.split([':', '.']).next().unwrap_or_default()
        });
        let mine = of(name, &sources);
        let has = |word: &str| mine.iter().any(|file| file.text.contains(word));
        let quoted = format!("\"{name}\"");
        let fields = mine.iter().find_map(|file| {
            let call = format!("at_least({quoted}, ");
            let rest = file.text.split_once(&call)?.1;
            Some(rest.split(')').next()?.to_owned())
        });
        let is_live = live.iter().any(|file| file.text.contains(&quoted));
        let in_lab = tier == "decoded" && !without.contains(&quoted);
        let yes = |is: bool| if is { "yes" } else { "" };
        writeln!(
            text,
            "| {name} | {tier} | {} | {} | {} | {} | {} | yes |",
            yes(has("oracle::")),
            fields.unwrap_or_default(),
            yes(is_live),
            yes(in_lab || has("Piece::Gap")),
            yes(in_lab || has("one_side") || has("alone")),
        )?;
    }
    text.push('\n');
    Ok(text)
}
