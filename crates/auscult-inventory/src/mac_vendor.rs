//! Names the holder of a MAC address prefix from the IEEE register that travels in the binary,
//! because the maker of a network part is a first, weak hint at what a device is.
//!
//! Sources: IEEE Registration Authority listings MA-L, MA-M and MA-S (prefixes of 24, 28 and 36
//! bits), as packed in `data/mac-vendors.bin`; `data/README.md` has its origin, version and hash.
//! Limits: the name is the *registrant's*. Serial servers and Wi-Fi modules keep the name of
//! whoever made the module, and CONTEC Medical Systems holds no prefix at all (the registrants
//! called "CONTEC" and "Contec" are other firms). Entries named "Private" and blocks that the
//! register only subdivides are left out of the table: they name nobody.

use std::io::Read;
use std::sync::OnceLock;

use auscult_model::MacAddr;
use flate2::read::DeflateDecoder;

/// Where a data set in the binary comes from, to be shown with every statement that rests on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataSet {
    /// Name at its publisher.
    pub name: &'static str,
    /// The publisher's version.
    pub version: &'static str,
    /// Day of publication, `YYYY-MM-DD`.
    pub date: &'static str,
    /// Terms of use and whom to credit.
    pub licence: &'static str,
    /// SHA-256 of the publisher's file or package, in lower-case hex.
    pub sha256: &'static str,
}

/// The register, packed: see [`Header`] for the layout.
static PACKED: &[u8] = include_bytes!("../data/mac-vendors.bin");

/// First octets of the packed file; the last one is the version of the format.
const MAGIC: &[u8] = b"AUSC-MAC\x01";
/// The licence of the listing; not in the file because it is a judgement, not a copy.
const LICENCE: &str = "BSD-2-Clause (package oui-data); registrations published by the IEEE \
                       Registration Authority";
/// Lengths of the registered prefixes in bits, in the order of the packed columns.
const PREFIX_BITS: [u32; 3] = [24, 28, 36];
/// Longest first: a 28-bit assignment lies inside a 24-bit block of the authority itself.
const LONGEST_FIRST: [usize; 3] = [2, 1, 0];
/// Upper bound of the unpacked table, several times its present size.
const MAX_UNPACKED: u32 = 8 << 20;

/// Who holds the prefix of `mac`, by the IEEE's listing; the longest registered prefix wins.
///
/// `None` for group and locally administered addresses (nobody registered those) and for
/// prefixes without a public holder.
pub fn mac_vendor(mac: MacAddr) -> Option<&'static str> {
    static VENDORS: OnceLock<MacVendors> = OnceLock::new();
    VENDORS
        .get_or_init(|| MacVendors::unpack(PACKED).unwrap_or_default())
        .holder(mac)
}

/// The listing that [`mac_vendor`] looks into.
pub fn source() -> DataSet {
    let unreadable = DataSet {
        name: "",
        version: "",
        date: "",
        licence: LICENCE,
        sha256: "",
    };
    Header::read(PACKED).map_or(unreadable, |(header, _)| header.source)
}

/// What precedes the compressed columns.
///
/// Layout: magic and format version (9 octets); name, version, date and SHA-256 (hex) of the
/// source, each a length octet and UTF-8; then little-endian `u32`s: count of prefixes of 24, of
/// 28 and of 36 bits, and the length of the columns once inflated. The rest is one raw deflate
/// stream (RFC 1951) of the columns: the prefixes of each length, ascending, as LEB128
/// differences; one `u16` a prefix that refers to its name, 0 for "the next name not used yet",
/// else one plus the number of an earlier name; the names, in order of first use, each ended by
/// a line feed.
struct Header {
    source: DataSet,
    counts: [u32; 3],
    unpacked: u32,
}

impl Header {
    /// The header, and the compressed octets after it.
    fn read(packed: &'static [u8]) -> Option<(Header, &'static [u8])> {
        let mut rest = packed.strip_prefix(MAGIC)?;
        let mut text = || -> Option<&'static str> {
            let (len, after) = rest.split_first()?;
            let (text, after) = after.split_at_checked(usize::from(*len))?;
            rest = after;
            std::str::from_utf8(text).ok()
        };
        let (name, version, date, sha256) = (text()?, text()?, text()?, text()?);
        let source = DataSet {
            name,
            version,
            date,
            licence: LICENCE,
            sha256,
        };
        let mut number = || -> Option<u32> {
            let (bytes, after) = rest.split_first_chunk()?;
            rest = after;
            Some(u32::from_le_bytes(*bytes))
        };
        let (counts, unpacked) = ([number()?, number()?, number()?], number()?);
        (unpacked <= MAX_UNPACKED).then_some((
            Header {
                source,
                counts,
                unpacked,
            },
            rest,
        ))
    }
}

