//! DICOM: associations, commands and small data sets (PS3.5, PS3.7, PS3.8).
//!
//! Implicit and explicit VR, little-endian. Values are given with their VR by the caller; no
//! dictionary. Lengths are always told, never undefined, but for the items of a sequence.

/// How a data set is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Implicit VR little-endian.
    Implicit,
    /// Explicit VR little-endian.
    Explicit,
}

impl Syntax {
    /// The transfer syntax UID.
    pub fn uid(self) -> &'static str {
        match self {
            Syntax::Implicit => "1.2.840.10008.1.2",
            Syntax::Explicit => "1.2.840.10008.1.2.1",
        }
    }
}

/// Verification (C-ECHO).
pub const VERIFICATION: &str = "1.2.840.10008.1.1";
/// Modality worklist.
pub const WORKLIST: &str = "1.2.840.10008.5.1.4.31";
/// Query of the study root.
pub const STUDY_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";
/// Retrieval of the study root.
pub const STUDY_MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
/// Images of computed radiography.
pub const RADIOGRAPHY: &str = "1.2.840.10008.5.1.4.1.1.1";
/// Images of ultrasound.
pub const ULTRASOUND: &str = "1.2.840.10008.5.1.4.1.1.6.1";

const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";

/// A program that speaks DICOM.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Its AE title, at most sixteen characters.
    pub title: String,
    /// Implementation class UID.
    pub class: String,
    /// Implementation version name.
    pub version: String,
}

/// A presentation context.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Its odd number.
    pub id: u8,
    /// The abstract syntax.
    pub class: &'static str,
    /// The transfer syntax that is agreed on.
    pub syntax: Syntax,
}

fn item(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 0];
    out.extend_from_slice(&(body.len() as u16).to_be_bytes());
    out.extend_from_slice(body);
    out
}

fn pdu(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 0];
    out.extend_from_slice(&(body.len() as u32).to_be_bytes());
    out.extend_from_slice(body);
    out
}

fn title(out: &mut Vec<u8>, text: &str) {
    let end = out.len() + 16;
    out.extend(text.bytes().take(16));
    out.resize(end, b' ');
}

fn association(kind: u8, titles: (&str, &str), contexts: &[Vec<u8>], own: &Entity) -> Vec<u8> {
    let mut body = vec![0, 1, 0, 0];
    title(&mut body, titles.0);
    title(&mut body, titles.1);
    body.extend_from_slice(&[0; 32]);
    body.extend(item(0x10, APPLICATION_CONTEXT.as_bytes()));
    body.extend(contexts.concat());
    let user = [
        item(0x51, &16_384_u32.to_be_bytes()),
        item(0x52, own.class.as_bytes()),
        item(0x55, own.version.as_bytes()),
    ];
    body.extend(item(0x50, &user.concat()));
    pdu(kind, &body)
}

/// A-ASSOCIATE-RQ. Each context also offers the other transfer syntax.
pub fn request(calling: &Entity, called: &str, contexts: &[Context]) -> Vec<u8> {
    let items: Vec<Vec<u8>> = contexts
        .iter()
        .map(|context| {
            let mut body = vec![context.id, 0, 0, 0];
            body.extend(item(0x30, context.class.as_bytes()));
            for syntax in [Syntax::Explicit, Syntax::Implicit] {
                body.extend(item(0x40, syntax.uid().as_bytes()));
            }
            item(0x20, &body)
        })
        .collect();
    association(1, (called, &calling.title), &items, calling)
}

/// A-ASSOCIATE-AC: all contexts are accepted, each with its transfer syntax.
pub fn accept(calling: &Entity, called: &Entity, contexts: &[Context]) -> Vec<u8> {
    let items: Vec<Vec<u8>> = contexts
        .iter()
        .map(|context| {
            let mut body = vec![context.id, 0, 0, 0];
            body.extend(item(0x40, context.syntax.uid().as_bytes()));
            item(0x21, &body)
        })
        .collect();
    association(2, (&called.title, &calling.title), &items, called)
}

/// A-ASSOCIATE-RJ: permanently, by the service user, for this reason (3 calling, 7 called title
/// not recognised).
pub fn reject(reason: u8) -> Vec<u8> {
    pdu(3, &[0, 1, 1, reason])
}

/// A-RELEASE-RQ.
pub fn release() -> Vec<u8> {
    pdu(5, &[0; 4])
}

/// A-RELEASE-RP.
pub fn released() -> Vec<u8> {
    pdu(6, &[0; 4])
}

/// A data set in the making; elements are added in ascending order of their tags.
#[derive(Clone, Debug)]
pub struct Set {
    syntax: Syntax,
    bytes: Vec<u8>,
}

impl Set {
    /// An empty one.
    pub fn new(syntax: Syntax) -> Set {
        let bytes = Vec::new();
        Set { syntax, bytes }
    }

    fn element(&mut self, tag: (u16, u16), vr: &str, value: &[u8]) {
        self.bytes.extend_from_slice(&tag.0.to_le_bytes());
        self.bytes.extend_from_slice(&tag.1.to_le_bytes());
        let long = matches!(vr, "OB" | "OW" | "SQ" | "UN" | "UT");
        if self.syntax == Syntax::Explicit {
            self.bytes.extend_from_slice(vr.as_bytes());
        }
        if self.syntax == Syntax::Explicit && !long {
            self.bytes
                .extend_from_slice(&(value.len() as u16).to_le_bytes());
        } else {
            if self.syntax == Syntax::Explicit {
                self.bytes.extend_from_slice(&[0, 0]);
            }
            self.bytes
                .extend_from_slice(&(value.len() as u32).to_le_bytes());
        }
        self.bytes.extend_from_slice(value);
    }

