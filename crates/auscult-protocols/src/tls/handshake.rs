//! What the messages of a handshake say, however they travel.

use auscult_model::{About, Bound, Direction, Meaning};

use super::certificate::Certificate;
use super::hello::{Carrier, ClientHello, ServerHello, version_words};
use crate::{Cursor, Output, Place};

pub(super) static MESSAGE: Bound = Bound::settable(
    "tls-message",
    128 << 10,
    "bytes of one message of a TLS handshake",
    "the rest of that side's handshake is not read",
);

/// How far a client knows the name of whom it calls.
const CALLED: f32 = 0.7;
/// The random bytes of a ServerHello that only asks for another hello (RFC 8446 section 4.1.3).
const RETRY: [u8; 8] = [0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11];

/// One handshake.
pub(super) struct Handshake {
    carrier: Carrier,
    client: Option<Direction>,
    server_name: String,
    /// One of its messages was told already; what a client repeats says nothing new.
    hellos: u8,
}

impl Handshake {
    pub(super) fn new(carrier: Carrier) -> Self {
        Handshake {
            carrier,
            client: None,
            server_name: String::new(),
            hellos: 0,
        }
    }

    /// One message. True when nothing more can be read.
    pub(super) fn message(
        &mut self,
        kind: u8,
        body: &[u8],
        place: Place,
        out: &mut Output<'_>,
    ) -> bool {
        match kind {
            1 => self.client_hello(body, place, out),
            2 => return self.server_hello(body, place, out),
            11 => certificates(body, place, out),
            _ => {}
        }
        false
    }

    fn client_hello(&mut self, body: &[u8], place: Place, out: &mut Output<'_>) {
        let Some(hello) = ClientHello::read(body, self.carrier) else {
            let what = "a ClientHello that does not fit";
            out.say(place, Meaning::Malformed { what });
            return;
        };
        self.client = Some(out.direction);
        self.hellos = self.hellos.saturating_add(1);
        if self.hellos > 1 {
            return;
        }
        out.claim(place, "ja4", hello.ja4(self.carrier));
        out.claim(place, "ja3", hello.ja3());
        if let Some(name) = &hello.server_name {
            self.server_name.clone_from(name);
            let called = Meaning::Claim {
                about: About::Receiver,
                attribute: "server_name",
                value: name.clone(),
            };
            let said = out.say(place, called).sure(CALLED);
            if let Some(alpn) = hello.alpn() {
                said.with("alpn", alpn);
            }
        }
    }

    /// True when everything behind it is encrypted.
    fn server_hello(&mut self, body: &[u8], place: Place, out: &mut Output<'_>) -> bool {
        let Some(hello) = ServerHello::read(body) else {
            let what = "a ServerHello that does not fit";
            out.say(place, Meaning::Malformed { what });
            return false;
        };
        let Some(version) = version_words(hello.version) else {
            return false;
        };
        if body.get(2..10) == Some(&RETRY) {
            return false;
        }
        if let Some(said) = out.claim(place, "tls_version", version.to_owned()) {
            said.with("cipher", format!("{:04x}", hello.cipher))
                .with("ja3s", hello.ja3s());
            if let Some(alpn) = hello.alpn {
                said.with("alpn", alpn);
            }
        }
        matches!(version, "TLS 1.3" | "DTLS 1.3")
    }

    /// A hello of SSL 2.0 that asks for `version`.
    pub(super) fn old_hello(&mut self, version: u16, place: Place, out: &mut Output<'_>) {
        self.client = Some(out.direction);
        let version = version_words(version).unwrap_or("SSL 2.0");
        out.claim(place, "ssl2_hello", version.to_owned());
    }

    /// An alert that can be read: level and number.
    pub(super) fn alert(&mut self, content: &[u8], place: Place, out: &mut Output<'_>) {
        const CLOSE: u8 = 0;
        if let (Some(client), [2, number]) = (self.client, content)
            && *number != CLOSE
        {
            let refused = Meaning::Request {
                operation: "handshake",
                object: self.server_name.clone(),
                granted: Some(false),
            };
            let said = out.say(place, refused).from_side(client);
            said.with("alert", number.to_string());
        }
    }
}

/// The first certificate of a chain: that of the sender.
fn certificates(body: &[u8], place: Place, out: &mut Output<'_>) {
    let mut cursor = Cursor::new(body);
    let long = |cursor: &mut Cursor<'_>| {
        let high = cursor.u8()?;
        Some(usize::from(high) << 16 | usize::from(cursor.be_u16()?))
    };
    let first = long(&mut cursor).and_then(|_| {
        let length = long(&mut cursor)?;
        cursor.take(length)
    });
    let Some(certificate) = first.and_then(Certificate::read) else {
        return;
    };
    let self_signed = certificate.is_self_signed;
    let subject = match certificate.subject.is_empty() {
        true => certificate.names.join(", "),
        false => certificate.subject,
    };
    if let Some(said) = out.claim(place, "certificate_subject", subject)
        && self_signed
    {
        said.with("self_signed", "true");
    }
    for (attribute, value) in [
        ("certificate_issuer", certificate.issuer),
        ("certificate_names", certificate.names.join(", ")),
        ("certificate_validity", certificate.validity),
        ("certificate_serial", certificate.serial),
        ("certificate_key", certificate.key),
        ("certificate_sha256", certificate.fingerprint),
    ] {
        out.claim(place, attribute, value);
    }
}
