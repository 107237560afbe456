//! The page of a bundle: for a manager, a regulator, a maker. One file, no script, nothing loaded.
//!
//! It says what was found and how that is known, and gives whoever must decide the facts that a
//! form or a law asks for. It never decides for them: whether there was a breach, and whom the law
//! obliges to tell, depends on more than a network shows.

use std::collections::BTreeSet;

use auscult_model::Timestamp;
use auscult_model::report::details::Value;
use auscult_model::report::{Answer, Coverage, Device, Finding};

use crate::cut::Cut;
use crate::facts::{Facts, Proof};

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem}h2{font-size:1.25rem;border-bottom:1px solid #8888;margin-top:2.5rem}\
h3{font-size:1.05rem;margin-bottom:.2rem}\
table{border-collapse:collapse;width:100%;margin:.5rem 0}\
th,td{text-align:left;vertical-align:top;padding:.25rem .5rem;border-bottom:1px solid #8884}\
th{width:13rem;font-weight:600}\
code{font-size:.85em;overflow-wrap:anywhere}\
.severity{text-transform:uppercase;font-weight:700;letter-spacing:.03em}\
.note{border-left:4px solid #888;padding:.1rem 1rem;margin:1rem 0}\
@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr{break-inside:avoid}}";

/// Writes the page.
pub(crate) fn page(findings: &[&Finding], facts: &Facts, cut: &Cut) -> String {
    let mut page = Page {
        text: String::new(),
    };
    page.raw(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta \
         name=\"viewport\" content=\"width=device-width\">\n<meta http-equiv=\"\
         Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n",
    );
    page.raw(&format!(
        "<title>Evidence of {}</title>\n",
        count(findings.len(), "finding")
    ));
    page.raw(&format!("<style>{STYLE}</style>\n</head>\n<body>\n"));
    page.heading(
        1,
        &format!("Evidence of {}", count(findings.len(), "finding")),
    );
    page.paragraph(
        "This page belongs to a bundle of evidence. The file README.txt beside it says how to \
         check that nothing in the bundle was changed, with this program or without. Bytes that \
         would name a patient are replaced in the enclosed packets.",
    );
    found(&mut page, findings, facts);
    known(&mut page, findings, facts, cut);
    custody(&mut page, facts);
    device_report(&mut page, findings, facts);
    factors(&mut page, findings, facts);
    addressees(&mut page, findings, facts);
    page.raw("</body>\n</html>\n");
    page.text
}

struct Page {
    text: String,
}

impl Page {
    fn raw(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.raw("&amp;"),
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '"' => self.raw("&quot;"),
                // Texts may come from traffic: nothing that turns lines round or acts on anything.
                c if c.is_control() || is_direction(c) => self.raw("\u{fffd}"),
                c => self.text.push(c),
            }
        }
    }

    fn element(&mut self, name: &str, text: &str) {
        self.raw(&format!("<{name}>"));
        self.text(text);
        self.raw(&format!("</{name}>\n"));
    }

    fn heading(&mut self, level: u8, text: &str) {
        self.element(&format!("h{level}"), text);
    }

    fn paragraph(&mut self, text: &str) {
        self.element("p", text);
    }

    fn note(&mut self, text: &str) {
        self.raw("<p class=\"note\">");
        self.text(text);
        self.raw("</p>\n");
    }

    fn list(&mut self, items: impl IntoIterator<Item = String>) {
        self.raw("<ul>\n");
        for item in items {
            self.element("li", &item);
        }
        self.raw("</ul>\n");
    }

    /// Rows of a name and a value; empty values are left out.
    fn table<'t>(&mut self, rows: impl IntoIterator<Item = (&'t str, String)>) {
        self.raw("<table>\n");
        for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
            self.raw("<tr><th>");
            self.text(name);
            self.raw("</th><td>");
            self.text(&value);
            self.raw("</td></tr>\n");
        }
        self.raw("</table>\n");
    }
}

/// Marks that change the direction of what is shown.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        more => format!("{more} {what}s"),
    }
}

fn span(first: Option<Timestamp>, last: Option<Timestamp>) -> String {
    match (first, last) {
        (Some(first), Some(last)) => auscult_model::span(first, last),
        _ => String::new(),
    }
}

fn joined<T: ToString>(items: &[T]) -> String {
    items
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// What a device is called, without anything of a patient.
fn name(device: &Device) -> String {
    let product: Vec<&str> = [&device.vendor, &device.model]
        .into_iter()
        .filter_map(|part| part.as_deref())
        .collect();
    match (device.label(), product.is_empty()) {
        (Some(label), false) => format!("{label} ({})", product.join(" ")),
        (Some(label), true) => label,
        (None, false) => product.join(" "),
        (None, true) => device.id.clone(),
    }
}

fn detail(finding: &Finding, key: &str) -> String {
    match finding.details.get(key) {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Switch(switch)) => if *switch { "yes" } else { "no" }.to_owned(),
        Some(Value::List(texts)) => texts.join(", "),
        None => String::new(),
    }
}

