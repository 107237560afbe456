//! Masks patient data wherever it recurs in texts learnt from traffic.
//!
//! A value once seen as patient data is masked as a whole token in names, URLs, paths, job and
//! host names: tokens of at least four characters, not digits only below six. Addresses, protocol,
//! vendor, model and rule names are never touched, so that nobody can blind the report by naming
//! a patient after a vendor.
//!
//! Limit: [`MASKED`](crate::bounds::MASKED); beyond it free text from traffic is withheld and said.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use auscult_model::report::details::Value;
use auscult_model::report::{Device, Report};
use foldhash::quality::RandomState;

/// What stands in place of a masked token.
const MASKED: &str = "[patient]";

/// Claims whose values name products and formats, or are no text: never masked, so that nobody can
/// blind the report by naming a patient after a vendor. All others hold text that people typed.
const PRODUCTS: &[&str] = &[
    "alarm_limits",
    "cdp_capabilities",
    "cdp_version",
    "certificate_key",
    "certificate_serial",
    "certificate_sha256",
    "certificate_validity",
    "contec_cms_role",
    "dhcp_parameters",
    "dhcp_stack",
    "dhcp_vendor_class",
    "dicom_accepts",
    "dicom_asks_for",
    "dicom_implementation_uid",
    "dicom_implementation_version",
    "dicom_toolkit",
    "family_hint",
    "firmware",
    "http_server",
    "ja3",
    "ja4",
    "lldp_capabilities",
    "mac_vendor",
    "mdns_service",
    "mllp_quirk",
    "modality",
    "model",
    "netbios_mac",
    "netbios_part",
    "ntp_version",
    "os",
    "snmp_engine_id",
    "snmp_engine_mac",
    "snmp_mib",
    "snmp_sysobjectid",
    "ssdp_type",
    "ssh_banner",
    "ssh_hassh",
    "ssh_hassh_server",
    "ssh_host_key",
    "ssl2_hello",
    "telnet_terminal",
    "tls_version",
    "vendor",
    "vista_cms_role",
    "ws_discovery_type",
];

/// Details of findings that hold text learnt from traffic.
const LEARNT_DETAILS: &[&str] = &[
    "accounts",
    "export",
    "file_names",
    "mount",
    "receivers",
    "senders",
    "stations",
];

/// Values seen as patient data.
#[derive(Debug)]
pub(crate) struct Mask {
    most: usize,
    tokens: HashSet<String, RandomState>,
    dropped: u64,
}

impl Mask {
    /// Remembers at most so many words.
    pub(crate) fn new(most: usize) -> Self {
        Mask {
            most,
            tokens: HashSet::default(),
            dropped: 0,
        }
    }

    /// Remembers values.
    pub(crate) fn learn(&mut self, values: Vec<String>) {
        for value in values {
            for token in std::iter::once(value.as_str()).chain(tokens(&value)) {
                if !is_telling(token) {
                    continue;
                }
                if self.tokens.len() >= self.most {
                    self.dropped += 1;
                    return;
                }
                let token = small_letters(token);
                if !self.tokens.contains(token.as_ref()) {
                    self.tokens.insert(token.into_owned());
                }
            }
        }
    }

    /// Takes in the values of another part of the inputs.
    pub(crate) fn merge(&mut self, other: Mask) {
        self.dropped += other.dropped;
        let mut tokens: Vec<String> = other.tokens.into_iter().collect();
        tokens.sort_unstable();
        for token in tokens {
            if self.tokens.len() >= self.most && !self.tokens.contains(&token) {
                self.dropped += 1;
            } else {
                self.tokens.insert(token);
            }
        }
    }

