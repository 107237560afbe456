//! Rebuilds the data sets in `crates/auscult-inventory/data` from their publishers' files, so
//! that anyone can check that what travels in the binary is what was published.
//!
//! Commands and origins: `crates/auscult-inventory/data/README.md`. The tool reads files named
//! on the command line and never the network.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use sha2::{Digest, Sha256};

const USAGE: &str = "usage: cargo xtask data COMMAND
  mac-vendors INDEX_JSON DATE   pack oui-data's index.json (package.json beside it)
  announced V4_CSV V6_CSV DATE  extract the ranges of the listed networks (package.json beside)
  check                         compare the files with the digests in data/README.md";

/// Format of `mac-vendors.bin`, described where it is read: `auscult-inventory`'s `mac_vendor`.
const MAC_MAGIC: &[u8] = b"AUSC-MAC\x01";
/// Registrants that name nobody: those who asked not to be listed, and the register itself for
/// blocks that it hands out in smaller pieces.
const NAMELESS: [&str; 2] = ["Private", "IEEE Registration Authority"];
/// A network with no more ranges than this is kept whole …
const FEW: usize = 100;
/// … of others, ranges smaller than these are left out: addresses of a /20 and of a /36.
const SMALLEST: [u128; 2] = [1 << 12, 1 << 92];
/// Files made from somebody else's data, whose digests the README states.
const DERIVED: [&str; 2] = ["mac-vendors.bin", "announced.tsv"];

/// Runs `cargo xtask data …`; `args` are the words after `data`.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/auscult-inventory/data");
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match *words.as_slice() {
        ["mac-vendors", json, date] => write(
            &data.join("mac-vendors.bin"),
            &mac_vendors(Path::new(json), date)?,
        ),
        ["announced", v4, v6, date] => {
            let systems = read(&data.join("autonomous-systems.tsv"))?;
            let text = announced(&systems, Path::new(v4), Path::new(v6), date)?;
            write(&data.join("announced.tsv"), text.as_bytes())
        }
        ["check"] => check(&data),
        _ => bail!("{USAGE}"),
    }
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| path.display().to_string())?;
    eprintln!(
        "{}: {} octets, SHA-256 {}",
        path.display(),
        bytes.len(),
        sha256(bytes)
    );
    Ok(())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut hex, octet| {
            let _ = write!(hex, "{octet:02x}");
            hex
        })
}

/// Fails unless the README states the digest of every derived file.
fn check(data: &Path) -> Result<()> {
    let readme = read(&data.join("README.md"))?;
    for name in DERIVED {
        let digest = sha256(&std::fs::read(data.join(name)).context(name)?);
        ensure!(
            readme.contains(&digest),
            "{name} is {digest}, which data/README.md does not say"
        );
    }
    Ok(())
}

/// Name and version out of the `package.json` beside a package's file.
fn package_of(file: &Path) -> Result<(String, String)> {
    let path: PathBuf = file.with_file_name("package.json");
    let package: serde_json::Value = serde_json::from_str(&read(&path)?)?;
    let field = |key: &str| {
        let text = package.get(key).and_then(|value| value.as_str());
        text.map(str::to_owned)
            .with_context(|| format!("{}: no {key}", path.display()))
    };
    Ok((field("name")?, field("version")?))
}

/// The packed register of MAC prefixes.
fn mac_vendors(json: &Path, date: &str) -> Result<Vec<u8>> {
    let text = read(json)?;
    let (name, version) = package_of(json)?;
    let entries: BTreeMap<String, String> = serde_json::from_str(&text)?;
    let (counts, columns) = mac_columns(&entries)?;

    let mut packed = MAC_MAGIC.to_vec();
    for field in [&name, &version, date, &sha256(text.as_bytes())] {
        packed.push(u8::try_from(field.len())?);
        packed.extend_from_slice(field.as_bytes());
    }
    for number in counts.into_iter().chain([columns.len()]) {
        packed.extend_from_slice(&u32::try_from(number)?.to_le_bytes());
    }
    let mut encoder = DeflateEncoder::new(packed, Compression::best());
    encoder.write_all(&columns)?;
    Ok(encoder.finish()?)
}