fn found(page: &mut Page, findings: &[&Finding], facts: &Facts) {
    page.heading(2, "What was found");
    for finding in findings {
        page.heading(3, &finding.title);
        page.raw("<p><span class=\"severity\">");
        page.text(finding.severity.word());
        page.raw("</span> ");
        let sure = finding.confidence * 100.0;
        page.text(&format!(
            "· {sure:.0} % sure · {} · {}",
            finding.rule, finding.id
        ));
        page.raw("</p>\n");
        page.list(finding.seen.iter().cloned());
        let of = facts
            .devices
            .iter()
            .filter(|device| finding.devices.contains(&device.id));
        let devices: Vec<String> = of.map(name).collect();
        page.table([
            ("Devices", devices.join(", ")),
            (
                "Other side",
                finding
                    .peer
                    .map_or_else(String::new, |peer| peer.to_string()),
            ),
            (
                "Owner of the address",
                finding.owner.clone().unwrap_or_default(),
            ),
            ("When", span(finding.first_seen, finding.last_seen)),
            ("For nurses", finding.impact.clone()),
            ("What to do", finding.action.clone()),
            ("To decide", finding.director.clone().unwrap_or_default()),
            (
                "What else it could be",
                finding.innocent.clone().unwrap_or_default(),
            ),
            ("Known as", joined(&finding.cves)),
        ]);
    }
}

fn known(page: &mut Page, findings: &[&Finding], facts: &Facts, cut: &Cut) {
    page.heading(2, "How it is known");
    page.paragraph(&format!("Enclosed: {}.", cut.summary()));
    for (finding, proof) in findings.iter().zip(&facts.proofs) {
        page.heading(3, &format!("{}: {}", finding.id, finding.title));
        page.paragraph(&format!("This finding {}.", lead(proof)));
        page.list(finding.reasons.iter().cloned());
        page.raw("<table>\n");
        for evidence in &finding.evidence {
            let place = cut.pieces.iter().position(|piece| {
                piece.frame.packet.number == evidence.packet
                    && cut.files.get(piece.frame.packet.file.0 as usize) == Some(&evidence.file)
            });
            page.raw("<tr><th>");
            let place = place.map_or_else(String::new, |place| format!("Packet {}", place + 1));
            page.text(&place);
            page.raw("</th><td>");
            page.text(evidence.note.as_deref().unwrap_or("evidence"));
            page.raw(" <code>");
            page.text(&format!("{} #{}", evidence.file, evidence.packet));
            page.raw("</code></td></tr>\n");
        }
        page.raw("</table>\n");
    }
    page.heading(3, "What the captures could have shown");
    page.raw("<table>\n");
    for answer in &facts.coverage {
        page.raw("<tr><th>");
        page.text(&answer.question);
        page.raw("</th><td>");
        page.text(&answered(answer));
        page.raw("</td></tr>\n");
    }
    page.raw("</table>\n");
    let health = &facts.health;
    page.table([
        ("Packets read", health.packets.to_string()),
        (
            "Lost by the capture",
            format!("{} in a million", health.loss_ppm),
        ),
        ("Bytes missing", health.bytes_missing.to_string()),
        (
            "Seen in one direction",
            count(health.one_sided_flows as usize, "connection"),
        ),
        (
            "Limits reached",
            joined(&health.limits.keys().collect::<Vec<_>>()),
        ),
    ]);
}

/// An answer in its word, in a few words, and why.
fn answered(answer: &Coverage) -> String {
    let word = match answer.answer {
        Answer::Yes => "Yes",
        Answer::No => "No, it would have been seen",
        Answer::NotSeen => "Not seen, which is no proof",
        Answer::CannotTell => "Cannot be told",
    };
    match answer.because.starts_with(&answer.short) {
        true => format!("{word}: {}", answer.because),
        false => format!("{word}: {}. {}", answer.short, answer.because),
    }
}

/// `is reproduced …` or `rests on …`.
fn lead(proof: &Proof) -> String {
    let words = proof.words();
    match words.starts_with("rests") {
        true => words,
        false => format!("is {words}"),
    }
}

