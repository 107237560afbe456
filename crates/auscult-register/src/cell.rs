//! Values of cells: what says "none", MAC addresses in any notation, serial numbers and what
//! spreadsheets make of them.

use std::net::IpAddr;

use auscult_model::MacAddr;

use crate::fold::{compact, folded};

/// The text without what spreadsheets and exports put around it: blanks, the apostrophe and the
/// formula that keep a number a text.
pub(crate) fn bare(cell: &str) -> &str {
    let blank = |c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}';
    let cell = cell.trim_matches(blank);
    let formula = cell.strip_prefix("=\"").and_then(|c| c.strip_suffix('"'));
    let cell = formula.unwrap_or(cell);
    cell.strip_prefix('\'').unwrap_or(cell).trim_matches(blank)
}

/// The text, unless it says that there is none.
pub(crate) fn value(cell: &str) -> Option<&str> {
    const NONE: [&str; 36] = [
        "na",
        "nil",
        "none",
        "null",
        "unknown",
        "unk",
        "tbd",
        "tba",
        "tbc",
        "blank",
        "empty",
        "notavailable",
        "notapplicable",
        "seelabel",
        "nolabel",
        "unlabelled",
        "unlabeled",
        "keine",
        "keineangabe",
        "ka",
        "unbekannt",
        "ohne",
        "nichtvorhanden",
        "sans",
        "inconnu",
        "aucun",
        "neant",
        "sinserie",
        "sn",
        "desconocido",
        "ninguno",
        "sconosciuto",
        "nessuno",
        "onbekend",
        "geen",
        "brak",
    ];
    let text = bare(cell);
    let letters = compact(text);
    let says_none = letters.is_empty()
        || NONE.contains(&letters.as_str())
        || letters.chars().all(|c| c == '0' || c == 'x')
        || letters.chars().all(|c| c == '9') && letters.len() >= 4;
    (!says_none).then_some(text)
}

/// What a cell with link-layer addresses holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Macs {
    pub(crate) macs: Vec<MacAddr>,
    /// What is wrong with the rest.
    pub(crate) problem: Option<&'static str>,
}

/// All addresses of a cell, in any notation, also several.
pub(crate) fn macs(cell: &str) -> Macs {
    let mut found = Macs::default();
    let Some(text) = value(cell) else {
        return found;
    };
    let separates = |c: char| c.is_whitespace() || ",;/|&+()[]=".contains(c);
    let tokens: Vec<&str> = text
        .split(separates)
        .filter(|token| !token.is_empty())
        .collect();
    let mut rest = tokens.as_slice();
    let mut left_over = false;
    while let [token, more @ ..] = rest {
        // `aa bb cc dd ee ff`
        if let Some(six) = rest.get(..6)
            && six.iter().all(|t| t.len() == 2 && is_hex(t))
        {
            found.add(&six.concat());
            rest = rest.get(6..).unwrap_or_default();
            continue;
        }
        rest = more;
        match mac(token) {
            Some(digits) => found.add(&digits),
            // A word beside addresses (`LAN`, `eth0`) is a label.
            None => left_over |= token.chars().filter(char::is_ascii_hexdigit).count() >= 6,
        }
    }
    let digits = text.chars().filter(char::is_ascii_hexdigit).count();
    if found.macs.is_empty() && found.problem.is_none() {
        found.problem = Some(match digits {
            9..=11 if text.chars().all(|c| c.is_ascii_digit()) => {
                "no MAC address: leading zeros are missing, as spreadsheets remove them"
            }
            _ if is_scientific(text) => "damaged by a spreadsheet: digits are lost",
            _ => "no MAC address",
        });
    } else if left_over && found.problem.is_none() {
        found.problem = Some("partly no MAC address");
    }
    found
}

