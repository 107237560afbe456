//! Layouts of NFSv4 operations that are only left out, as tables.
//!
//! Sources: RFC 7531, RFC 5662.

use super::OPAQUE_MAX;
use crate::rpc::xdr::Xdr;

/// One item of an operation.
#[derive(Clone, Copy)]
pub(super) enum Item {
    /// So many bytes.
    Fixed(usize),
    /// Opaque data or a string.
    Opaque,
    /// A bitmap: an array of words.
    Bitmap,
}

use Item::{Bitmap, Fixed, Opaque};

/// Words of a bitmap or of another array.
const WORDS_MAX: usize = 64;

const STATEID: Item = Fixed(16);
/// Whether it was atomic, before, after.
const CHANGE: Item = Fixed(20);

/// Leaves items out.
pub(super) fn skip(xdr: &mut Xdr<'_>, items: &[Item]) -> Option<()> {
    for item in items {
        match item {
            Fixed(length) => xdr.fixed(*length).map(drop)?,
            Opaque => xdr.opaque(OPAQUE_MAX).map(drop)?,
            Bitmap => xdr.skip_words(WORDS_MAX)?,
        }
    }
    Some(())
}

/// Arguments of the operations of which nothing is read.
pub(super) fn arguments(operation: u32) -> Option<&'static [Item]> {
    Some(match operation {
        3 => &[Fixed(4)],                        // ACCESS
        4 => &[Fixed(4), STATEID],               // CLOSE
        5 => &[Fixed(12)],                       // COMMIT
        7 => &[Fixed(8)],                        // DELEGPURGE
        8 => &[STATEID],                         // DELEGRETURN
        9 => &[Bitmap],                          // GETATTR
        10 | 16 | 23 | 24 | 27 | 31 | 32 => &[], // GETFH LOOKUPP PUTPUBFH PUTROOTFH
        13 => &[Fixed(4 + 8 + 8 + 8), Opaque],   // LOCKT       READLINK RESTOREFH SAVEFH
        14 => &[Fixed(8), STATEID, Fixed(16)],   // LOCKU
        17 | 37 => &[Bitmap, Opaque],            // NVERIFY VERIFY
        19 => &[Fixed(4)],                       // OPENATTR
        20 => &[STATEID, Fixed(4)],              // OPEN_CONFIRM
        21 => &[STATEID, Fixed(12)],             // OPEN_DOWNGRADE
        26 => &[Fixed(8 + 8 + 4 + 4), Bitmap],   // READDIR
        30 => &[Fixed(8)],                       // RENEW
        33 => &[Opaque],                         // SECINFO
        34 => &[STATEID, Bitmap, Opaque],        // SETATTR
        36 => &[Fixed(16)],                      // SETCLIENTID_CONFIRM
        39 => &[Fixed(8), Opaque],               // RELEASE_LOCKOWNER
        41 => &[Fixed(16 + 8)],                  // BIND_CONN_TO_SESSION
        44 => &[Fixed(16)],                      // DESTROY_SESSION
        45 => &[STATEID],                        // FREE_STATEID
        52 => &[Fixed(4)],                       // SECINFO_NO_NAME
        53 => &[Fixed(16 + 16)],                 // SEQUENCE
        57 => &[Fixed(8)],                       // DESTROY_CLIENTID
        58 => &[Fixed(4)],                       // RECLAIM_COMPLETE
        _ => return None,
    })
}

/// Results of the operations of which nothing is read.
pub(super) fn results(operation: u32) -> Option<&'static [Item]> {
    Some(match operation {
        3 => &[Fixed(8)],                           // ACCESS
        4 | 12 | 14 | 20 | 21 => &[STATEID],        // CLOSE LOCK LOCKU OPEN_CONFIRM
        5 => &[Fixed(8)],                           // COMMIT          OPEN_DOWNGRADE
        6 => &[CHANGE, Bitmap],                     // CREATE
        7 | 8 | 13 | 15..=17 | 19 | 22..=24 => &[], // DELEG* LOCKT LOOKUP* NVERIFY OPENATTR
        11 | 28 => &[CHANGE],                       // LINK REMOVE     PUT*FH
        27 => &[Opaque],                            // READLINK
        29 => &[CHANGE, CHANGE],                    // RENAME
        30..=32 | 36 | 37 | 39 => &[],              // RENEW RESTOREFH SAVEFH SETCLIENTID_
        34 => &[Bitmap],                            // SETATTR         CONFIRM VERIFY
        35 => &[Fixed(16)],                         // SETCLIENTID     RELEASE_LOCKOWNER
        38 => &[Fixed(4 + 4 + 8)],                  // WRITE
        41 => &[Fixed(16 + 8)],                     // BIND_CONN_TO_SESSION
        44 | 57 | 58 => &[],                        // DESTROY_* RECLAIM_COMPLETE
        45 => &[],                                  // FREE_STATEID
        53 => &[Fixed(16 + 20)],                    // SEQUENCE
        _ => return None,
    })
}

/// The rest of LOCK's arguments: type, reclaim, offset, length, and a new owner or a known one.
pub(super) fn lock_arguments(xdr: &mut Xdr<'_>) -> Option<()> {
    xdr.fixed(4 + 4 + 8 + 8)?;
    if xdr.flag()? {
        skip(xdr, &[Fixed(4), STATEID, Fixed(4), Fixed(8), Opaque])
    } else {
        skip(xdr, &[STATEID, Fixed(4)])
    }
}

/// OPEN's result: state, change, flags, attributes set, delegation.
pub(super) fn open_results(xdr: &mut Xdr<'_>) -> Option<()> {
    skip(xdr, &[STATEID, CHANGE, Fixed(4), Bitmap])?;
    // Type, flag and mask of the access entry, and for whom it is.
    let entry = [Fixed(12), Opaque];
    match xdr.word()? {
        0 => Some(()),
        1 => skip(xdr, &[STATEID, Fixed(4)]).and_then(|()| skip(xdr, &entry)),
        2 => skip(xdr, &[STATEID, Fixed(4), Fixed(12)]).and_then(|()| skip(xdr, &entry)),
        3 => match xdr.word()? {
            1 | 2 => xdr.fixed(4).map(drop),
            _ => Some(()),
        },
        _ => None,
    }
}

/// The size in a file's attributes, when it is among them: values follow in the order of the
/// bitmap's bits (0 supported, 1 type, 2 expiry, 3 change, 4 size).
pub(super) fn size_attribute(xdr: &mut Xdr<'_>) -> Option<Option<u64>> {
    let words = xdr.word()? as usize;
    if words > WORDS_MAX {
        return None;
    }
    let mut bits = 0;
    for index in 0..words {
        let word = xdr.word()?;
        if index == 0 {
            bits = word;
        }
    }
    let mut values = Xdr::new(xdr.opaque(OPAQUE_MAX)?);
    Some(size_value(bits, &mut values))
}

fn size_value(bits: u32, values: &mut Xdr<'_>) -> Option<u64> {
    let has = |bit: u32| bits >> bit & 1 == 1;
    if !has(4) {
        return None;
    }
    if has(0) {
        values.skip_words(WORDS_MAX)?;
    }
    let before = 4 * usize::from(has(1)) + 4 * usize::from(has(2)) + 8 * usize::from(has(3));
    values.fixed(before)?;
    values.hyper()
}