fn custody(page: &mut Page, facts: &Facts) {
    page.heading(2, "Chain of custody");
    let custody = &facts.custody;
    page.table([
        ("Made by", custody.operator.clone().unwrap_or_else(|| "not stated".to_owned())),
        ("Note", custody.note.clone().unwrap_or_default()),
        ("Made with", custody.program.clone()),
        (
            "When",
            "not stated by the program: a time stamp of an authority (timestamp.tsr), where one is \
             enclosed, proves that the bundle existed by then"
                .to_owned(),
        ),
    ]);
    for capture in &facts.captures {
        page.heading(3, &capture.file);
        let tools = custody
            .capture_tools
            .get(&capture.file)
            .cloned()
            .unwrap_or_default();
        let tools = match tools.is_empty() {
            true => "the capture does not say".to_owned(),
            false => tools.join("; "),
        };
        let clock = match &capture.clock_offset {
            Some(offset) => format!(
                "that of the capturing machine, moved by {} ms to agree with {}",
                offset.nanoseconds / 1_000_000,
                offset.beside
            ),
            None => "that of the capturing machine; its error is not known".to_owned(),
        };
        let whole = match &capture.stopped_at {
            Some(why) => format!("not read to its end: {why}"),
            None => "read to its end".to_owned(),
        };
        page.table([
            (
                "SHA-256 of the original",
                capture.sha256.clone().unwrap_or_default(),
            ),
            ("Fingerprint of its packets", capture.fingerprint.clone()),
            ("Packets", format!("{}, {whole}", capture.packets)),
            ("From, to", span(capture.first, capture.last)),
            ("Captured with", tools),
            ("Clock", clock),
        ]);
    }
    page.heading(3, "Data and configuration");
    let data = facts
        .data_sets
        .iter()
        .map(|it| format!("{} {} ({})", it.name, it.version, it.date));
    page.list(data);
    let configuration = &facts.configuration;
    let partners = configuration
        .partners
        .iter()
        .map(|it| it.name.clone())
        .collect::<Vec<_>>();
    let window = configuration
        .window
        .iter()
        .flatten()
        .cloned()
        .collect::<Vec<_>>();
    page.table([
        ("Networks declared own", joined(&configuration.networks)),
        ("Networks that counted as own", joined(&facts.site.networks)),
        ("Partners", partners.join(", ")),
        ("Part of the captures", window.join(" to ")),
    ]);
}

fn device_report(page: &mut Page, findings: &[&Finding], facts: &Facts) {
    page.heading(2, "For MedWatch and CISA: the devices");
    page.paragraph(
        "What FDA Form 3500 and CISA's report ask of a device, as far as traffic shows it. No \
         patient is named. Complete it from the label on the device.",
    );
    let medical = facts.devices.iter();
    for device in medical {
        page.heading(3, &name(device));
        let own = findings
            .iter()
            .filter(|finding| finding.devices.contains(&device.id));
        let problem: Vec<String> = own.map(|finding| finding.title.clone()).collect();
        page.table([
            ("Kind of device", device.role.to_string()),
            (
                "Brand or model",
                device.model.clone().unwrap_or_else(unknown),
            ),
            (
                "Also sold as",
                device.labelled_as.clone().unwrap_or_default(),
            ),
            (
                "Manufacturer",
                device.vendor.clone().unwrap_or_else(unknown),
            ),
            (
                "Serial number",
                device.serial.clone().unwrap_or_else(unknown),
            ),
            (
                "Software version",
                device.firmware.clone().unwrap_or_else(unknown),
            ),
            ("Unique device identifier", "on the label".to_owned()),
            (
                "How sure the family is",
                format!("{:.0} %", device.confidence * 100.0),
            ),
            ("Network addresses", joined(&device.ips)),
            ("Hardware addresses", joined(&device.macs)),
            ("Seen", span(device.first_seen, device.last_seen)),
            ("Problem", problem.join("; ")),
        ]);
    }
    let distinct = |of: fn(&Finding) -> Vec<String>| {
        let all: BTreeSet<String> = findings.iter().flat_map(|finding| of(finding)).collect();
        all.into_iter().collect::<Vec<_>>().join(", ")
    };
    let cves = distinct(|it| it.cves.iter().map(ToString::to_string).collect());
    let attack = distinct(|it| it.attack.iter().map(ToString::to_string).collect());
    let peers = distinct(|it| it.peer.iter().map(ToString::to_string).collect());
    page.table([
        ("CVE and advisories", cves),
        ("ATT&CK techniques", attack),
        ("Addresses of the other side", peers),
        (
            "Harm to a patient",
            "not shown by traffic: state whether one is known or suspected".to_owned(),
        ),
    ]);
}

fn unknown() -> String {
    "not seen".to_owned()
}

fn is_of_patients(finding: &Finding) -> bool {
    finding.details.contains_key("phi_kinds") || finding.details.contains_key("patients")
}

