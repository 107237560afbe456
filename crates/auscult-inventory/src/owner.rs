//! Names who an outside address is registered to and announced by, so that "traffic to
//! 202.114.4.119" can be read as "to China Education and Research Network, registered in CN".
//!
//! Sources: country from the RIRs' delegated statistics (crate `iptocc`); autonomous systems from
//! `data/announced.tsv`, hand-made ranges and the special ranges of RFC 6890 from
//! `data/owners.tsv`; `data/README.md` has origins, versions, licences and hashes.
//! Limits: a country is where the range is *registered*, never where a machine stands (1.1.1.1 is
//! registered in AU and answers next door). An organisation is the network that announces the
//! range, never its customer: CERNET carries universities and names none of them. Data are as
//! old as their dates say; only the larger ranges of sixty-five networks are held.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::OnceLock;

use crate::mac_vendor::DataSet;

/// What is known about the holder of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Autonomous system that announces the range.
    pub asn: Option<u32>,
    /// Who runs that system, in our words.
    pub organisation: Option<&'static str>,
    /// ISO 3166-1 code of the country the range is registered in (`EU`: in several).
    pub country: Option<&'static str>,
    /// What sort of network it is.
    pub kind: OwnerKind,
    /// Data set and date of `asn` and `organisation`, of `country` if these are unknown; for
    /// [`OwnerKind::Special`] what the range is for and the RFC that says so.
    pub source: &'static str,
}

/// What sort of network an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OwnerKind {
    /// Shared computing, delivery or services: says little about who is behind an address.
    Cloud,
    /// Sells access or transit: its customers are behind it.
    Carrier,
    /// An education or research network.
    Research,
    /// The own network of a maker of devices or software.
    Vendor,
    /// Rented servers.
    Hosting,
    /// Set aside by an RFC: nobody owns it and it is not routed on the Internet, or not as such.
    Special,
    /// Not known.
    Unknown,
}

impl OwnerKind {
    /// The word used in the tables and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            OwnerKind::Cloud => "cloud",
            OwnerKind::Carrier => "carrier",
            OwnerKind::Research => "research",
            OwnerKind::Vendor => "vendor",
            OwnerKind::Hosting => "hosting",
            OwnerKind::Special => "special",
            OwnerKind::Unknown => "unknown",
        }
    }

    fn of_word(word: &str) -> Option<OwnerKind> {
        use OwnerKind::*;
        [Cloud, Carrier, Research, Vendor, Hosting, Special, Unknown]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// "AS4538 China Education and Research Network (CERNET), registered in CN (source; source)".
impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == OwnerKind::Special {
            return f.write_str(self.source);
        }
        if let Some(asn) = self.asn {
            write!(f, "AS{asn} ")?;
        }
        let organisation = self.organisation.unwrap_or("organisation not known");
        write!(f, "{organisation}")?;
        if let Some(country) = self.country {
            write!(f, ", registered in {country}")?;
        }
        write!(f, " ({}", self.source)?;
        if self.country.is_some() && self.source != COUNTRY_SOURCE {
            write!(f, "; {COUNTRY_SOURCE}")?;
        }
        f.write_str(")")
    }
}

static OWNERS: &str = include_str!("../data/owners.tsv");
static ANNOUNCED: &str = include_str!("../data/announced.tsv");
static SYSTEMS: &str = include_str!("../data/autonomous-systems.tsv");

/// Name and date of the country data; the version is pinned in the manifest.
const COUNTRY_SOURCE: &str = "RIR delegated statistics by iptocc 1.4.175 (2026-11-01)";

/// The data sets behind [`owner`]: announced ranges, then countries.
pub fn sources() -> [DataSet; 2] {
    [
        DataSet {
            name: "@ip-location-db/asn",
            version: "2.3.2026061719",
            date: "2026-06-17",
            licence: "CC BY 4.0: RouteViews (routeviews.org), DB-IP (db-ip.com), NRO (nro.net)",
            sha256: "76afd7f575bc22d3b3d52f4666fb1ec20c254948829c8f23b1ecc8b8856106d5",
        },
        DataSet {
            name: "iptocc",
            version: "1.4.175",
            date: "2026-11-01",
            licence: "MIT OR Apache-2.0; RIR delegated statistics, credit to nro.net",
            sha256: "7cccf3372a028e502acf17004f033eb063747c848d82b858d868e4e172b9299a",
        },
    ]
}

