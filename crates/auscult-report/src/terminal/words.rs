//! How values read in a sentence.

use auscult_model::Timestamp;
use auscult_model::report::{CapturePoint, Device, Evidence, Isolation, Role, Where};

/// What people call the device: its label, else its address, else its id.
pub(crate) fn name(device: &Device) -> String {
    device
        .label()
        .or_else(|| device.ips.first().map(ToString::to_string))
        .or_else(|| device.macs.first().map(ToString::to_string))
        .unwrap_or_else(|| device.id.clone())
}

/// The name, with the role where the name alone says nothing.
pub(crate) fn called(device: &Device) -> String {
    let named = device.label().is_some();
    match device.role {
        Role::Unknown | Role::Other => name(device),
        _ if named => name(device),
        known => format!("{} {}", role(known), name(device)),
    }
}

/// Maker and model.
pub(crate) fn make(device: &Device) -> Option<String> {
    match (&device.vendor, &device.model) {
        (Some(vendor), Some(model)) if model.starts_with(vendor.as_str()) => Some(model.clone()),
        (Some(vendor), Some(model)) => Some(format!("{vendor} {model}")),
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    }
}

/// A role in words.
pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::PatientMonitor => "patient monitor",
        Role::CentralStation => "central station",
        Role::InfusionPump => "infusion pump",
        Role::ImagingModality => "imaging modality",
        Role::ImagingArchive => "imaging archive",
        Role::ImagingWorkstation => "imaging workstation",
        Role::InterfaceEngine => "interface engine",
        Role::LabAnalyser => "laboratory analyser",
        Role::MedicalOther => "medical device",
        Role::Gateway => "gateway",
        Role::Server => "server",
        Role::Workstation => "workstation",
        Role::Printer => "printer",
        Role::Phone => "telephone",
        Role::Camera => "camera",
        Role::NetworkDevice => "network device",
        Role::Other => "other",
        Role::Unknown => "unknown",
    }
}

/// How sure, in a word.
pub(crate) fn certainty(confidence: f32) -> &'static str {
    if confidence >= 0.9 {
        "certain"
    } else if confidence >= 0.7 {
        "likely"
    } else {
        "guess"
    }
}

/// How sure, in percent; never 100.
pub(crate) fn percent(confidence: f32) -> String {
    let percent = (confidence.clamp(0.0, 1.0) * 100.0).round() as u32;
    format!("{} %", percent.min(99))
}

/// What became of traffic to a peer.
pub(crate) fn place(place: Where) -> &'static str {
    match place {
        Where::SameSegment => "same segment",
        Where::Inside => "inside",
        Where::Group => "to a group",
        Where::Squatted => "address of others, on this segment",
        Where::Attempted => "outside, never answered",
        Where::Blocked => "outside, blocked",
        Where::CannotTell => "outside, cannot tell whether it arrived",
        Where::TowardsOutside => "sent towards the outside",
        Where::AnsweredNear => "outside, answered from near",
        Where::AnsweredFar => "outside, answered from afar",
        Where::Left => "outside, seen to leave",
        Where::Partner => "partner",
    }
}

/// How far a device reaches.
pub(crate) fn isolation(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::LocalOnly => "talks within its own segment only",
        Isolation::CrossesSegment => "talks to other segments of the site",
        Isolation::ReachesOutside => "talks to addresses outside the site",
        Isolation::CannotTell => "cannot tell, too little was seen",
    }
}

/// Where a capture was taken.
pub(crate) fn point(point: CapturePoint) -> &'static str {
    match point {
        CapturePoint::Access => "on the devices' own segment",
        CapturePoint::Core => "between segments",
        CapturePoint::Wan => "outside address translation",
        CapturePoint::OneDirection => "one direction only",
        CapturePoint::BroadcastOnly => "broadcasts only, an ordinary switch port",
        CapturePoint::MirroredTwice => "each packet mirrored twice or more",
        CapturePoint::Unknown => "place not known",
    }
}

/// `1 flow`, `3 flows`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{} {word}", short(number))
}

/// A number of at most four digits with its unit.
pub(crate) fn short(number: u64) -> String {
    const UNITS: [&str; 4] = [" k", " M", " G", " T"];
    if number < 10_000 {
        return number.to_string();
    }
    let mut value = number as f64;
    let mut unit = "";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 {
        format!("{value:.1}{unit}")
    } else {
        format!("{value:.0}{unit}")
    }
}

/// Bytes with their unit.
pub(crate) fn bytes(number: u64) -> String {
    if number < 10_000 {
        format!("{number} B")
    } else {
        format!("{}B", short(number))
    }
}

