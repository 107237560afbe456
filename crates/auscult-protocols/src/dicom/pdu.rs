//! Byte layouts of the upper layer (PS3.8 section 9.3, annex D): no state, no policy.
//!
//! ```text
//! offset  size  field
//!      0     1  kind: 1 A-ASSOCIATE-RQ, 2 -AC, 3 -RJ, 4 P-DATA-TF, 5 A-RELEASE-RQ, 6 -RP,
//!               7 A-ABORT
//!      1     1  reserved, 0
//!      2     4  length of what follows, big endian
//! A-ASSOCIATE-RQ and -AC: version (2), reserved (2), called AE title (16), calling AE title (16),
//! reserved (32), then items: kind (1), reserved (1), length (2), content
//! P-DATA-TF: presentation data values: length (4), context (1), control (1), fragment
//! ```

use crate::Cursor;

/// Bytes before the content of every message.
pub(super) const HEADER: usize = 6;
/// Bytes before every fragment within a P-DATA-TF.
pub(super) const VALUE_HEADER: usize = 6;
/// The one application context that the standard knows.
pub(super) const APPLICATION_CONTEXT: &[u8] = b"1.2.840.10008.3.1.1.1";
/// Where the items of an association message begin, after [`HEADER`].
pub(super) const ITEMS: usize = 68;
/// Identifiers of presentation contexts are odd numbers of one byte.
const CONTEXTS_MAX: usize = 128;

/// What kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Accept,
    Reject,
    Data,
    ReleaseRequest,
    ReleaseResponse,
    Abort,
}

/// The first six bytes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) length: u32,
}

impl Header {
    /// `None` when no message begins so; needs [`HEADER`] bytes.
    pub(super) fn read(bytes: &[u8]) -> Option<Header> {
        let mut cursor = Cursor::new(bytes);
        let kind = match cursor.u8()? {
            1 => Kind::Request,
            2 => Kind::Accept,
            3 => Kind::Reject,
            4 => Kind::Data,
            5 => Kind::ReleaseRequest,
            6 => Kind::ReleaseResponse,
            7 => Kind::Abort,
            _ => return None,
        };
        let reserved = cursor.u8()?;
        let length = cursor.be_u32()?;
        let fits = match kind {
            Kind::Request | Kind::Accept => length as usize >= ITEMS,
            Kind::Data => true,
            _ => length == 4,
        };
        (reserved == 0 && fits).then_some(Header { kind, length })
    }
}

/// The head of one fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// Bytes of the fragment.
    pub(super) length: u32,
    pub(super) context: u8,
    /// Part of a command, not of a data set.
    pub(super) is_command: bool,
    /// The last fragment of it.
    pub(super) is_last: bool,
}

impl Value {
    /// `None` when no fragment begins so in a message of which `left` bytes are to come.
    pub(super) fn read(bytes: &[u8], left: u32) -> Option<Value> {
        let mut cursor = Cursor::new(bytes);
        let (length, context, control) = (cursor.be_u32()?, cursor.u8()?, cursor.u8()?);
        let fits = length >= 2 && length <= left.checked_sub(4)?;
        (fits && context % 2 == 1 && control <= 3).then_some(Value {
            length: length.saturating_sub(2),
            context,
            is_command: control & 1 == 1,
            is_last: control & 2 == 2,
        })
    }
}

/// A presentation context: proposed, or as it was answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Context<'a> {
    pub(super) id: u8,
    /// In an answer: 0 accepted, 1 by the user, 2 for no reason, 3 abstract syntax, 4 transfer
    /// syntaxes.
    pub(super) result: u8,
    pub(super) abstract_syntax: &'a [u8],
    pub(super) transfer_syntaxes: Vec<&'a [u8]>,
}

/// A role that the requestor wants to play for a class.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Role<'a> {
    pub(super) class: &'a [u8],
    pub(super) provides: bool,
}

/// Who the user says to be (PS3.7 annex D.3.3.7). The secret is known only to be withheld.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity<'a> {
    /// 1 name, 2 name and password, 3 Kerberos, 4 SAML, 5 JSON Web Token.
    pub(super) kind: u8,
    /// The name, for the first two kinds.
    pub(super) name: &'a [u8],
    /// Everything behind the name, or instead of it.
    pub(super) secret: &'a [u8],
}