/// Who holds `ip`. `None` if nothing is known, not even a country.
///
/// Special-purpose addresses (private, documentation, multicast, …) have neither number,
/// organisation nor country: kind [`OwnerKind::Special`] and a `source` that says what they are.
pub fn owner(ip: IpAddr) -> Option<Owner> {
    static TABLE: OnceLock<Vec<Range>> = OnceLock::new();
    let table = TABLE.get_or_init(|| nest(read_tables().unwrap_or_default()));

    let known = narrowest(table, number(ip)).map(|range| range.owner);
    if let Some(special) = known.filter(|owner| owner.kind == OwnerKind::Special) {
        return Some(special);
    }
    let country = iptocc::country_code(ip.to_canonical());
    match known {
        Some(known) => Some(Owner { country, ..known }),
        None => country.map(|country| Owner {
            asn: None,
            organisation: None,
            country: Some(country),
            kind: OwnerKind::Unknown,
            source: COUNTRY_SOURCE,
        }),
    }
}

/// A range of addresses and its holder; IPv4 as mapped into IPv6 (RFC 4291 §2.5.5.2).
#[derive(Clone, Copy, Debug)]
struct Range {
    first: u128,
    last: u128,
    /// The narrowest range around this one.
    parent: Option<usize>,
    /// Without a country.
    owner: Owner,
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// The range that holds `ip` and lies inside all others that do.
fn narrowest(table: &[Range], ip: u128) -> Option<&Range> {
    let mut candidate = table
        .partition_point(|range| range.first <= ip)
        .checked_sub(1);
    loop {
        let range = table.get(candidate?)?;
        if ip <= range.last {
            return Some(range);
        }
        candidate = range.parent;
    }
}

/// Sorts ranges and links each to the one around it. Of two equal ranges the later one wins.
fn nest(mut table: Vec<Range>) -> Vec<Range> {
    table.sort_by_key(|range| (range.first, std::cmp::Reverse(range.last)));
    let mut around: Vec<(usize, u128)> = Vec::new();
    for (at, range) in table.iter_mut().enumerate() {
        while around.pop_if(|(_, last)| *last < range.first).is_some() {}
        range.parent = around.last().map(|(parent, _)| *parent);
        around.push((at, range.last));
    }
    table
}

/// The announced ranges, then the hand-made ones, which win where both say something.
fn read_tables() -> Option<Vec<Range>> {
    let systems = rows(SYSTEMS)
        .map(|row| {
            let [asn, organisation, kind] = row[..] else {
                return None;
            };
            Some((
                asn.parse::<u32>().ok()?,
                organisation,
                OwnerKind::of_word(kind)?,
            ))
        })
        .collect::<Option<Vec<_>>>()?;
    let mut table = Vec::new();
    let (mut source, mut system) = ("", None);
    for row in rows(ANNOUNCED) {
        match row[..] {
            ["@source", text] => source = text,
            ["@system", asn] => {
                let asn = asn.parse().ok()?;
                let at = systems.binary_search_by_key(&asn, |(asn, ..)| *asn).ok()?;
                system = systems.get(at);
            }
            [range] => {
                let &(asn, organisation, kind) = system?;
                let (asn, organisation) = (Some(asn), Some(organisation));
                let owner = Owner {
                    asn,
                    organisation,
                    country: None,
                    kind,
                    source,
                };
                table.push(range_of(range, owner)?);
            }
            _ => return None,
        }
    }
    for row in rows(OWNERS) {
        let [range, asn, organisation, kind, source] = row[..] else {
            return None;
        };
        let asn = if asn == "-" {
            None
        } else {
            Some(asn.parse().ok()?)
        };
        let organisation = Some(organisation).filter(|text| *text != "-");
        let kind = OwnerKind::of_word(kind)?;
        let owner = Owner {
            asn,
            organisation,
            country: None,
            kind,
            source,
        };
        table.push(range_of(range, owner)?);
    }
    Some(table)
}

/// The columns of every line that is not a comment.
fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split('\t').collect())
}

