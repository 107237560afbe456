//! For people: where to go first, then what the network says.

use std::collections::BTreeMap;

use auscult_model::report::{Device, Report, Role};
use auscult_report::{Brief, Page, Watch};

use super::{View, devices, is_wanted, make, place, rows, seen_as};
use crate::columns::Reason;
use crate::matching::called;
use crate::{Check, Contradiction, Counted, Field, Fit, Key, Match, Row, Unmatched, Walk};

/// Lines of one list unless all are asked for.
const SHOWN: usize = 30;
/// Problems shown unless all are asked for.
const PROBLEMS: usize = 8;

/// Writes the outcome on a page.
pub fn register_text(page: &mut Page, check: &Check<'_>, view: &View<'_>) {
    source(page, check, view);
    walk(page, check, view);
    if let Some(report) = check.report {
        network(page, check, report, view);
    } else {
        page.gap();
        page.text(
            0,
            "No capture was given: add one, or a report, to see which rows are on the network.",
        );
    }
    problems(page, check, view);
}

/// Writes on a page how a register was read, and what is not as it should be in it.
pub fn import_text(page: &mut Page, check: &Check<'_>, view: &View<'_>) {
    source(page, check, view);
    problems(page, check, view);
}

fn source(page: &mut Page, check: &Check<'_>, view: &View<'_>) {
    let register = check.register;
    let delimiter = match register.delimiter {
        '\t' => "tab".to_owned(),
        other => format!("\"{other}\""),
    };
    page.text(
        0,
        &format!(
            "{}: {}, {}, delimiter {delimiter}, column names in line {}",
            view.file,
            count(register.rows.len(), "row", "rows"),
            register.encoding,
            register.header_line
        ),
    );
    let mut mapped = Vec::new();
    for field in Field::ALL {
        let columns = register.columns.iter().filter(|c| c.field == Some(field));
        let names: Vec<String> = columns
            .map(|column| {
                let how = match column.reason {
                    Some(Reason::Values) => " (by its values)",
                    Some(Reason::Word) => " (by a word)",
                    _ => "",
                };
                format!("\"{}\"{how}", column.name)
            })
            .collect();
        if !names.is_empty() {
            mapped.push(format!("{field} = {}", names.join(" + ")));
        }
    }
    page.labelled("Columns", &mapped.join(", "));
    let unused: Vec<&str> = register
        .columns
        .iter()
        .filter(|column| column.field.is_none() && !column.name.is_empty())
        .map(|column| column.name.as_str())
        .collect();
    page.labelled("Not used", &unused.join(", "));
    let missing: Vec<&str> = [
        Field::Model,
        Field::Serial,
        Field::Mac,
        Field::Location,
        Field::Unit,
    ]
    .into_iter()
    .filter(|field| {
        register
            .columns
            .iter()
            .all(|column| column.field != Some(*field))
    })
    .map(Field::word)
    .collect();
    if !missing.is_empty() {
        page.labelled(
            "Missing",
            &format!(
                "a column for {}; if there is one, or one above is wrong: --column {}=\"its name\"",
                missing.join(", "),
                missing.first().unwrap_or(&"mac")
            ),
        );
    }
}

