//! The question of SMB 1 by which worms since 2017 ask a host for an implant, and its answer.
//!
//! Sources: MS-CIFS 2.2.4.46 (TRANSACTION2) and its table of sub-commands, of which SESSION_SETUP
//! (0x000e) is reserved and was never implemented; public descriptions of DoublePulsar, which
//! answers it with a number of the message that is 16 higher than that of the question.
//!
//! ```text
//! 4 command u8 = 0x32 · 5 status u32 · 9 flags u8 (0x80: answer) · 30 number u16
//! request: 32 words u8 · 59 setup count u8 · 61 sub-command u16
//! ```

use auscult_model::{About, Meaning};

use crate::opening::le_u16;

/// The command.
pub(super) const TRANSACTION_2: u8 = 0x32;
const SESSION_SETUP: u16 = 0x000e;
/// STATUS_NOT_IMPLEMENTED.
const NOT_IMPLEMENTED: [u8; 4] = 0xc000_0002_u32.to_le_bytes();
/// Number of the answer to a question of number 0x41, which all who ask use.
const NUMBER_OF_IMPLANT: u16 = 0x51;

/// What a message says of an implant; `smb` begins with the header.
pub(super) fn said(smb: &[u8]) -> Option<Meaning> {
    if *smb.get(4)? != TRANSACTION_2 {
        return None;
    }
    if smb.get(9)? & 0x80 == 0 {
        let asks = *smb.get(32)? >= 15 && *smb.get(59)? >= 1 && le_u16(smb, 61)? == SESSION_SETUP;
        return asks.then(|| Meaning::Request {
            operation: "implant-asked",
            object: "DoublePulsar".to_owned(),
            granted: None,
        });
    }
    let refuses = smb.get(5..9)? == NOT_IMPLEMENTED;
    let is_there = refuses && le_u16(smb, 30)? == NUMBER_OF_IMPLANT;
    is_there.then(|| Meaning::Claim {
        about: About::Sender,
        attribute: "smb_implant",
        value: "answers".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(flags: u8, status: [u8; 4], number: u16, sub_command: u16) -> Vec<u8> {
        let mut smb = vec![0; 63];
        smb[..5].copy_from_slice(b"\xffSMB\x32");
        smb[5..9].copy_from_slice(&status);
        smb[9] = flags;
        smb[30..32].copy_from_slice(&number.to_le_bytes());
        smb[32] = 15;
        smb[59] = 1;
        smb[61..].copy_from_slice(&sub_command.to_le_bytes());
        smb
    }

    #[test]
    fn question_and_answer() {
        assert!(matches!(
            said(&message(0x18, [0; 4], 0x41, 0x0e)),
            Some(Meaning::Request { .. })
        ));
        let there = message(0x98, NOT_IMPLEMENTED, 0x51, 0);
        assert!(matches!(said(&there), Some(Meaning::Claim { .. })));
    }

    #[test]
    fn near_miss_what_everybody_says() {
        // Another sub-command (QUERY_PATH_INFORMATION), the answer of a host without it.
        assert_eq!(said(&message(0x18, [0; 4], 0x41, 0x05)), None);
        assert_eq!(said(&message(0x98, NOT_IMPLEMENTED, 0x41, 0)), None);
        assert_eq!(said(&message(0x98, [0; 4], 0x51, 0)), None);
        assert_eq!(said(b"\xffSMB\x32"), None);
    }
}