/// A length of time in nanoseconds, to three or four digits.
pub(crate) fn duration(nanoseconds: i64) -> String {
    let seconds = nanoseconds / Timestamp::SECOND;
    let milliseconds = nanoseconds / Timestamp::MILLISECOND;
    match seconds {
        0 if milliseconds < 10 => format!("{:.2} ms", nanoseconds as f64 / 1e6),
        0 => format!("{milliseconds} ms"),
        1..120 => format!("{:.2} s", nanoseconds as f64 / 1e9),
        120..7200 => format!("{} min {} s", seconds / 60, seconds % 60),
        7200..172_800 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A list in a sentence.
pub(crate) fn joined(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

/// From when to when, in UTC, with the date.
pub(crate) fn span(first: Option<Timestamp>, last: Option<Timestamp>) -> String {
    let (Some(first), Some(last)) = (first.or(last), last.or(first)) else {
        return "no time".to_owned();
    };
    auscult_model::span(first, last)
}

/// From when to when in at most 13 columns: minutes within a day, days otherwise.
pub(crate) fn narrow_span(first: Option<Timestamp>, last: Option<Timestamp>) -> String {
    let (Some(first), Some(last)) = (first.or(last), last.or(first)) else {
        return String::new();
    };
    let month_day = |time| day(time).get(5..).unwrap_or_default().to_owned();
    if day(first) != day(last) {
        format!("{} - {}", month_day(first), month_day(last))
    } else if minute(first) == minute(last) {
        minute(first)
    } else {
        format!("{}-{}", minute(first), minute(last))
    }
}

fn day(time: Timestamp) -> String {
    let (year, month, day, ..) = time.civil();
    format!("{year:04}-{month:02}-{day:02}")
}

fn minute(time: Timestamp) -> String {
    let (_, _, _, hour, minute, ..) = time.civil();
    format!("{hour:02}:{minute:02}")
}

/// `ward.pcapng #899 (first answer) #903 #909 (a patient's identity); other.pcap #7`: a note
/// stands behind the last of the packets that share it.
pub(crate) fn packets(evidence: &[Evidence]) -> String {
    let mut text = String::new();
    let mut before: Option<&Evidence> = None;
    let note = |one: &Evidence| match &one.note {
        Some(note) => format!(" ({note})"),
        None => String::new(),
    };
    for one in evidence {
        match before {
            Some(last) if last.file == one.file => {
                if last.note != one.note {
                    text.push_str(&note(last));
                }
            }
            Some(last) => text.push_str(&format!("{}; {}", note(last), one.file)),
            None => text.push_str(&one.file),
        }
        text.push_str(&format!(" #{}", one.packet));
        before = Some(one);
    }
    text.push_str(&before.map(note).unwrap_or_default());
    text
}

/// A display filter that shows the evidence: the one that all its packets share, else their
/// numbers where they are of one file.
pub(crate) fn filter(evidence: &[Evidence]) -> Option<String> {
    let first = evidence.first()?;
    let mut filters: Vec<&str> = evidence
        .iter()
        .filter_map(|one| one.filter.as_deref())
        .map(without_number)
        .collect();
    filters.dedup();
    let of_one_file = evidence.iter().all(|one| one.file == first.file);
    if filters.len() <= 1 || !of_one_file {
        return filters.first().map(|filter| (*filter).to_owned());
    }
    let mut numbers: Vec<u64> = evidence.iter().map(|one| one.packet).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    Some(format!("frame.number in {{{}}}", numbers.join(", ")))
}

fn without_number(filter: &str) -> &str {
    filter
        .strip_prefix("frame.number == ")
        .and_then(|rest| rest.split_once(" && "))
        .map_or(filter, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_short() {
        for (number, text) in [
            (0, "0"),
            (9_999, "9999"),
            (10_000, "10 k"),
            (999_499, "999 k"),
            (999_600, "1.0 M"),
            (2_100_000, "2.1 M"),
            (53_000_000_000, "53 G"),
        ] {
            assert_eq!(short(number), text);
        }
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(54_000), "54 kB");
    }

    #[test]
    fn nothing_is_wholly_certain() {
        assert_eq!(percent(1.0), "99 %");
        assert_eq!(percent(0.974), "97 %");
    }

    #[test]
    fn durations() {
        let of = |seconds: f64| duration((seconds * 1e9) as i64);
        assert_eq!(of(0.00312), "3.12 ms");
        assert_eq!(of(0.25), "250 ms");
        assert_eq!(of(5.003), "5.00 s");
        assert_eq!(of(3600.0), "60 min 0 s");
        assert_eq!(of(7260.0), "2 h 1 min");
        assert_eq!(of(400_000.0), "4 days");
    }

    #[test]
    fn spans() {
        let at = |seconds: i64| Some(Timestamp::from_parts(1_738_260_000 + seconds, 0));
        assert_eq!(span(at(0), at(2460)), "2025-01-30 18:00-18:41 UTC");
        assert_eq!(span(at(0), at(30)), "2025-01-30 18:00 UTC");
        assert_eq!(
            span(at(0), at(86_400)),
            "2025-01-30 18:00 to 2025-01-31 18:00 UTC"
        );
        assert_eq!(narrow_span(at(0), at(86_400)), "01-30 - 01-31");
        assert_eq!(span(None, None), "no time");
    }
}
