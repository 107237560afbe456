//! Captures that hold some of the same packets, found minute by minute.
//!
//! Minutes with equal digests hold the same packets and count once. Two captures that share no such
//! minute were taken of other traffic at the same time, and both count whole. Where they do share
//! some, a minute at the end of one of them is cut at the very time, and of one inside both that
//! differs the one with more packets counts, if most minutes agree; what cannot be taken back
//! counts twice, and is said. Limit: an overlap without a whole minute inside both is not
//! recognised.

use auscult_model::report::{Capture, Overlap};
use auscult_model::{MinuteSum, Timestamp, Window};

/// A capture that was taken in before.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) file: String,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) minutes: Vec<MinuteSum>,
}

impl Taken {
    /// `None` for a capture without times.
    pub(crate) fn new(capture: &Capture, minutes: Vec<MinuteSum>) -> Option<Taken> {
        Some(Taken {
            file: capture.file.clone(),
            first: capture.first?,
            last: capture.last?,
            minutes,
        })
    }

    fn is_border(&self, minute: i64) -> bool {
        minute == MinuteSum::of(self.first) || minute == MinuteSum::of(self.last)
    }

    /// The part of a minute that this capture watched.
    fn watched(&self, minute: MinuteSum) -> Window {
        Window {
            from: minute.begins().max(self.first),
            until: minute.ends().min(self.last.plus(1)),
        }
    }
}

/// What a new capture shares with those before it, and the times of which its packets are known.
pub(crate) fn shared(new: &Taken, known: &[Taken]) -> (Vec<Overlap>, Vec<Window>) {
    let (mut overlaps, mut windows) = (Vec::new(), Vec::new());
    for other in known {
        if other.first > new.last || new.first > other.last {
            continue;
        }
        if let Some(overlap) = shared_with(new, other, &mut windows) {
            overlaps.push(overlap);
        }
    }
    (overlaps, joined(windows))
}

fn shared_with(new: &Taken, other: &Taken, windows: &mut Vec<Window>) -> Option<Overlap> {
    let mut overlap = Overlap {
        with: other.file.clone(),
        equal: 0,
        partly: 0,
        twice: 0,
    };
    let mut left_out = Vec::new();
    // Minutes inside both that differ, where ours has no more packets.
    let mut fewer = Vec::new();
    for ours in &new.minutes {
        let place = other
            .minutes
            .binary_search_by_key(&ours.minute, |sum| sum.minute);
        let Some(theirs) = place.ok().and_then(|place| other.minutes.get(place)) else {
            continue;
        };
        if ours == theirs {
            overlap.equal += 1;
        } else {
            overlap.partly += 1;
        }
        let at_an_end = other.is_border(ours.minute) || new.is_border(ours.minute);
        if ours == theirs || at_an_end {
            left_out.push(other.watched(*ours));
        } else if theirs.packets >= ours.packets {
            fewer.push(other.watched(*ours));
        } else {
            overlap.twice += 1;
        }
    }
    // Few minutes that agree may be quiet ones of captures of different traffic.
    match overlap.equal > fewer.len() as u64 + overlap.twice {
        true => left_out.extend(fewer),
        false => overlap.twice += fewer.len() as u64,
    }
    let holds_the_same = overlap.equal > 0;
    if holds_the_same {
        windows.extend(left_out);
    }
    holds_the_same.then_some(overlap)
}

/// In order, those that touch made one.
fn joined(mut windows: Vec<Window>) -> Vec<Window> {
    windows.sort_unstable_by_key(|window| (window.from, window.until));
    let mut joined: Vec<Window> = Vec::new();
    for window in windows {
        match joined.last_mut() {
            Some(last) if window.from <= last.until => last.until = last.until.max(window.until),
            _ => joined.push(window),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A capture of these seconds, with one packet a second whose digest is made from `salt`.
    fn taken(seconds: std::ops::Range<i64>, salt: u64) -> Taken {
        let mut minutes: Vec<MinuteSum> = Vec::new();
        for second in seconds.clone() {
            let (minute, digest) = (second.div_euclid(60), second as u64 * salt);
            match minutes.last_mut().filter(|last| last.minute == minute) {
                Some(last) => {
                    last.packets += 1;
                    last.digest = last.digest.wrapping_add(digest);
                }
                None => minutes.push(MinuteSum {
                    minute,
                    packets: 1,
                    digest,
                }),
            }
        }
        Taken {
            file: format!("{salt}.pcap"),
            first: Timestamp::from_parts(seconds.start, 0),
            last: Timestamp::from_parts(seconds.end - 1, 0),
            minutes,
        }
    }

    fn window(from: i64, until: i64) -> Window {
        Window {
            from: Timestamp::from_parts(from, 0),
            until: Timestamp::from_parts(until, 0),
        }
    }

    #[test]
    fn what_is_known_is_cut_at_the_very_time() {
        let (overlaps, windows) = shared(&taken(90..400, 3), &[taken(0..200, 3)]);
        let last = Timestamp::from_parts(199, 1);
        assert_eq!(windows.len(), 1);
        // The minute in which the new one begins is whole in the other.
        assert_eq!(windows[0].from, window(60, 0).from);
        assert_eq!(windows[0].until, last);
        assert_eq!(
            (overlaps[0].equal, overlaps[0].partly, overlaps[0].twice),
            (1, 2, 0)
        );
    }

    #[test]
    fn other_traffic_at_the_same_time_counts() {
        let (overlaps, windows) = shared(&taken(0..600, 3), &[taken(0..600, 5)]);
        assert!(overlaps.is_empty() && windows.is_empty());
    }

    #[test]
    fn of_a_minute_that_differs_the_larger_counts() {
        let whole = taken(0..300, 3);
        let mut lossy = whole.clone();
        lossy.minutes[2].packets -= 1;
        lossy.minutes[2].digest -= 1;
        let (overlaps, windows) = shared(&lossy, std::slice::from_ref(&whole));
        assert_eq!(windows.len(), 1);
        assert_eq!(
            (overlaps[0].equal, overlaps[0].partly, overlaps[0].twice),
            (4, 1, 0)
        );
        let (overlaps, windows) = shared(&whole, &[lossy]);
        assert_eq!(windows.len(), 2, "{windows:?}");
        assert_eq!(overlaps[0].twice, 1);
    }

    /// Two filters of one capture agree in a quiet minute only: what differs counts.
    #[test]
    fn few_minutes_that_agree_leave_out_no_others() {
        let known = taken(0..600, 3);
        let mut other = taken(0..600, 5);
        other.minutes[4] = known.minutes[4];
        let (overlaps, windows) = shared(&other, &[known]);
        assert_eq!((overlaps[0].equal, overlaps[0].twice), (1, 7));
        assert!(windows.contains(&window(240, 300)), "{windows:?}");
    }

    #[test]
    fn several_known_captures_are_left_out_together() {
        let known = [taken(0..120, 3), taken(120..240, 3)];
        let (overlaps, windows) = shared(&taken(0..360, 3), &known);
        assert_eq!(overlaps.len(), 2);
        assert_eq!(windows.len(), 2);
        assert!(windows[0].until <= windows[1].from);
    }
}