/// How many prefixes of 6, 7 and 9 hex digits there are, and the columns before compression.
fn mac_columns(entries: &BTreeMap<String, String>) -> Result<([usize; 3], Vec<u8>)> {
    let mut tables: [Vec<(u64, String)>; 3] = Default::default();
    for (prefix, entry) in entries {
        let table = match prefix.len() {
            6 => &mut tables[0],
            7 => &mut tables[1],
            9 => &mut tables[2],
            _ => bail!("prefix {prefix} has neither 24, 28 nor 36 bits"),
        };
        let name = registrant(entry);
        ensure!(!name.is_empty(), "prefix {prefix} has an empty name");
        if !NAMELESS.contains(&name.as_str()) {
            table.push((
                u64::from_str_radix(prefix, 16).context(prefix.clone())?,
                name,
            ));
        }
    }
    let (mut prefixes, mut references, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let mut numbers: HashMap<&str, u16> = HashMap::new();
    for table in &mut tables {
        table.sort();
        let mut before = 0;
        for (prefix, _) in table.iter() {
            leb128(&mut prefixes, prefix - before);
            before = *prefix;
        }
    }
    for (_, name) in tables.iter().flatten() {
        let reference = match numbers.get(name.as_str()) {
            Some(number) => number + 1,
            None => {
                let number = u16::try_from(numbers.len())?;
                ensure!(number < u16::MAX, "more names than two octets can number");
                numbers.insert(name, number);
                names.extend_from_slice(name.as_bytes());
                names.push(b'\n');
                0
            }
        };
        references.extend_from_slice(&reference.to_le_bytes());
    }
    Ok((
        tables.each_ref().map(Vec::len),
        [prefixes, references, names].concat(),
    ))
}

/// The first line of an entry, blanks collapsed, invisible characters removed.
fn registrant(entry: &str) -> String {
    let line = entry.lines().next().unwrap_or_default();
    let invisible = |c: char| match c {
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => true,
        '\u{2060}'..='\u{206f}' | '\u{feff}' => true,
        _ => c.is_control() && !c.is_whitespace(),
    };
    let visible: String = line.chars().filter(|&c| !invisible(c)).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn leb128(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The ranges that the listed autonomous systems announce: an `@system` line, then its ranges.
fn announced(systems: &str, v4: &Path, v6: &Path, date: &str) -> Result<String> {
    let listed = listed_systems(systems)?;
    let (name, version) = package_of(v4)?;
    let mut text = format!(
        "# Generated by `cargo xtask data announced`; origin and terms: README.md.\n\
         # Ranges are merged where one network announces both sides.\n\
         @source\t{name} {version} ({date})\n"
    );
    let families = [
        ranges_of(&read(v4)?, &listed)?,
        ranges_of(&read(v6)?, &listed)?,
    ];
    for asn in &listed {
        writeln!(text, "@system\t{asn}")?;
        for (family, ranges) in families.iter().enumerate() {
            let ranges = ranges.get(asn).map_or(&[][..], Vec::as_slice);
            let smallest = if ranges.len() > FEW {
                SMALLEST[family]
            } else {
                1
            };
            for &(first, last) in ranges {
                if last - first + 1 >= smallest {
                    writeln!(text, "{}", range_text(first, last, family))?;
                }
            }
        }
    }
    Ok(text)
}

/// `address/bits` where the range is one such block, else `first-last`.
fn range_text(first: u128, last: u128, family: usize) -> String {
    let size = last - first + 1;
    let start = address(first, family);
    if size.is_power_of_two() && first.is_multiple_of(size) {
        format!("{start}/{}", [32, 128][family] - size.trailing_zeros())
    } else {
        format!("{start}-{}", address(last, family))
    }
}

/// The numbers in `autonomous-systems.tsv`.
fn listed_systems(text: &str) -> Result<BTreeSet<u32>> {
    let mut listed = BTreeSet::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let asn = line.split('\t').next().unwrap_or_default();
        ensure!(listed.insert(asn.parse()?), "AS{asn} is listed twice");
    }
    Ok(listed)
}

type Ranges = BTreeMap<u32, Vec<(u128, u128)>>;

/// The ranges of the listed systems out of `first,last,asn,name` rows, neighbours merged.
fn ranges_of(csv: &str, listed: &BTreeSet<u32>) -> Result<Ranges> {
    let mut ranges = Ranges::new();
    for line in csv.lines() {
        let mut fields = line.splitn(4, ',');
        let mut field = || {
            fields
                .next()
                .with_context(|| format!("too few columns: {line}"))
        };
        let (first, last, asn) = (field()?, field()?, field()?.parse()?);
        if listed.contains(&asn) {
            let (first, last) = (number(first.parse()?), number(last.parse()?));
            ranges.entry(asn).or_default().push((first, last));
        }
    }
    for ranges in ranges.values_mut() {
        ranges.sort_unstable();
        ranges.dedup_by(|next, merged| {
            let touches = next.0 <= merged.1.saturating_add(1);
            if touches {
                merged.1 = merged.1.max(next.1);
            }
            touches
        });
    }
    Ok(ranges)
}

fn number(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

fn address(number: u128, family: usize) -> IpAddr {
    if family == 0 {
        IpAddr::V4((number as u32).into())
    } else {
        IpAddr::V6(number.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cleaned() {
        assert_eq!(
            registrant("\u{200b}A\t B  Co.\u{7} \nStreet 1\nCity"),
            "A B Co."
        );
        assert_eq!(registrant("Drägerwerk AG\nx"), "Drägerwerk AG");
    }

    #[test]
    fn columns_follow_the_format() {
        let entries = [
            ("00000A", "B"),
            ("000001", "A\nx"),
            ("70B3D5363", "A"),
            ("0000FF", "Private"),
        ];
        let entries = entries.map(|(prefix, name)| (prefix.to_owned(), name.to_owned()));
        let (counts, columns) = mac_columns(&entries.into()).unwrap();
        assert_eq!(counts, [2, 0, 1]);
        let mut expected = vec![1, 9];
        leb128(&mut expected, 0x7_0b3d_5363);
        expected.extend([0, 0, 0, 0, 1, 0]);
        expected.extend(b"A\nB\n");
        assert_eq!(columns, expected);
    }

    #[test]
    fn neighbouring_ranges_of_one_network_become_one() {
        let listed = listed_systems("# asn\n1\tOne\tcloud\n").unwrap();
        let csv =
            "1.0.0.0,1.0.0.255,1,One\n1.0.1.0,1.0.1.255,1,\"One, Inc.\"\n1.0.2.0,1.0.2.255,2,Two\n";
        let ranges = ranges_of(csv, &listed).unwrap();
        assert_eq!(
            ranges,
            Ranges::from([(1, vec![(0x0100_0000, 0x0100_01ff)])])
        );
        assert_eq!(range_text(0x0100_0000, 0x0100_01ff, 0), "1.0.0.0/23");
        assert_eq!(range_text(0x0100_0000, 0x0100_02ff, 0), "1.0.0.0-1.0.2.255");
        assert_eq!(
            range_text(0x2001 << 112, 0x2001_ffff << 96, 1),
            "2001::-2001:ffff::"
        );
    }

    #[test]
    fn shipped_files_are_those_the_readme_describes() {
        check(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/auscult-inventory/data"))
            .unwrap();
    }
}