/// The unpacked register.
#[derive(Default)]
struct MacVendors {
    /// Per prefix length: `prefix << 16 | number of the name`, ascending.
    prefixes: [Vec<u64>; 3],
    /// All names, each ended by a line feed.
    names: String,
    /// Where each name begins.
    starts: Vec<u32>,
}

impl MacVendors {
    fn unpack(packed: &'static [u8]) -> Option<MacVendors> {
        let (header, compressed) = Header::read(packed)?;
        let mut columns = Vec::with_capacity(header.unpacked as usize);
        DeflateDecoder::new(compressed)
            .take(u64::from(header.unpacked))
            .read_to_end(&mut columns)
            .ok()?;

        let mut rest = columns.as_slice();
        let mut prefixes = [Vec::new(), Vec::new(), Vec::new()];
        for (table, &count) in prefixes.iter_mut().zip(&header.counts) {
            let mut prefix = 0u64;
            for _ in 0..count {
                prefix = prefix.checked_add(leb128(&mut rest)?)?;
                table.push(prefix << 16);
            }
        }
        let mut used = 0u16;
        for entry in prefixes.iter_mut().flatten() {
            let (reference, after) = rest.split_first_chunk()?;
            rest = after;
            let name = match u16::from_le_bytes(*reference).checked_sub(1) {
                Some(earlier) => earlier,
                None => {
                    used = used.checked_add(1)?;
                    used - 1
                }
            };
            *entry |= u64::from(name);
        }
        let names = String::from_utf8(rest.to_vec()).ok()?;
        let mut starts = vec![0u32];
        starts.extend(names.match_indices('\n').map(|(at, _)| at as u32 + 1));
        Some(MacVendors {
            prefixes,
            names,
            starts,
        })
    }

    fn holder(&self, mac: MacAddr) -> Option<&str> {
        if !mac.is_universal() {
            return None;
        }
        let address = mac
            .0
            .iter()
            .fold(0u64, |bits, &octet| bits << 8 | u64::from(octet));
        LONGEST_FIRST.iter().find_map(|&i| {
            let (table, bits) = (self.prefixes.get(i)?, PREFIX_BITS.get(i)?);
            let prefix = address >> (48 - bits);
            let at = table.partition_point(|entry| entry >> 16 < prefix);
            let entry = table.get(at).filter(|&&entry| entry >> 16 == prefix)?;
            self.name((entry & 0xffff) as usize)
        })
    }

    fn name(&self, number: usize) -> Option<&str> {
        let (&first, &next) = (self.starts.get(number)?, self.starts.get(number + 1)?);
        self.names
            .get(first as usize..next as usize)?
            .strip_suffix('\n')
    }
}

