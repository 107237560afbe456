//! The same report for any number of threads and any read size, also when limits are reached.

mod cases;

use std::sync::OnceLock;

use auscult_engine::Options;
use auscult_lab::{Scene, generate};
use auscult_model::report::Report;
use proptest::prelude::*;
use proptest::sample::Index;

fn ward(seed: u64) -> cases::Capture {
    cases::Capture::scene(
        &generate("ward", seed, &auscult_lab::Options::default()).expect("a scene"),
    )
}

fn same(capture: &cases::Capture, options: &Options) -> Report {
    let alone = capture.report(&Options {
        threads: 1,
        ..options.clone()
    });
    for threads in [2, 4] {
        let together = capture.report(&Options {
            threads,
            ..options.clone()
        });
        assert_eq!(
            serde_json::to_string_pretty(&alone).expect("JSON"),
            serde_json::to_string_pretty(&together).expect("JSON"),
            "{threads} threads"
        );
    }
    alone
}

#[test]
fn law_threads() {
    for seed in 1..4 {
        same(&ward(seed), &Options::default());
    }
}

#[test]
fn law_threads_when_limits_are_reached() {
    let mut options = Options {
        max_memory: 1 << 20,
        ..Options::default()
    };
    assert!(options.limit("flows", 64));
    let report = same(&ward(2), &options);
    assert!(
        report.health.limits["flows"] > 0,
        "{:?}",
        report.health.limits
    );
    assert!(report.health.flows_evicted > 0);
}

#[test]
fn law_read_sizes() {
    let capture = ward(1);
    let usual = capture.report(&Options::default());
    for read_size in [4096, 5000, 65_536] {
        let other = capture.report(&Options {
            read_size,
            ..Options::default()
        });
        assert_eq!(
            serde_json::to_string_pretty(&usual).unwrap(),
            serde_json::to_string_pretty(&other).unwrap(),
            "blocks of {read_size}"
        );
    }
}

#[test]
fn law_order_of_inputs_and_splits() {
    // One capture cut into two files at a quiet moment is told like the whole, apart from names.
    let scene = generate("hl7-inside", 5, &auscult_lab::Options::default()).unwrap();
    let whole = cases::report(&scene);
    let mut late = scene.clone();
    late.frames.clear();
    let both = [cases::Capture::scene(&scene), cases::Capture::scene(&late)];
    let paths: Vec<_> = both.iter().map(|capture| capture.0.clone()).collect();
    let report =
        auscult_engine::analyze(&paths, &Options::default(), &mut auscult_engine::Unwatched)
            .unwrap();
    let told = |report: &Report| -> Vec<(String, String)> {
        report
            .findings
            .iter()
            .map(|f| (f.id.clone(), f.severity.to_string()))
            .collect()
    };
    assert_eq!(told(&report), told(&whole));
    assert_eq!(report.devices_total, whole.devices_total);
}

/// Scenes whose frames are cut, changed and mixed.
fn scenes() -> &'static [Scene] {
    static SCENES: OnceLock<Vec<Scene>> = OnceLock::new();
    SCENES.get_or_init(|| {
        [
            "leak-through-gateway",
            "nfs-update-outside",
            "hl7-inside",
            "benign-office",
        ]
        .map(|name| generate(name, 9, &auscult_lab::Options::default()).expect("a scene"))
        .into()
    })
}

proptest! {
    /// Any frames, whole or damaged, in any order, with bounds that are reached: the same report
    /// for one thread and three, read at once and in pieces.
    #[test]
    fn law_threads_on_damaged_captures(
        which in 0usize..4,
        start in any::<Index>(),
        count in 1usize..60,
        changes in prop::collection::vec((any::<Index>(), 0usize..300, any::<u8>()), 0..6),
        swaps in prop::collection::vec((any::<Index>(), any::<Index>()), 0..4),
        few in any::<bool>(),
    ) {
        let mut scene = scenes()[which].clone();
        let start = start.index(scene.frames.len());
        scene.frames.drain(..start);
        scene.frames.truncate(count);
        for (frame, at, value) in changes {
            let frame = frame.index(scene.frames.len());
            if let Some(byte) = scene.frames[frame].bytes.get_mut(at) {
                *byte = value;
            }
        }
        for (a, b) in swaps {
            let (a, b) = (a.index(scene.frames.len()), b.index(scene.frames.len()));
            scene.frames.swap(a, b);
        }
        let capture = cases::Capture::scene(&scene);
        let mut options = Options::default();
        if few {
            let limits = [("flows", 64), ("remembered-statements", 2), ("session-bytes", 64)];
            for (name, value) in limits {
                prop_assert!(options.limit(name, value));
            }
        }
        let alone = capture.report(&options);
        let together = capture.report(&Options { threads: 3, read_size: 4096, ..options });
        prop_assert_eq!(
            serde_json::to_string(&alone).unwrap(),
            serde_json::to_string(&together).unwrap()
        );
    }
}