fn factors(page: &mut Page, findings: &[&Finding], facts: &Facts) {
    page.heading(2, "For the privacy officer: the factors of 45 CFR 164.402");
    page.note(
        "Facts for an assessment, no conclusion. Whether there was a breach, and who must be told, \
         is for the privacy officer and counsel to decide, with more than a network shows.",
    );
    let of_patients: Vec<&&Finding> = findings.iter().filter(|it| is_of_patients(it)).collect();
    if of_patients.is_empty() {
        page.paragraph("None of these findings is about patients' data.");
        return;
    }
    for finding in of_patients {
        page.heading(3, &format!("{}: {}", finding.id, finding.title));
        let owner = finding
            .owner
            .clone()
            .unwrap_or_else(|| "Its owner is not known.".to_owned());
        let receiver = match finding.peer {
            Some(peer) => format!("{peer}. {owner}"),
            None => "several, see the finding".to_owned(),
        };
        page.table([
            (
                "1. Nature and extent",
                format!(
                    "kinds seen: {}. Patients: {}",
                    or(detail(finding, "phi_kinds"), "not told apart"),
                    patients(finding, facts)
                ),
            ),
            ("2. Who received it", receiver),
            ("3. Acquired or viewed", receipt(finding)),
            (
                "4. Mitigation",
                "not shown by traffic. A capture after the address is blocked shows whether it \
                 stopped"
                    .to_owned(),
            ),
        ]);
    }
}

fn or(text: String, otherwise: &str) -> String {
    match text.is_empty() {
        true => otherwise.to_owned(),
        false => text,
    }
}

/// How many patients, as a range: what was not captured may hold more.
fn patients(finding: &Finding, facts: &Facts) -> String {
    let seen = detail(finding, "patients");
    let least = seen.strip_prefix("at least ").unwrap_or(&seen).to_owned();
    let time = span(finding.first_seen, finding.last_seen);
    let has_losses = facts.health.loss_ppm > 0
        || facts.health.bytes_missing > 0
        || finding.weakened_by_loss
        || facts.captures.iter().any(|capture| !capture.complete);
    match (least.is_empty(), has_losses, seen == least) {
        (true, ..) => "not counted: no message told them apart; at least 1".to_owned(),
        (_, true, _) => format!(
            "from {least} to an unknown number, since packets were lost; seen {time}, other times \
             were not captured"
        ),
        (_, false, false) => {
            format!("at least {least}, seen {time}; other times were not captured")
        }
        (_, false, true) => format!("{least} in what was captured ({time}); other times were not"),
    }
}

/// Whether what was sent arrived, as far as it is known.
fn receipt(finding: &Finding) -> String {
    match detail(finding, "where").as_str() {
        "attempted" | "blocked" => "not sent: no connection came about",
        "cannot-tell" => "cannot be told: the captures could not have shown an answer",
        "towards-outside" => "sent; that it arrived was not seen",
        "answered-near" => {
            "received by a host at or before that address, nearer than the address is registered"
        }
        "answered-far" => "received by a host at or before that address; viewing is not shown",
        "left" => "seen leaving the site; viewing is not shown",
        "partner" => "sent to a declared partner",
        "squatted" => "received by a host of this segment that uses that address",
        "inside" | "same-segment" => "crossed inside the site, readable for whoever listens there",
        _ => "see the finding",
    }
    .to_owned()
}

fn addressees(page: &mut Page, findings: &[&Finding], facts: &Facts) {
    page.heading(2, "Whom to tell");
    page.paragraph(
        "Addresses of those who collect such reports. None is told by this program; send them the \
         bundle without the sealed file.",
    );
    let mut makers: Vec<String> = facts
        .devices
        .iter()
        .filter(|device| device.role.is_medical())
        .filter_map(|device| device.vendor.clone())
        .collect();
    makers.sort();
    makers.dedup();
    let maker = match makers.is_empty() {
        true => "its coordinated disclosure contact, on its web site".to_owned(),
        false => format!(
            "{}: coordinated disclosure contact, on the web site",
            makers.join(", ")
        ),
    };
    let has_patients = findings.iter().any(|finding| is_of_patients(finding));
    let hhs = match has_patients {
        true => "only if the assessment above comes to a breach: ocrportal.hhs.gov",
        false => "",
    };
    page.table([
        ("CISA", "www.cisa.gov/report".to_owned()),
        (
            "FDA",
            "MedWatch: www.fda.gov/medwatch; CyberMed@fda.hhs.gov".to_owned(),
        ),
        ("The maker", maker),
        (
            "Health-ISAC",
            "health-isac.org, for members and others".to_owned(),
        ),
        ("HHS Office for Civil Rights", hhs.to_owned()),
    ]);
}