    /// A text, made even with the padding of its VR.
    pub fn text(mut self, tag: (u16, u16), vr: &str, text: &str) -> Set {
        let mut value = text.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == "UI" { 0 } else { b' ' });
        }
        self.element(tag, vr, &value);
        self
    }

    /// A number of sixteen bits.
    pub fn number(mut self, tag: (u16, u16), value: u16) -> Set {
        self.element(tag, "US", &value.to_le_bytes());
        self
    }

    /// Pixels of eight bits; their number must be even.
    pub fn pixels(mut self, pixels: &[u8]) -> Set {
        self.element((0x7fe0, 0x0010), "OW", pixels);
        self
    }

    /// A sequence of one item, whose length is undefined.
    pub fn sequence(mut self, tag: (u16, u16), inner: &Set) -> Set {
        let mut value = vec![0xfe, 0xff, 0x00, 0xe0, 0xff, 0xff, 0xff, 0xff];
        value.extend_from_slice(&inner.bytes);
        value.extend_from_slice(&[0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0]);
        self.element(tag, "SQ", &value);
        self
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A command: its field number, the SOP class, message number, and what else it holds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Command<'a> {
    /// (0000,0100), such as 0x0001 for C-STORE-RQ.
    pub field: u16,
    /// (0000,0002).
    pub class: &'a str,
    /// (0000,0110) of requests, (0000,0120) of responses.
    pub number: u16,
    /// (0000,0600).
    pub destination: Option<&'a str>,
    /// A data set follows.
    pub with_data: bool,
    /// (0000,0900) of responses.
    pub status: u16,
    /// (0000,1000).
    pub instance: Option<&'a str>,
    /// (0000,1001) of N-SET and N-ACTION, whose class is then (0000,0003).
    pub requested: Option<&'a str>,
    /// (0000,1008).
    pub action: Option<u16>,
    /// (0000,1020) to (0000,1023): remaining, completed, failed, with a warning.
    pub progress: Option<[u16; 4]>,
}

impl Command<'_> {
    /// The command set, with the length of its group in front.
    pub fn bytes(&self) -> Vec<u8> {
        let response = self.field & 0x8000 != 0;
        let kind = if self.with_data { 0x0001 } else { 0x0101 };
        let class = 2 + u16::from(self.requested.is_some());
        let mut set = Set::new(Syntax::Implicit)
            .text((0, class), "UI", self.class)
            .number((0, 0x0100), self.field);
        set = if response {
            set.number((0, 0x0120), self.number)
        } else {
            set.number((0, 0x0110), self.number)
        };
        if let Some(destination) = self.destination {
            set = set.text((0, 0x0600), "AE", destination);
        }
        if !response && self.field < 0x0030 {
            set = set.number((0, 0x0700), 0);
        }
        set = set.number((0, 0x0800), kind);
        if response {
            set = set.number((0, 0x0900), self.status);
        }
        if let Some(instance) = self.instance {
            set = set.text((0, 0x1000), "UI", instance);
        }
        if let Some(instance) = self.requested {
            set = set.text((0, 0x1001), "UI", instance);
        }
        if let Some(action) = self.action {
            set = set.number((0, 0x1008), action);
        }
        for (n, value) in self.progress.iter().flatten().enumerate() {
            set = set.number((0, 0x1020 + n as u16), *value);
        }
        let mut group = Set::new(Syntax::Implicit);
        group.element((0, 0), "UL", &(set.bytes.len() as u32).to_le_bytes());
        [group.bytes, set.bytes].concat()
    }
}

fn fragment(context: u8, control: u8, bytes: &[u8]) -> Vec<u8> {
    let mut body = (bytes.len() as u32 + 2).to_be_bytes().to_vec();
    body.extend_from_slice(&[context, control]);
    body.extend_from_slice(bytes);
    body
}

/// A message as P-DATA-TF: the command, then the data set in fragments of at most `room` bytes.
pub fn message(context: u8, command: &Command<'_>, data: Option<&Set>, room: usize) -> Vec<u8> {
    let mut out = pdu(4, &fragment(context, 3, &command.bytes()));
    let bytes = data.map(Set::bytes).unwrap_or_default();
    let mut pieces = bytes.chunks(room.max(2)).peekable();
    while let Some(piece) = pieces.next() {
        let control = if pieces.peek().is_none() { 2 } else { 0 };
        out.extend(pdu(4, &fragment(context, control, piece)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(title: &str) -> Entity {
        Entity {
            title: title.to_owned(),
            class: "1.2.276.0.7230010.3.0.3.6.7".to_owned(),
            version: "OFFIS_DCMTK_367".to_owned(),
        }
    }

    #[test]
    fn a_request_has_the_offsets_of_the_standard() {
        let context = Context {
            id: 1,
            class: VERIFICATION,
            syntax: Syntax::Implicit,
        };
        let bytes = request(&entity("ECHOSCU"), "ANY-SCP", &[context]);
        assert_eq!(
            bytes.len(),
            6 + u32::from_be_bytes([bytes[2], bytes[3], bytes[4], bytes[5]]) as usize
        );
        assert_eq!(&bytes[10..26], b"ANY-SCP         ");
        assert_eq!(&bytes[26..42], b"ECHOSCU         ");
        assert_eq!(bytes[74], 0x10);
    }

    #[test]
    fn an_echo_is_the_command_of_the_standard() {
        let echo = Command {
            field: 0x0030,
            class: VERIFICATION,
            number: 1,
            ..Command::default()
        };
        let bytes = echo.bytes();
        assert_eq!(bytes[..12], [0, 0, 0, 0, 4, 0, 0, 0, 0x38, 0, 0, 0]);
        assert_eq!(bytes[12..20], [0, 0, 2, 0, 0x12, 0, 0, 0]);
        assert_eq!(bytes.len(), 12 + 0x38);
    }
}
