//! The command set (PS3.7 annex E): what is asked, and how it was answered. Always implicit VR,
//! little endian: group (2), element (2), length (4), value.

use crate::Cursor;

/// The first bytes of every command set: the group length, an element of four bytes.
pub(super) const BEGIN: &[u8] = &[0, 0, 0, 0, 4, 0, 0, 0];

/// A response has this bit in its command field.
const RESPONSE: u16 = 0x8000;

/// A command set as far as it is read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Command<'a> {
    /// (0000,0100) without the bit of responses.
    pub(super) field: u16,
    pub(super) is_response: bool,
    /// (0000,0110) in a request, (0000,0120) in a response.
    pub(super) message_id: u16,
    /// (0000,0002) or (0000,0003): affected or requested SOP class.
    pub(super) class: &'a [u8],
    /// (0000,0600): to which AE title images are to be moved.
    pub(super) destination: &'a [u8],
    /// (0000,1030): the AE title that asked for the move that this store is part of.
    pub(super) on_behalf_of: &'a [u8],
    /// (0000,0900).
    pub(super) status: Option<u16>,
    /// (0000,0800) says that a data set follows.
    pub(super) has_data: bool,
}

impl<'a> Command<'a> {
    /// `None` without a command field, or when an element is longer than what is there.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut command = Command::default();
        let mut field = None;
        let (mut own_id, mut answered_id) = (0, 0);
        let mut cursor = Cursor::new(bytes);
        while cursor.left() > 0 {
            let (group, element) = (cursor.le_u16()?, cursor.le_u16()?);
            let length = usize::try_from(cursor.le_u32()?).ok()?;
            let value = cursor.take(length)?;
            let number = || Cursor::new(value).le_u16();
            if group != 0 {
                continue;
            }
            match element {
                0x0002 | 0x0003 => command.class = value,
                0x0100 => field = number(),
                0x0110 => own_id = number().unwrap_or_default(),
                0x0120 => answered_id = number().unwrap_or_default(),
                0x0600 => command.destination = value,
                0x0800 => command.has_data = number().is_some_and(|kind| kind != 0x0101),
                0x0900 => command.status = number(),
                0x1030 => command.on_behalf_of = value,
                _ => {}
            }
        }
        let field = field?;
        command.is_response = field & RESPONSE != 0;
        command.field = field & !RESPONSE;
        command.message_id = if command.is_response {
            answered_id
        } else {
            own_id
        };
        Some(command)
    }

    /// A response that more responses follow.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self.status, Some(0xff00 | 0xff01))
    }
}

/// Whether a final status means that the service was given (PS3.7 annex C): success, warnings,
/// and a cancellation by who had asked.
pub(super) fn granted(status: u16) -> bool {
    matches!(status, 0 | 1 | 0x0107 | 0x0116 | 0xb000..=0xbfff | 0xfe00)
}