impl Macs {
    fn add(&mut self, digits: &str) {
        let Ok(bits) = u64::from_str_radix(digits, 16) else {
            return;
        };
        let [_, _, bytes @ ..] = bits.to_be_bytes();
        let mac = MacAddr(bytes);
        if mac == MacAddr::NONE || mac.is_group() {
            self.problem = Some("no device's MAC address");
        } else if !self.macs.contains(&mac) {
            self.macs.push(mac);
        }
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The twelve digits of one address; none for everything else.
fn mac(token: &str) -> Option<String> {
    let token = token
        .strip_prefix("0x")
        .or(token.strip_prefix("0X"))
        .unwrap_or(token);
    let token = token.trim_matches([':', '-', '.']);
    // A label in front: `LAN:00:11:22:33:44:55`.
    let token = match token.split_once(':') {
        Some((label, rest)) if !is_hex(label) => rest,
        _ => token,
    };
    if token.len() == 12 && is_hex(token) {
        return Some(token.to_owned());
    }
    for separator in [':', '-', '.', '_'] {
        let groups: Vec<&str> = token.split(separator).collect();
        if !groups
            .iter()
            .all(|group| !group.is_empty() && is_hex(group))
        {
            continue;
        }
        let most = match groups.len() {
            6 => 2,
            3 => 4,
            2 => 6,
            _ => continue,
        };
        // Some tools leave out zeros in front, of bytes only.
        let fits = |group: &&str| group.len() == most || most == 2 && group.len() == 1;
        if groups.iter().all(fits) {
            return Some(
                groups
                    .iter()
                    .map(|group| format!("{group:0>most$}"))
                    .collect(),
            );
        }
    }
    None
}

/// All network addresses of a cell.
pub(crate) fn ips(cell: &str) -> Vec<IpAddr> {
    let separates = |c: char| c.is_whitespace() || ",;|&+()[]".contains(c);
    let mut ips: Vec<IpAddr> = Vec::new();
    for token in cell.split(separates) {
        let address = token.split('/').next().unwrap_or_default();
        if let Ok(ip) = address.parse::<IpAddr>()
            && !ip.is_unspecified()
            && !ips.contains(&ip)
        {
            ips.push(ip);
        }
    }
    ips
}

/// A serial number as written, or what destroyed it.
pub(crate) fn serial(cell: &str) -> Result<Option<&str>, &'static str> {
    let Some(text) = value(cell) else {
        return Ok(None);
    };
    if is_scientific(text) {
        return Err("damaged by a spreadsheet: digits are lost; look at the label");
    }
    if is_rounded(text) {
        return Err(
            "more than 15 digits with zeros at the end: rounded by a spreadsheet; see the label",
        );
    }
    if is_date(text) {
        return Err("looks like a date that a spreadsheet made of it; look at the label");
    }
    if text.starts_with('#') && (text.ends_with('!') || text.ends_with('#') || text.ends_with('?'))
    {
        return Err("an error of a spreadsheet; look at the label");
    }
    Ok(Some(text))
}

/// `1.23E+11`, with a comma too: what a spreadsheet shows of a long number. Without the sign it
/// may be a serial number.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['E', 'e']) else {
        return false;
    };
    let exponent = exponent.strip_prefix('+');
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    exponent.is_some_and(digits) && digits(whole) && whole.len() == 1 && digits(fraction)
}

/// Spreadsheets keep 15 digits of a number.
fn is_rounded(text: &str) -> bool {
    let kept = 15;
    text.len() > kept
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && text
            .get(kept..)
            .is_some_and(|rest| rest.bytes().all(|byte| byte == b'0'))
}

/// `12-Mar`, `Mar-12`: what spreadsheets make of `MAR12`.
fn is_date(text: &str) -> bool {
    const MONTHS: [&str; 21] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "mrz",
        "mai", "okt", "dez", "fev", "avr", "ene", "dic", "gen",
    ];
    let Some((a, b)) = text.split_once(['-', '.']) else {
        return false;
    };
    let month = |part: &str| MONTHS.contains(&folded(part.trim_end_matches('.')).as_str());
    let number = |part: &str| (1..=2).contains(&part.len()) && part.parse::<u8>().is_ok();
    month(a) && number(b) || number(a) && month(b)
}

/// What two serial numbers are compared by: letters and digits, without the words "serial number".
pub(crate) fn comparable_serial(serial: &str) -> String {
    let lower = folded(serial);
    let rest = ["serial no", "serial", "s/n", "sn:", "sn "]
        .iter()
        .find_map(|label| lower.strip_prefix(label))
        .unwrap_or(&lower);
    let rest = match rest.strip_suffix(".0") {
        Some(whole) if whole.bytes().all(|byte| byte.is_ascii_digit()) => whole,
        _ => rest,
    };
    compact(rest)
}