    /// The words that are masked, sorted.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = self.tokens.iter().cloned().collect();
        words.sort_unstable();
        words
    }

    /// So many values were seen elsewhere and are not known here.
    pub(crate) fn lose(&mut self, values: u64) {
        self.dropped += values;
    }

    /// How many values found no room, if any.
    pub(crate) fn overflowed(&self) -> Option<u64> {
        (self.dropped > 0).then_some(self.dropped)
    }

    /// Masks what was learnt from traffic in a report: where it stands alone, and where our
    /// sentences repeat it. Our own words are never touched, so that a patient called "Edge"
    /// cannot blind the report. When more values were seen than there is room for, all texts
    /// learnt from traffic are withheld.
    pub(crate) fn apply(&self, report: &mut Report) {
        if self.tokens.is_empty() {
            return;
        }
        let mut spliced: BTreeMap<String, String> = BTreeMap::new();
        let mut withheld = 0;
        let mut mask = |text: &mut String| {
            withheld += u64::from(self.dropped > 0 && !text.is_empty());
            let masked = self.masked(text);
            if masked != *text {
                if is_telling(text) {
                    spliced.insert(text.clone(), masked.clone());
                }
                *text = masked;
            }
        };
        for device in &mut report.devices {
            // Sentences call a device by its label, which may be made of several texts.
            if let Some(mut label) = device.label() {
                mask(&mut label);
            }
            mask_device(device, &mut mask);
        }
        for artifact in &mut report.artifacts {
            mask(&mut artifact.name);
        }
        for capture in &mut report.captures {
            for comment in &mut capture.comments {
                mask(&mut comment.text);
            }
            for name in &mut capture.names {
                mask(&mut name.name);
            }
        }
        for finding in &mut report.findings {
            for (key, value) in &mut finding.details {
                match value {
                    Value::Text(text) if LEARNT_DETAILS.contains(&key.as_str()) => mask(text),
                    Value::List(texts) if LEARNT_DETAILS.contains(&key.as_str()) => {
                        texts.iter_mut().for_each(&mut mask);
                    }
                    _ => {}
                }
            }
        }
        // The longest first: a name may be part of another.
        let mut spliced: Vec<(String, String)> = spliced.into_iter().collect();
        spliced.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        let starts = by_start(&spliced);
        for_each_sentence(report, |text| {
            let found: BTreeSet<usize> = text
                .as_bytes()
                .windows(START)
                .filter_map(|bytes| starts.get(bytes))
                .flatten()
                .copied()
                .collect();
            for (name, masked) in found.into_iter().filter_map(|at| spliced.get(at)) {
                if text.contains(name.as_str()) {
                    *text = text.replace(name.as_str(), masked);
                }
            }
        });
        report.health.texts_withheld = withheld;
    }

    /// A text learnt from traffic without what was seen as patient data; nothing of it when not
    /// all of that is known.
    pub(crate) fn masked(&self, text: &str) -> String {
        if self.dropped > 0 && !text.is_empty() {
            return MASKED.to_owned();
        }
        let mut text = text.to_owned();
        if !self.tokens.is_empty() {
            self.mask(&mut text);
        }
        text
    }

    fn knows(&self, token: &str) -> bool {
        is_telling(token) && self.tokens.contains(small_letters(token).as_ref())
    }

    /// Replaces whole tokens (and whole values of several) that were seen as patient data.
    fn mask(&self, text: &mut String) {
        if self.tokens.contains(small_letters(text).as_ref()) {
            *text = MASKED.to_owned();
            return;
        }
        let mut masked = String::new();
        let mut kept = 0;
        for (start, run) in token_places(text) {
            if self.knows(run) {
                masked.push_str(&text[kept..start]);
                masked.push_str(MASKED);
                kept = start + run.len();
                continue;
            }
            // Names are also joined to others by hyphens: tablet-inventa.
            let mut at = start;
            for part in run.split('-') {
                if self.knows(part) {
                    masked.push_str(&text[kept..at]);
                    masked.push_str(MASKED);
                    kept = at + part.len();
                }
                at += part.len() + 1;
            }
        }
        if !masked.is_empty() || kept > 0 {
            masked.push_str(&text[kept..]);
            *text = masked;
        }
    }
}

/// Names are looked for by their first bytes; each has as many.
const START: usize = 4;

