//! ClientHello and ServerHello (RFC 8446 section 4.1, RFC 5246 section 7.4.1, RFC 6347), and the
//! fingerprints of a client.
//!
//! JA3 (Salesforce, BSD-3-Clause): MD5 of version, ciphers, extensions, groups and point formats in
//! the order of the hello. JA4 (FoxIO, BSD-3-Clause, no patent claimed): sorted, with SHA-256. Both
//! leave GREASE values (RFC 8701) out.

use auscult_model::hex;
use md5::Md5;
use sha2::{Digest, Sha256};

use crate::{Cursor, text};

/// Most values of one list that are read.
const VALUES_MAX: usize = 512;

/// How the hello travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    Tls,
    Dtls,
}

/// A ClientHello.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ClientHello {
    /// The version that old servers look at.
    pub(super) version: u16,
    ciphers: Vec<u16>,
    extensions: Vec<u16>,
    groups: Vec<u16>,
    point_formats: Vec<u8>,
    signatures: Vec<u16>,
    versions: Vec<u16>,
    /// The first protocol of the list.
    alpn: Option<Vec<u8>>,
    pub(super) server_name: Option<String>,
}

/// A ServerHello.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ServerHello {
    /// As chosen, also by the extension of TLS 1.3.
    pub(super) version: u16,
    legacy: u16,
    pub(super) cipher: u16,
    extensions: Vec<u16>,
    pub(super) alpn: Option<String>,
}

/// Values that are there to be ignored: 0a0a, 1a1a, … fafa.
fn is_grease(value: u16) -> bool {
    let [high, low] = value.to_be_bytes();
    high == low && high & 0x0f == 0x0a
}

fn list8<'a>(cursor: &mut Cursor<'a>) -> Option<Cursor<'a>> {
    let length = cursor.u8()?;
    cursor.take(length.into()).map(Cursor::new)
}

fn list16<'a>(cursor: &mut Cursor<'a>) -> Option<Cursor<'a>> {
    let length = cursor.be_u16()?;
    cursor.take(length.into()).map(Cursor::new)
}

fn values(mut list: Cursor<'_>) -> Vec<u16> {
    let mut values = Vec::new();
    while let Some(value) = list.be_u16().filter(|_| values.len() < VALUES_MAX) {
        if !is_grease(value) {
            values.push(value);
        }
    }
    values
}

impl ClientHello {
    /// Reads the body of the message.
    pub(super) fn read(body: &[u8], carrier: Carrier) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let mut hello = ClientHello {
            version: cursor.be_u16()?,
            ..ClientHello::default()
        };
        cursor.take(32)?;
        list8(&mut cursor)?;
        if carrier == Carrier::Dtls {
            list8(&mut cursor)?;
        }
        hello.ciphers = values(list16(&mut cursor)?);
        list8(&mut cursor)?;
        if cursor.left() == 0 {
            return Some(hello);
        }
        let mut extensions = list16(&mut cursor)?;
        while extensions.left() > 0 && hello.extensions.len() < VALUES_MAX {
            let kind = extensions.be_u16()?;
            let content = list16(&mut extensions)?;
            if !is_grease(kind) {
                hello.extensions.push(kind);
                // What does not fit inside an extension leaves the others.
                let _ = hello.extension(kind, content);
            }
        }
        Some(hello)
    }

    fn extension(&mut self, kind: u16, mut content: Cursor<'_>) -> Option<()> {
        match kind {
            0 => {
                let mut names = list16(&mut content)?;
                let kind = names.u8()?;
                let name = list16(&mut names)?.rest();
                self.server_name = Some(name).filter(|_| kind == 0).and_then(host_name);
            }
            10 => self.groups = values(list16(&mut content)?),
            11 => self.point_formats = list8(&mut content)?.rest().to_vec(),
            13 => self.signatures = values(list16(&mut content)?),
            16 => {
                let mut protocols = list16(&mut content)?;
                self.alpn = Some(list8(&mut protocols)?.rest().to_vec());
            }
            43 => self.versions = values(list8(&mut content)?),
            _ => {}
        }
        Some(())
    }

    /// What the protocol inside will be, as the client likes it best.
    pub(super) fn alpn(&self) -> Option<String> {
        self.alpn
            .as_deref()
            .map(text::lenient)
            .filter(|name| !name.is_empty())
    }

    /// The JA3 string before it is hashed.
    fn ja3_text(&self) -> String {
        let join = |values: &[u16]| {
            let words: Vec<_> = values.iter().map(u16::to_string).collect();
            words.join("-")
        };
        let formats: Vec<u16> = self.point_formats.iter().map(|f| (*f).into()).collect();
        let lists = [&self.ciphers, &self.extensions, &self.groups, &formats];
        let lists: Vec<_> = lists.iter().map(|list| join(list)).collect();
        format!("{},{}", self.version, lists.join(","))
    }

    /// JA3, 32 hexadecimal digits.
    pub(super) fn ja3(&self) -> String {
        hex(&Md5::digest(self.ja3_text().as_bytes()))
    }

    /// JA4 of the client.
    pub(super) fn ja4(&self, carrier: Carrier) -> String {
        let kind = match carrier {
            Carrier::Tls => 't',
            Carrier::Dtls => 'd',
        };
        // Versions of DTLS count downwards.
        let versions = self.versions.iter().copied();
        let best = match carrier {
            Carrier::Tls => versions.max(),
            Carrier::Dtls => versions.min(),
        };
        let version = match best.unwrap_or(self.version) {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            0x0002 => "s2",
            0xfeff => "d1",
            0xfefd => "d2",
            0xfefc => "d3",
            _ => "00",
        };
        let named = if self.extensions.contains(&0) {
            'd'
        } else {
            'i'
        };
        let count = |list: &[u16]| list.len().min(99);
        let mut ciphers = self.ciphers.clone();
        ciphers.sort_unstable();
        let mut extensions = self.extensions.clone();
        extensions.retain(|kind| !matches!(kind, 0 | 16));
        extensions.sort_unstable();
        let mut last = hexes(&extensions);
        if !self.signatures.is_empty() {
            last = format!("{last}_{}", hexes(&self.signatures));
        }
        format!(
            "{kind}{version}{named}{:02}{:02}{}_{}_{}",
            count(&self.ciphers),
            count(&self.extensions),
            self.ja4_alpn(),
            short_hash(self.ciphers.is_empty(), &hexes(&ciphers)),
            short_hash(self.extensions.is_empty(), &last),
        )
    }

    /// First and last character of the first protocol's name.
    fn ja4_alpn(&self) -> String {
        let (Some(first), Some(last)) = self
            .alpn
            .as_ref()
            .map_or((None, None), |name| (name.first(), name.last()))
        else {
            return "00".to_owned();
        };
        if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
            return format!("{}{}", char::from(*first), char::from(*last));
        }
        let digits = format!("{first:02x}{last:02x}");
        let mut digits = digits.chars();
        let ends = [digits.next(), digits.next_back()];
        ends.into_iter().flatten().collect()
    }
}