/// What two host names are compared by: the first label in small letters. None for names that
/// many devices have.
pub(crate) fn comparable_host(host: &str) -> Option<String> {
    const EVERYBODY: [&str; 14] = [
        "localhost",
        "localdomain",
        "unknown",
        "none",
        "host",
        "hostname",
        "default",
        "monitor",
        "printer",
        "pc",
        "computer",
        "server",
        "android",
        "iphone",
    ];
    let host = bare(host).trim_start_matches('\\');
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let label = folded(host.split('.').next().unwrap_or_default());
    let plain = label
        .chars()
        .all(|c| c.is_alphanumeric() || c == '-' || c == '_');
    let telling = label.len() >= 3 && plain && !EVERYBODY.contains(&label.as_str());
    telling.then_some(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(cell: &str) -> Vec<String> {
        macs(cell).macs.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn addresses_in_any_notation() {
        let one = "00:1e:10:0a:bc:0d";
        for cell in [
            "00:1e:10:0a:bc:0d",
            "00-1E-10-0A-BC-0D",
            "001E.100A.BC0D",
            "001e100abc0d",
            "001E10-0ABC0D",
            "00 1e 10 0a bc 0d",
            "0x001E100ABC0D",
            "0:1e:10:a:bc:d",
            "LAN: 00:1E:10:0A:BC:0D",
            "MAC:00:1E:10:0A:BC:0D",
            " '001E100ABC0D ",
            "=\"001E100ABC0D\"",
        ] {
            assert_eq!(all(cell), [one], "{cell}");
            assert_eq!(macs(cell).problem, None, "{cell}");
        }
    }

    #[test]
    fn several_addresses() {
        let two = ["00:1e:10:0a:bc:0d", "00:1e:10:0a:bc:0e"];
        for cell in [
            "00:1e:10:0a:bc:0d / 00:1e:10:0a:bc:0e",
            "001E100ABC0D,001E100ABC0E",
            "LAN 00-1E-10-0A-BC-0D\nWLAN 00-1E-10-0A-BC-0E",
            "00 1e 10 0a bc 0d 00 1e 10 0a bc 0e",
        ] {
            assert_eq!(all(cell), two, "{cell}");
        }
    }

    #[test]
    fn what_is_no_address() {
        for cell in ["", "N/A", "-", "00:00:00:00:00:00", "none"] {
            assert_eq!(macs(cell), Macs::default(), "{cell}");
        }
        for (cell, word) in [
            ("1234567890", "zeros"),
            ("1.23E+11", "spreadsheet"),
            ("in the dock", "no MAC"),
            ("ff:ff:ff:ff:ff:ff", "no device"),
            ("00:1e:10:0a:bc", "no MAC"),
            ("00:1e:10:0a:bc:0d:0e", "no MAC"),
        ] {
            let found = macs(cell);
            assert!(found.macs.is_empty(), "{cell}");
            assert!(found.problem.unwrap().contains(word), "{cell}: {found:?}");
        }
    }

    #[test]
    fn serials_that_spreadsheets_damaged() {
        for cell in [
            "1.23E+11",
            "1,23457E+14",
            "2E+10",
            "1234567890123450000",
            "Mar-12",
            "3-Jan",
            "#REF!",
        ] {
            assert!(serial(cell).is_err(), "{cell}");
        }
        for cell in [
            "12E34",
            "1E11",
            "CN2E+",
            "0012345",
            "123456789012345",
            "MAR-1234",
            "AB-12",
        ] {
            assert_eq!(serial(cell), Ok(Some(cell)));
        }
        assert_eq!(serial("N/A"), Ok(None));
        assert_eq!(serial("000000"), Ok(None));
        assert_eq!(serial("=\"00123\""), Ok(Some("00123")));
    }

    #[test]
    fn serials_compare_without_dress() {
        assert_eq!(comparable_serial("S/N: de-4471 0012"), "de44710012");
        assert_eq!(comparable_serial("12345.0"), "12345");
        assert_eq!(comparable_serial("SN44"), "sn44");
    }

    #[test]
    fn names_that_everybody_has_are_none() {
        assert_eq!(
            comparable_host("ICU-PC07.ward.example"),
            Some("icu-pc07".to_owned())
        );
        for host in ["localhost", "10.1.2.3", "PC", "", "two words"] {
            assert_eq!(comparable_host(host), None, "{host}");
        }
    }
}