/// The places of names in the list, by their first bytes.
fn by_start(names: &[(String, String)]) -> HashMap<&[u8], Vec<usize>> {
    let mut starts: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (at, (name, _)) in names.iter().enumerate() {
        if let Some(start) = name.as_bytes().get(..START) {
            starts.entry(start).or_default().push(at);
        }
    }
    starts
}

/// Every sentence of findings and answers, and the texts of their details.
fn for_each_sentence(report: &mut Report, mut change: impl FnMut(&mut String)) {
    for finding in &mut report.findings {
        let own = [&mut finding.title, &mut finding.impact, &mut finding.action];
        own.into_iter()
            .chain(&mut finding.seen)
            .chain(&mut finding.director)
            .chain(&mut finding.innocent)
            .for_each(&mut change);
        for value in finding.details.values_mut() {
            match value {
                Value::Text(text) => change(text),
                Value::List(texts) => texts.iter_mut().for_each(&mut change),
                Value::Number(_) | Value::Switch(_) => {}
            }
        }
    }
    for coverage in &mut report.coverage {
        change(&mut coverage.because);
        change(&mut coverage.short);
    }
}

/// Whether a claim's values name products or formats.
pub(crate) fn is_product(attribute: &str) -> bool {
    PRODUCTS.contains(&attribute)
}

fn mask_device(device: &mut Device, mask: &mut impl FnMut(&mut String)) {
    for text in [&mut device.hostname, &mut device.bed, &mut device.unit]
        .into_iter()
        .flatten()
    {
        mask(text);
    }
    for peer in &mut device.talks_to {
        if let Some(name) = &mut peer.name {
            mask(name);
        }
    }
    for claim in &mut device.claims {
        if !is_product(&claim.attribute) {
            mask(&mut claim.value);
        }
    }
}

/// In small letters, so that spelling does not matter.
fn small_letters(text: &str) -> Cow<'_, str> {
    let is_small = |b: u8| b.is_ascii() && !b.is_ascii_uppercase();
    if text.bytes().all(is_small) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.to_lowercase())
    }
}

/// Long enough to say who: four characters, six when digits only.
fn is_telling(token: &str) -> bool {
    let digits_only = token.bytes().all(|b| b.is_ascii_digit());
    token.chars().count() >= if digits_only { 6 } else { 4 }
}

fn is_inside(c: char) -> bool {
    c.is_alphanumeric() || c == '-'
}

fn tokens(text: &str) -> impl Iterator<Item = &str> {
    token_places(text).map(|(_, token)| token)
}

/// Runs of letters, digits and hyphens, with where they begin.
fn token_places(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = 0;
    let places = text.split(|c| !is_inside(c)).map(move |run| {
        let start = rest;
        rest += run.len();
        rest += text[rest..].chars().next().map_or(0, char::len_utf8);
        (start, run)
    });
    places.filter(|(_, run)| !run.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(values: &[&str], text: &str) -> String {
        let mut mask = Mask::new(100);
        mask.learn(values.iter().map(|value| (*value).to_owned()).collect());
        let mut text = text.to_owned();
        mask.mask(&mut text);
        text
    }

    #[test]
    fn whole_tokens_only() {
        assert_eq!(
            masked(&["INVENTA^ROSA"], "/scan/inventa.pdf"),
            "/scan/[patient].pdf"
        );
        assert_eq!(masked(&["INVENTA^ROSA"], "inventarium"), "inventarium");
        assert_eq!(masked(&["INV-000417"], "job INV-000417!"), "job [patient]!");
        assert_eq!(
            masked(&["INVENTA^ROSA"], "tablet-inventa-2"),
            "tablet-[patient]-2"
        );
    }

    #[test]
    fn short_tokens_and_short_numbers_stay() {
        assert_eq!(masked(&["LEE", "12345"], "lee 12345"), "lee 12345");
        assert_eq!(masked(&["123456"], "n 123456"), "n [patient]");
    }

    #[test]
    fn text_of_other_scripts() {
        assert_eq!(
            masked(&["Müller"], "für müller, grüße"),
            "für [patient], grüße"
        );
    }
}