impl ServerHello {
    /// Reads the body of the message.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let legacy = cursor.be_u16()?;
        let mut hello = ServerHello {
            version: legacy,
            legacy,
            ..ServerHello::default()
        };
        cursor.take(32)?;
        list8(&mut cursor)?;
        hello.cipher = cursor.be_u16()?;
        cursor.u8()?;
        if cursor.left() == 0 {
            return Some(hello);
        }
        let mut extensions = list16(&mut cursor)?;
        while extensions.left() > 0 && hello.extensions.len() < VALUES_MAX {
            let kind = extensions.be_u16()?;
            let mut content = list16(&mut extensions)?;
            hello.extensions.push(kind);
            match kind {
                43 => hello.version = content.be_u16().unwrap_or(legacy),
                16 => {
                    let first = list16(&mut content).and_then(|mut names| list8(&mut names));
                    hello.alpn = first.map(|name| text::lenient(name.rest()));
                }
                _ => {}
            }
        }
        Some(hello)
    }

    /// JA3S: version, cipher and extensions, hashed.
    pub(super) fn ja3s(&self) -> String {
        let kinds: Vec<_> = self.extensions.iter().map(u16::to_string).collect();
        let text = format!("{},{},{}", self.legacy, self.cipher, kinds.join("-"));
        hex(&Md5::digest(text.as_bytes()))
    }
}

/// A version in words.
pub(super) fn version_words(version: u16) -> Option<&'static str> {
    Some(match version {
        0x0002 => "SSL 2.0",
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        0x0304 => "TLS 1.3",
        0xfeff => "DTLS 1.0",
        0xfefd => "DTLS 1.2",
        0xfefc => "DTLS 1.3",
        // Drafts of TLS 1.3.
        0x7f00..=0x7fff => "TLS 1.3",
        _ => return None,
    })
}

/// A host name, in small letters; what has other characters is none.
fn host_name(name: &[u8]) -> Option<String> {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let good = !name.is_empty() && name.len() <= 255 && name.iter().all(fits);
    good.then(|| String::from_utf8_lossy(name).to_ascii_lowercase())
}

fn hexes(values: &[u16]) -> String {
    let words: Vec<_> = values.iter().map(|value| format!("{value:04x}")).collect();
    words.join(",")
}

fn short_hash(is_empty: bool, text: &str) -> String {
    if is_empty {
        return "0".repeat(12);
    }
    let mut digest = hex(&Sha256::digest(text.as_bytes()));
    digest.truncate(12);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors that JA3's and JA4's authors publish.
    #[test]
    fn published_vectors() {
        let old = ClientHello {
            version: 769,
            ciphers: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
            extensions: vec![0, 10, 11],
            groups: vec![23, 24, 25],
            point_formats: vec![0],
            ..ClientHello::default()
        };
        assert_eq!(old.ja3(), "ada70206e40642a3e4461f35503241d5");
        let mut new = ClientHello {
            version: 0x0303,
            ciphers: vec![
                0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
                0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
            ],
            extensions: vec![
                0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023,
                0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
            ],
            signatures: vec![
                0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
            ],
            versions: vec![0x0304, 0x0303],
            alpn: Some(b"h2".to_vec()),
            ..ClientHello::default()
        };
        assert_eq!(
            new.ja4(Carrier::Tls),
            "t13d1516h2_8daaf6152771_e5627efa2ab1"
        );
        new.signatures.clear();
        assert_eq!(
            new.ja4(Carrier::Tls),
            "t13d1516h2_8daaf6152771_6d807ffa2a79"
        );
        for (alpn, ends) in [(&[0xab_u8][..], "ab"), (&[0x30, 0x31, 0xab, 0xcd], "3d")] {
            new.alpn = Some(alpn.to_vec());
            assert_eq!(new.ja4_alpn(), ends);
        }
    }
}