/// Reads `first-last` or `address/bits`.
fn range_of(text: &str, owner: Owner) -> Option<Range> {
    let (first, last) = match (text.split_once('-'), text.split_once('/')) {
        (Some((first, last)), _) => (number(first.parse().ok()?), number(last.parse().ok()?)),
        (None, Some((network, bits))) => {
            let network: IpAddr = network.parse().ok()?;
            let width = if network.is_ipv4() {
                32
            } else {
                Ipv6Addr::BITS
            };
            let host_bits = width.checked_sub(bits.parse().ok()?)?;
            let hosts = u128::MAX
                .checked_shr(Ipv6Addr::BITS - host_bits)
                .unwrap_or(0);
            (number(network) & !hosts, number(network) | hosts)
        }
        _ => return None,
    };
    (first <= last).then_some(Range {
        first,
        last,
        parent: None,
        owner,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ip: &str) -> Option<Owner> {
        owner(ip.parse().unwrap())
    }

    /// Number, country and kind.
    fn short(ip: &str) -> (Option<u32>, Option<&'static str>, OwnerKind) {
        let owner = of(ip).unwrap();
        (owner.asn, owner.country, owner.kind)
    }

    #[test]
    fn the_address_of_the_cms8000_belongs_to_cernet_and_no_university_is_named() {
        for ip in [
            "202.114.4.119",
            "202.114.4.120",
            "202.114.0.1",
            "202.114.63.255",
        ] {
            assert_eq!(short(ip), (Some(4538), Some("CN"), OwnerKind::Research));
        }
        assert_eq!(
            of("202.114.4.119").unwrap().to_string(),
            "AS4538 China Education and Research Network (CERNET), registered in CN \
             (@ip-location-db/asn 2.3.2026061719 (2026-06-17); \
             RIR delegated statistics by iptocc 1.4.175 (2026-11-01))"
        );
        for table in [OWNERS, ANNOUNCED, SYSTEMS] {
            assert!(!table.to_lowercase().contains("universit"));
        }
    }

    #[test]
    fn well_known_networks() {
        use OwnerKind::*;
        assert_eq!(short("8.8.8.8"), (Some(15169), Some("US"), Cloud));
        assert_eq!(short("1.1.1.1"), (Some(13335), Some("AU"), Cloud));
        assert_eq!(short("126.1.138.200"), (Some(17676), Some("JP"), Carrier));
        assert_eq!(short("196.76.1.1"), (Some(6713), Some("MA"), Carrier));
        assert_eq!(short("200.200.200.1"), (Some(4230), Some("BR"), Carrier));
        assert_eq!(short("191.1.1.101").0, Some(20001));
        assert_eq!(short("17.253.2.123").0, Some(6185)); // inside Apple's other system's /8
        assert_eq!(short("40.126.1.1").0, Some(8075));
        assert_eq!(short("104.16.132.229").0, Some(13335));
        assert_eq!(short("157.240.1.1").0, Some(32934));
        assert_eq!(short("5.9.0.1"), (Some(24940), Some("DE"), Hosting));
        assert_eq!(
            short("2001:4860:4860::8888"),
            (Some(15169), Some("US"), Cloud)
        );
        assert_eq!(of("::ffff:8.8.8.8"), of("8.8.8.8"));
    }

    #[test]
    fn only_part_of_126_is_softbank() {
        // 126.52.0.0/20 is announced by a Japanese cable company that is not in the tables.
        assert_eq!(short("126.52.0.1"), (None, Some("JP"), OwnerKind::Unknown));
    }

    #[test]
    fn nobody_owns_special_ranges() {
        for (ip, purpose) in [
            ("192.0.2.1", "documentation range (RFC 5737)"),
            ("10.0.0.1", "private use (RFC 1918)"),
            ("172.31.255.255", "private use (RFC 1918)"),
            (
                "100.64.0.1",
                "carrier-grade NAT, shared address space (RFC 6598)",
            ),
            ("224.0.1.1", "multicast (RFC 5771)"),
            ("255.255.255.255", "limited broadcast (RFC 919)"),
            ("2001:db8::1", "documentation range (RFC 3849)"),
            ("2001:0:1::", "Teredo (RFC 4380)"),
            ("fe80::1", "link-local (RFC 4291)"),
            ("::1", "loopback (RFC 4291)"),
        ] {
            let owner = of(ip).unwrap();
            assert_eq!(
                (owner.asn, owner.organisation, owner.country),
                (None, None, None),
                "{ip}"
            );
            assert_eq!(
                (owner.kind, owner.source),
                (OwnerKind::Special, purpose),
                "{ip}"
            );
            assert_eq!(owner.to_string(), purpose);
        }
        assert_eq!(short("172.32.0.1").0, Some(21928));
        assert_eq!(short("11.0.0.1").0, Some(749));
    }

    #[test]
    fn every_row_is_read_and_ranges_nest() {
        let table = nest(read_tables().unwrap());
        let announced = rows(ANNOUNCED).filter(|row| !row[0].starts_with('@'));
        let lines = rows(OWNERS).count() + announced.count();
        assert_eq!(table.len(), lines);
        let [announced_by, countries] = sources();
        let source = format!(
            "{} {} ({})",
            announced_by.name, announced_by.version, announced_by.date
        );
        assert!(ANNOUNCED.contains(&source));
        assert!(COUNTRY_SOURCE.contains(countries.version));
        assert!(COUNTRY_SOURCE.contains(countries.date));
        for range in &table {
            assert!(!range.owner.source.is_empty());
            assert!(narrowest(&table, range.first).is_some());
            if let Some(parent) = range.parent.map(|at| &table[at]) {
                assert!(
                    parent.first <= range.first && range.last <= parent.last,
                    "{range:?}"
                );
            }
        }
        assert!(OWNERS.len() + ANNOUNCED.len() + SYSTEMS.len() < 150_000);
    }

    #[test]
    fn unknown_addresses_stay_unknown() {
        assert_eq!(of("4000::1"), None);
        assert_eq!(
            of("2a02:2e0:3fe:1001:302::").and_then(|owner| owner.country),
            Some("DE")
        );
    }
}
