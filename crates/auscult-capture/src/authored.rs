//! What people wrote into a pcapng file: comments, and names for addresses.
//!
//! Source: draft-ietf-opsawg-pcapng, options of all blocks and the name resolution block. A name
//! here is what the author of the file, or his resolver, called an address: nothing on the network
//! said so. Limits: `capture-comments`, `capture-names`, and [`MAX_TEXT`] bytes of each text.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use auscult_model::report::{AuthorsName, Comment};

use crate::bounds;
use crate::record::{Order, Tally};

/// Bytes of a comment or name that are kept.
const MAX_TEXT: usize = 512;
/// Option: a comment.
const COMMENT: u16 = 1;
/// Records of a name resolution block: an IPv4 or IPv6 address and its names.
const IPV4: u16 = 1;
const IPV6: u16 = 2;

/// Keeps the comments among the options of a block; `packet` is the one that they stand with.
pub(crate) fn comments<'a>(
    options: impl Iterator<Item = (u16, &'a [u8])>,
    packet: Option<u64>,
    tally: &mut Tally,
) {
    for (_, text) in options.filter(|(code, _)| *code == COMMENT) {
        if tally.comments.len() as u64 >= bounds::COMMENTS.default {
            tally.oddities.comment_limit += 1;
            continue;
        }
        let text = shortened(text);
        tally.comments.push(Comment { packet, text });
    }
}

/// Keeps the names of a name resolution block, the first of each address.
pub(crate) fn names(order: Order, body: &[u8], tally: &mut Tally) {
    for (kind, value) in crate::pcapng::options(order, body) {
        let (ip, names) = match kind {
            IPV4 => match value.split_first_chunk::<4>() {
                Some((ip, names)) => (IpAddr::V4(Ipv4Addr::from(*ip)), names),
                None => continue,
            },
            IPV6 => match value.split_first_chunk::<16>() {
                Some((ip, names)) => (IpAddr::V6(Ipv6Addr::from(*ip)), names),
                None => continue,
            },
            _ => continue,
        };
        let name = names.split(|byte| *byte == 0).next().unwrap_or_default();
        if name.is_empty() {
            continue;
        }
        if tally.names.len() as u64 >= bounds::AUTHORS_NAMES.default {
            tally.oddities.name_limit += 1;
            continue;
        }
        let name = shortened(name);
        tally.names.push(AuthorsName { ip, name });
    }
}

/// Text of at most [`MAX_TEXT`] bytes.
fn shortened(bytes: &[u8]) -> String {
    let bytes = bytes.get(..MAX_TEXT).unwrap_or(bytes);
    String::from_utf8_lossy(bytes)
        .trim_end_matches(['\0', '\u{fffd}'])
        .to_owned()
}