/// A-ASSOCIATE-RQ or -AC.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Associate<'a> {
    pub(super) called: &'a [u8],
    pub(super) calling: &'a [u8],
    pub(super) contexts: Vec<Context<'a>>,
    /// 0: without limit.
    pub(super) max_length: Option<u32>,
    pub(super) implementation_uid: &'a [u8],
    pub(super) implementation_version: &'a [u8],
    /// Operations invoked and performed at once.
    pub(super) window: Option<(u16, u16)>,
    pub(super) roles: Vec<Role<'a>>,
    pub(super) identity: Option<Identity<'a>>,
    /// Everything fitted.
    pub(super) is_whole: bool,
}

impl<'a> Associate<'a> {
    /// Reads the content of the message as far as it fits.
    pub(super) fn read(content: &'a [u8]) -> Self {
        let mut associate = Associate::default();
        associate.is_whole = associate.fill(content).is_some();
        associate
    }

    fn fill(&mut self, content: &'a [u8]) -> Option<()> {
        let mut cursor = Cursor::new(content);
        cursor.take(4)?;
        self.called = cursor.take(16)?;
        self.calling = cursor.take(16)?;
        cursor.take(32)?;
        while cursor.left() > 0 {
            let (kind, item) = item(&mut cursor)?;
            match kind {
                0x20 | 0x21 if self.contexts.len() < CONTEXTS_MAX => {
                    self.contexts.push(context(item)?);
                }
                0x50 => self.user(item)?,
                _ => {}
            }
        }
        Some(())
    }

    fn user(&mut self, bytes: &'a [u8]) -> Option<()> {
        let mut cursor = Cursor::new(bytes);
        while cursor.left() > 0 {
            let (kind, item) = item(&mut cursor)?;
            let mut cursor = Cursor::new(item);
            match kind {
                0x51 => self.max_length = Some(cursor.be_u32()?),
                0x52 => self.implementation_uid = item,
                0x53 => self.window = Some((cursor.be_u16()?, cursor.be_u16()?)),
                0x54 if self.roles.len() < CONTEXTS_MAX => {
                    let length = cursor.be_u16()?;
                    let class = cursor.take(length.into())?;
                    let provides = cursor.take(2)?.last() == Some(&1);
                    self.roles.push(Role { class, provides });
                }
                0x55 => self.implementation_version = item,
                0x58 => {
                    let kind = cursor.u8()?;
                    cursor.u8()?;
                    let length = cursor.be_u16()?;
                    let first = cursor.take(length.into())?;
                    let is_name = matches!(kind, 1 | 2);
                    let name = if is_name { first } else { b"" };
                    let secret = match is_name {
                        true => item.get(4 + first.len()..).unwrap_or_default(),
                        false => first,
                    };
                    self.identity = Some(Identity { kind, name, secret });
                }
                _ => {}
            }
        }
        Some(())
    }
}

fn item<'a>(cursor: &mut Cursor<'a>) -> Option<(u8, &'a [u8])> {
    let kind = cursor.u8()?;
    cursor.u8()?;
    let length = cursor.be_u16()?;
    Some((kind, cursor.take(length.into())?))
}

fn context(bytes: &[u8]) -> Option<Context<'_>> {
    let mut cursor = Cursor::new(bytes);
    let id = cursor.u8()?;
    cursor.u8()?;
    let result = cursor.u8()?;
    cursor.u8()?;
    let mut context = Context {
        id,
        result,
        abstract_syntax: b"",
        transfer_syntaxes: Vec::new(),
    };
    while cursor.left() > 0 {
        let (kind, syntax) = item(&mut cursor)?;
        match kind {
            0x30 => context.abstract_syntax = syntax,
            0x40 => context.transfer_syntaxes.push(syntax),
            _ => {}
        }
    }
    Some(context)
}

/// A-ASSOCIATE-RJ: result, source and reason in words.
pub(super) fn rejection(content: &[u8]) -> (&'static str, &'static str) {
    let [_, result, source, reason] = *content.first_chunk().unwrap_or(&[0; 4]);
    let result = match result {
        1 => "permanent",
        2 => "transient",
        _ => "unknown",
    };
    let reason = match (source, reason) {
        (1, 1) => "no reason given",
        (1, 2) => "application context not supported",
        (1, 3) => "calling AE title not recognised",
        (1, 7) => "called AE title not recognised",
        (2, 1) => "no reason given by the provider",
        (2, 2) => "protocol version not supported",
        (3, 1) => "temporary congestion",
        (3, 2) => "local limit exceeded",
        _ => "unknown",
    };
    (result, reason)
}