fn walk(page: &mut Page, check: &Check<'_>, view: &View<'_>) {
    page.gap();
    if check.walk.is_empty() {
        page.text(
            0,
            "No row names a device of an advisory that this version knows (auscult explain). Rows \
             without maker and model cannot tell.",
        );
        return;
    }
    let named = check
        .walk
        .iter()
        .filter(|walk| walk.fit == Fit::Named)
        .count();
    page.text(
        0,
        &format!(
            "Walk list: {} named in an advisory, {} to look at",
            named,
            check.walk.len() - named
        ),
    );
    let mut families: BTreeMap<&str, Vec<&Walk>> = BTreeMap::new();
    for walk in &check.walk {
        families.entry(&walk.family).or_default().push(walk);
    }
    for (family, list) in families {
        let first = list.first();
        let sold = first.map(|walk| walk.labels.join(", ")).unwrap_or_default();
        let advisories = first
            .map(|walk| walk.advisories.join(", "))
            .unwrap_or_default();
        page.text(
            0,
            &format!("{family}, also sold as {sold} and more: {advisories}"),
        );
        for fit in [Fit::Named, Fit::LookAt] {
            let of_fit: Vec<&Walk> = list
                .iter()
                .filter(|walk| walk.fit == fit)
                .copied()
                .collect();
            some(page, &of_fit, view.all, |page, walk| {
                entry(page, check, walk)
            });
        }
    }
    page.gap();
    page.labelled(
        "At each",
        "Read the label and the plate on the back: the brand may be another. Look for a network \
         cable or Wi-Fi, and whether a central station shows this bed. Leave it running: arrange \
         bedside watch before anything is disconnected.",
    );
    page.labelled(
        "Advice",
        "FDA (2025): without need for remote monitoring use it for local monitoring only, with \
         cable and Wi-Fi off; else stop using it. Watch for readings that do not fit the patient.",
    );
}

fn entry(page: &mut Page, check: &Check<'_>, walk: &Walk) {
    let Some(row) = check.register.rows.get(walk.row) else {
        return;
    };
    page.hanging("  [ ]", 6, &format!("{}: {}", place(row), described(row)));
    let mut notes = vec![match walk.fit {
        Fit::Named => walk.because.clone(),
        Fit::LookAt => format!("look: {}", walk.because),
    }];
    if row.retired {
        notes.push(format!(
            "the register says {}",
            row.status.as_deref().unwrap_or("retired")
        ));
    }
    if let Some(report) = check.report {
        let seen = devices(report, &seen_as(check, walk.row));
        notes.extend(
            seen.iter()
                .map(|device| format!("on the network as {}", named(device))),
        );
    }
    page.text(6, &notes.join("; "));
}

/// Asset, maker and model, serial number.
fn described(row: &Row) -> String {
    let serial = match (&row.serial, &row.asset) {
        (Some(serial), Some(_)) => format!(", serial {serial}"),
        _ => String::new(),
    };
    format!("{}, {}{serial}", row.name(), make(row))
}

