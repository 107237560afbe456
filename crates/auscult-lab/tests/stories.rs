//! The stories told in data: every file is in the table, can be played, is small, and depends on
//! the seed alone.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use auscult_lab::play::{Kind, play, stories};
use auscult_lab::{Options, files, generate, scenarios};

#[test]
fn every_file_is_a_story() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".toml").map(ToOwned::to_owned)
        })
        .collect();
    let told: Vec<&str> = stories().iter().map(|story| story.name.as_str()).collect();
    assert_eq!(told, files.iter().collect::<Vec<_>>());
    for story in stories() {
        assert!(scenarios().iter().all(|made| made.name != story.name));
        assert!(
            !story.summary.ends_with('.') && !story.row.is_empty(),
            "{}",
            story.name
        );
        if story.kind == Kind::Attack {
            assert!(!story.must.is_empty(), "{}", story.name);
        }
    }
}

#[test]
fn stories_are_small_and_depend_on_the_seed_alone() {
    for story in stories() {
        let written = |seed| files::pcapng(&play(story, seed).unwrap_or_else(|e| panic!("{e}")));
        let (a, b, other) = (written(3), written(3), written(4));
        assert_eq!(a, b, "{}", story.name);
        assert_ne!(a, other, "{}", story.name);
        assert!(a.len() < 330_000, "{}: {} bytes", story.name, a.len());
    }
}

#[test]
fn a_story_is_written_by_its_name() {
    let scene = generate("captive-portal", 1, &Options::default()).unwrap();
    assert!(scene.frames.len() > 40);
    assert!(generate("no-such-story", 1, &Options::default()).is_err());
}

/// Look-alikes are collected in 39 rows; each has a story.
#[test]
fn every_row_of_the_look_alikes_has_a_story() {
    let rows: BTreeSet<u32> = stories()
        .iter()
        .filter_map(|story| story.row.strip_prefix("look-alike"))
        .flat_map(|rows| rows.split(|c: char| !c.is_ascii_digit()))
        .filter_map(|number| number.parse().ok())
        .collect();
    assert_eq!(rows, (1..=39).collect());
    let of = |kind| stories().iter().filter(|story| story.kind == kind).count();
    assert!(of(Kind::Innocent) >= 30 && of(Kind::Attack) >= 30);
}