/// An unsigned LEB128 number, at most 35 bits long as far as this table needs.
fn leb128(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..42).step_by(7) {
        let (&octet, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vendor(mac: &str) -> Option<&'static str> {
        mac_vendor(mac.parse().unwrap())
    }

    #[test]
    fn registrants_of_medical_devices() {
        let philips = "Philips Medical Systems - Cardiac and Monitoring Systems (CM";
        assert!(vendor("00:09:5c:00:00:01").unwrap().starts_with(philips));
        assert_eq!(vendor("00:80:4c:12:34:56"), Some("CONTEC CO., LTD."));
        assert_eq!(vendor("74:6f:3d:12:34:56"), Some("Contec GmbH"));
        for (mac, word) in [
            ("00:0f:14:00:00:00", "Mindray"),
            ("6c:3e:51:00:00:00", "Mindray"),
            ("44:4b:5d:00:00:00", "GE Healthcare"),
            ("00:30:e6:00:00:00", "Draeger Medical"),
            ("f0:e5:c3:00:00:00", "Drägerwerk"),
            ("58:42:e4:00:00:00", "Baxter"),
            ("00:1a:fa:00:00:00", "Welch Allyn"),
            ("00:90:e8:00:00:00", "Moxa"),
            ("00:40:17:00:00:00", "Silex"),
        ] {
            let name = vendor(mac).unwrap();
            assert!(
                name.to_lowercase().contains(&word.to_lowercase()),
                "{mac}: {name}"
            );
        }
    }

    #[test]
    fn the_longest_prefix_wins() {
        assert_eq!(vendor("70:b3:d5:36:30:01"), Some("Contec Americas Inc."));
        assert!(vendor("c0:22:f1:e0:00:00").unwrap().contains("Masimo"));
        assert!(vendor("14:4f:d7:e0:00:00").unwrap().contains("Edan"));
        // Both parts of 8C-1F-64 belong to the authority; what it did not assign has no name.
        assert!(vendor("8c:1f:64:53:d0:00").unwrap().contains("NEXCONTECH"));
        assert_eq!(vendor("8c:1f:64:ff:f0:00"), None);
    }

    #[test]
    fn nobody_registered_these() {
        for mac in [
            "ff:ff:ff:ff:ff:ff",
            "01:00:5e:00:00:fb",
            "02:09:5c:00:00:01", // the Philips prefix with the local bit set
            "00:00:00:00:00:00",
        ] {
            assert_eq!(vendor(mac), None, "{mac}");
        }
    }

    #[test]
    fn contec_medical_holds_no_prefix() {
        let vendors = MacVendors::unpack(PACKED).unwrap();
        let contec: Vec<_> = vendors
            .names
            .lines()
            .filter(|name| {
                name.split([' ', ','])
                    .any(|w| w.eq_ignore_ascii_case("contec"))
            })
            .collect();
        assert_eq!(
            contec,
            ["CONTEC CO., LTD.", "Contec GmbH", "Contec Americas Inc."]
        );
    }

    #[test]
    fn the_table_is_whole_and_clean() {
        let (header, _) = Header::read(PACKED).unwrap();
        let vendors = MacVendors::unpack(PACKED).unwrap();
        for (table, count) in vendors.prefixes.iter().zip(header.counts) {
            assert_eq!(table.len(), count as usize);
            assert!(table.is_sorted());
            for entry in table {
                assert!(vendors.name((entry & 0xffff) as usize).is_some());
            }
        }
        assert!(vendors.prefixes[0].len() > 39_000 && vendors.prefixes[2].len() > 7_000);
        for name in vendors.names.lines() {
            assert!(
                !name.is_empty() && name.trim() == name && !name.contains("  "),
                "{name:?}"
            );
            assert!(
                !name.contains(|c: char| c.is_control() || c == '\u{200b}'),
                "{name:?}"
            );
        }
        assert_eq!(source().name, "oui-data");
        assert_eq!(source().sha256.len(), 64);
        assert!(PACKED.len() < 450_000);
    }

    #[test]
    fn a_cut_file_is_refused_and_never_panics() {
        for len in 0..400 {
            assert!(MacVendors::unpack(&PACKED[..len]).is_none());
        }
        assert!(MacVendors::unpack(&PACKED[..PACKED.len() / 2]).is_none());
    }

    /// Debian's `ieee-data` of August 2022 as a second opinion: an older, independent copy.
    #[test]
    fn agrees_with_debians_copy_of_the_register() {
        let path = "/usr/share/ieee-data/oui.csv";
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("SKIPPED: agrees_with_debians_copy_of_the_register: no {path}");
            return;
        };
        let first_word = |name: &str| {
            let word: &str = name
                .split(|c: char| !c.is_alphanumeric())
                .find(|w| !w.is_empty())?;
            Some(word.to_lowercase())
        };
        let (mut rows, mut agree, mut unnamed, mut others) = (0, 0, 0, Vec::new());
        for line in text.lines().filter(|line| line.starts_with("MA-L,")) {
            let hex = &line[5..11];
            let name = line[12..].trim_start_matches('"');
            if name.starts_with("IEEE Registration Authority") || name.starts_with("Private,") {
                unnamed += 1;
                continue;
            }
            let octets = u32::from_str_radix(hex, 16).unwrap().to_be_bytes();
            let mac = MacAddr([octets[1], octets[2], octets[3], 0, 0, 1]);
            if !mac.is_universal() {
                unnamed += 1;
                continue;
            }
            rows += 1;
            let found = mac_vendor(mac);
            match found {
                Some(found) if first_word(found) == first_word(name) => agree += 1,
                _ => others.push(format!("{hex}: {name:.40} / {found:?}")),
            }
        }
        eprintln!("{agree} of {rows} prefixes agree; {unnamed} without a name or not universal");
        assert!(rows > 30_000);
        assert!(agree * 100 >= rows * 95, "{agree} of {rows}: {others:#?}");
    }
}