/// A device with its address.
fn named(device: &Device) -> String {
    let name = called(device);
    let brief = Brief::of(device);
    let address = device.ips.first().map(ToString::to_string);
    let address = address.or_else(|| device.macs.first().map(ToString::to_string));
    match address.filter(|address| *address != name) {
        Some(address) => format!("{name} ({address}, {})", brief.what),
        None => format!("{name} ({})", brief.what),
    }
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// At most so many of a list, and a line for the rest.
fn some<T>(page: &mut Page, list: &[T], all: bool, mut show: impl FnMut(&mut Page, &T)) {
    let shown = if all { list.len() } else { SHOWN };
    for item in list.iter().take(shown) {
        show(page, item);
    }
    if list.len() > shown {
        page.text(2, &format!("... {} more, --all", list.len() - shown));
    }
}

fn network(page: &mut Page, check: &Check<'_>, report: &Report, view: &View<'_>) {
    page.gap();
    page.text(0, &format!("Register and network: {}", Watch::of(report)));
    sums(page, check, report);
    contradictions(page, check, report, view);
    counted(page, check, report, view);
    only_network(page, check, report, view);
    only_register(page, check, report, view);
    both(page, check, report, view);
}

fn sums(page: &mut Page, check: &Check<'_>, report: &Report) {
    let by = |key: Key| {
        check
            .both
            .iter()
            .filter(|found| found.by.first() == Some(&key))
            .count()
    };
    let matched = [Key::Mac, Key::Serial, Key::Host]
        .into_iter()
        .filter(|key| by(*key) > 0)
        .map(|key| format!("{} by {}", by(key), key.words()))
        .collect::<Vec<_>>();
    let how = match matched.is_empty() {
        true => String::new(),
        false => format!(": {}", matched.join(", ")),
    };
    let of_groups: usize = check.counted.iter().map(|group| group.rows.len()).sum();
    page.labelled(
        "Both",
        &format!("{}{how}", count(check.both.len(), "row", "rows")),
    );
    if of_groups > 0 {
        page.labelled(
            "Counted",
            &format!("{} of alike units", count(of_groups, "row", "rows")),
        );
    }
    if !check.contradictions.is_empty() {
        let rows = count(check.contradictions.len(), "row", "rows");
        page.labelled(
            "Unclear",
            &format!("{rows} with signs that contradict each other"),
        );
    }
    let only = devices(report, &check.only_network);
    let medical = only
        .iter()
        .filter(|device| device.role.is_medical())
        .count();
    let unknown = only
        .iter()
        .filter(|device| device.role == Role::Unknown)
        .count();
    page.labelled(
        "Network",
        &format!(
            "only there: {medical} medical, {unknown} unknown, {} others",
            only.len() - medical - unknown
        ),
    );
    let findable = check
        .only_register
        .iter()
        .filter(|found| is_findable(check, found))
        .count();
    let rest = check.only_register.len() - findable;
    page.labelled(
        "Register",
        &format!(
            "only there: {findable} with a MAC address, serial number or host name, {rest} with \
             nothing to find them by"
        ),
    );
    if !check.retired.is_empty() {
        let rows = count(check.retired.len(), "row", "rows");
        page.labelled(
            "Retired",
            &format!("{rows} out of service, and not on the network"),
        );
    }
}

fn is_findable(check: &Check<'_>, found: &Unmatched) -> bool {
    check
        .register
        .rows
        .get(found.row)
        .is_some_and(Row::is_findable)
}

fn heading(page: &mut Page, words: &str) {
    page.gap();
    page.text(0, words);
}

fn contradictions(page: &mut Page, check: &Check<'_>, report: &Report, view: &View<'_>) {
    if check.contradictions.is_empty() {
        return;
    }
    heading(
        page,
        "Unclear: look at the device, then correct the register",
    );
    some(
        page,
        &check.contradictions,
        view.all,
        |page, found: &Contradiction| {
            let Some(row) = check.register.rows.get(found.row) else {
                return;
            };
            let seen: Vec<String> = devices(report, &found.devices)
                .into_iter()
                .map(named)
                .collect();
            page.hanging(
                "  ?",
                4,
                &format!("{}; network: {}", described(row), seen.join(" and ")),
            );
            page.text(6, &found.why);
        },
    );
}

fn counted(page: &mut Page, check: &Check<'_>, report: &Report, view: &View<'_>) {
    if check.counted.is_empty() {
        return;
    }
    heading(
        page,
        "Alike units, counted: which is which cannot be told from here",
    );
    some(page, &check.counted, view.all, |page, group: &Counted| {
        let place = group
            .unit
            .as_deref()
            .unwrap_or("unit not known on both sides");
        let (rows_of, devices_of) = (group.rows.len(), group.devices.len());
        let verdict = match rows_of.cmp(&devices_of) {
            std::cmp::Ordering::Equal => "as many".to_owned(),
            std::cmp::Ordering::Greater => format!("{} not seen", rows_of - devices_of),
            std::cmp::Ordering::Less => format!("{} not in the register", devices_of - rows_of),
        };
        page.hanging(
            "  =",
            4,
            &format!(
                "{}, {place}: {rows_of} in the register, {devices_of} on the network: {verdict}",
                group.model
            ),
        );
        let names: Vec<String> = rows(check, &group.rows)
            .iter()
            .map(|row| row.name())
            .collect();
        page.text(6, &names.join(", "));
        let seen: Vec<String> = devices(report, &group.devices)
            .into_iter()
            .map(called)
            .collect();
        page.text(6, &format!("network: {}", seen.join(", ")));
    });
}

fn only_network(page: &mut Page, check: &Check<'_>, report: &Report, view: &View<'_>) {
    let only = devices(report, &check.only_network);
    let wanted: Vec<&Device> = only
        .iter()
        .filter(|device| view.all || is_wanted(device))
        .copied()
        .collect();
    if wanted.is_empty() {
        return;
    }
    heading(page, "Only on the network: find out whose they are");
    some(page, &wanted, view.all, |page, device: &&Device| {
        let macs: Vec<String> = device.macs.iter().map(ToString::to_string).collect();
        let serial = device
            .serial
            .as_ref()
            .map(|serial| format!(", serial {serial}"));
        let text = format!(
            "{}{}{}",
            named(device),
            if macs.is_empty() {
                String::new()
            } else {
                format!(", MAC {}", macs.join(" "))
            },
            serial.unwrap_or_default()
        );
        page.hanging("  +", 4, &text);
    });
    let hidden = only.len() - wanted.len();
    if hidden > 0 {
        page.text(
            2,
            &format!(
                "... {}, no medical devices, --all",
                count(hidden, "other", "others")
            ),
        );
    }
}

fn only_register(page: &mut Page, check: &Check<'_>, report: &Report, view: &View<'_>) {
    let list: Vec<&Unmatched> = check
        .only_register
        .iter()
        .filter(|found| view.all || is_findable(check, found) || found.hint.is_some())
        .collect();
    if !list.is_empty() {
        heading(page, "Only in the register");
    }
    some(page, &list, view.all, |page, found: &&Unmatched| {
        let Some(row) = check.register.rows.get(found.row) else {
            return;
        };
        page.hanging("  -", 4, &format!("{}: {}", place(row), described(row)));
        if let Some(device) = found.hint.and_then(|place| report.devices.get(place)) {
            page.text(
                6,
                &format!(
                    "its IP address is now that of {}: a hint, no match",
                    named(device)
                ),
            );
        }
    });
    if !check.only_register.is_empty() {
        page.text(
            0,
            &format!(
                "Not seen is no proof of absence: {} was watched. What was off, unplugged or \
                 elsewhere is not seen.",
                Watch::of(report)
            ),
        );
    }
}

fn both(page: &mut Page, check: &Check<'_>, report: &Report, view: &View<'_>) {
    let list: Vec<&Match> = check
        .both
        .iter()
        .filter(|found| view.all || !found.notes.is_empty())
        .collect();
    if list.is_empty() {
        return;
    }
    let words = if view.all {
        "In both"
    } else {
        "In both, with a remark (all: --all)"
    };
    heading(page, words);
    some(page, &list, view.all, |page, found: &&Match| {
        let Some(row) = check.register.rows.get(found.row) else {
            return;
        };
        let seen: Vec<String> = devices(report, &found.devices)
            .into_iter()
            .map(named)
            .collect();
        let by: Vec<&str> = found.by.iter().map(|key| key.words()).collect();
        page.hanging(
            "  =",
            4,
            &format!(
                "{} is {} by {}",
                described(row),
                seen.join(" and "),
                by.join(" and ")
            ),
        );
        if !found.notes.is_empty() {
            page.text(6, &found.notes.join("; "));
        }
    });
}

fn problems(page: &mut Page, check: &Check<'_>, view: &View<'_>) {
    let register = check.register;
    if register.problems_total == 0 && check.duplicates.is_empty() {
        return;
    }
    heading(page, "In the file itself");
    for (key, value, places) in
        check
            .duplicates
            .iter()
            .take(if view.all { usize::MAX } else { PROBLEMS })
    {
        let names: Vec<String> = rows(check, places)
            .iter()
            .map(|row| format!("{} (line {})", row.name(), row.line))
            .collect();
        page.hanging(
            "  !",
            4,
            &format!("{} {value} stands twice: {}", key.words(), names.join(", ")),
        );
    }
    let shown = if view.all {
        register.problems.len()
    } else {
        PROBLEMS
    };
    for problem in register.problems.iter().take(shown) {
        let field = problem
            .field
            .map(|field| format!("{field} "))
            .unwrap_or_default();
        page.hanging(
            "  !",
            4,
            &format!(
                "line {}: {field}\"{}\": {}",
                problem.line, problem.value, problem.what
            ),
        );
    }
    let hidden = register.problems_total.saturating_sub(shown);
    if hidden > 0 {
        page.text(2, &format!("... {hidden} more, --all"));
    }
}
