//! NetBIOS over UDP: names (RFC 1001, RFC 1002 §4.2) and host announcements of the browser in
//! datagrams (RFC 1002 §4.4, MS-BRWS 2.2.1, MS-CIFS 2.2.4.33).

use std::net::Ipv4Addr;

use auscult_model::MacAddr;

/// Suffix of a computer's name.
pub const COMPUTER: u8 = 0x00;
/// Suffix of a file server.
pub const SERVER: u8 = 0x20;
/// Suffix of the master browser.
const MASTER: u8 = 0x1d;

/// The port of names and that of datagrams.
pub const PORTS: (u16, u16) = (137, 138);

fn padded(name: &str, suffix: u8) -> [u8; 16] {
    let mut out = [b' '; 16];
    for (slot, byte) in out.iter_mut().zip(name.bytes().take(15)) {
        *slot = byte.to_ascii_uppercase();
    }
    out[15] = suffix;
    out
}

fn encoded(name: [u8; 16]) -> Vec<u8> {
    let mut out = vec![32];
    for byte in name {
        out.extend_from_slice(&[b'A' + (byte >> 4), b'A' + (byte & 15)]);
    }
    out.push(0);
    out
}

fn header(id: u16, flags: u16, counts: [u16; 4]) -> Vec<u8> {
    [id, flags]
        .into_iter()
        .chain(counts)
        .flat_map(u16::to_be_bytes)
        .collect()
}

const NB: [u8; 4] = [0, 0x20, 0, 1];
const NBSTAT: [u8; 4] = [0, 0x21, 0, 1];

/// A computer claims its name on the segment.
pub fn registration(id: u16, name: &str, suffix: u8, address: Ipv4Addr) -> Vec<u8> {
    let mut out = header(id, 0x2910, [1, 0, 0, 1]);
    out.extend(encoded(padded(name, suffix)));
    out.extend_from_slice(&NB);
    out.extend_from_slice(&[0xc0, 0x0c]);
    out.extend_from_slice(&NB);
    out.extend_from_slice(&300_000_u32.to_be_bytes());
    out.extend_from_slice(&[0, 6, 0, 0]);
    out.extend_from_slice(&address.octets());
    out
}

/// Who has this name? To all on the segment.
pub fn query(id: u16, name: &str, suffix: u8) -> Vec<u8> {
    let mut out = header(id, 0x0110, [1, 0, 0, 0]);
    out.extend(encoded(padded(name, suffix)));
    out.extend_from_slice(&NB);
    out
}

/// The holder's answer to [`query`].
pub fn answer(id: u16, name: &str, suffix: u8, address: Ipv4Addr) -> Vec<u8> {
    let mut out = header(id, 0x8500, [0, 1, 0, 0]);
    out.extend(encoded(padded(name, suffix)));
    out.extend_from_slice(&NB);
    out.extend_from_slice(&300_000_u32.to_be_bytes());
    out.extend_from_slice(&[0, 6, 0, 0]);
    out.extend_from_slice(&address.octets());
    out
}

/// "What are your names?", to one address.
pub fn status_query(id: u16) -> Vec<u8> {
    let mut star = [0; 16];
    star[0] = b'*';
    let mut out = header(id, 0, [1, 0, 0, 0]);
    out.extend(encoded(star));
    out.extend_from_slice(&NBSTAT);
    out
}

/// The answer to [`status_query`]: the computer's names, its workgroup and its MAC.
pub fn status(id: u16, name: &str, group: &str, mac: MacAddr) -> Vec<u8> {
    const ACTIVE: u16 = 0x0400;
    const GROUP: u16 = 0x8000;
    let names = [
        (padded(name, COMPUTER), ACTIVE),
        (padded(group, COMPUTER), ACTIVE | GROUP),
        (padded(name, SERVER), ACTIVE),
    ];
    let mut data = vec![names.len() as u8];
    for (name, flags) in names {
        data.extend_from_slice(&name);
        data.extend_from_slice(&flags.to_be_bytes());
    }
    data.extend_from_slice(&mac.0);
    data.resize(data.len() + 40, 0);
    let mut star = [0; 16];
    star[0] = b'*';
    let mut out = header(id, 0x8400, [0, 1, 0, 0]);
    out.extend(encoded(star));
    out.extend_from_slice(&NBSTAT);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(data.len() as u16).to_be_bytes());
    out.extend(data);
    out
}

/// A host announces itself to the master browser of its group; `version` is that of Windows.
pub fn host_announcement(
    id: u16,
    (name, address): (&str, Ipv4Addr),
    group: &str,
    version: (u8, u8),
) -> Vec<u8> {
    let mut frame = vec![0x01, 0];
    frame.extend_from_slice(&720_000_u32.to_le_bytes());
    let end = frame.len() + 16;
    frame.extend(name.bytes().take(15).map(|b| b.to_ascii_uppercase()));
    frame.resize(end, 0);
    frame.extend_from_slice(&[version.0, version.1]);
    // Workstation, server, NT.
    frame.extend_from_slice(&0x0000_1003_u32.to_le_bytes());
    frame.extend_from_slice(&[15, 1, 0x55, 0xaa, 0]);
    let slot = b"\\MAILSLOT\\BROWSE\0";
    let mut smb = vec![0xff, b'S', b'M', b'B', 0x25];
    smb.resize(32, 0);
    smb.push(17);
    let length = (frame.len() as u16).to_le_bytes();
    let at = (32 + 1 + 34 + 2 + slot.len() as u16).to_le_bytes();
    smb.extend_from_slice(&[0, 0]);
    smb.extend_from_slice(&length);
    // No answer is wanted: largest counts, flags, a second's patience, no parameters.
    smb.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0]);
    smb.extend_from_slice(&1000_u32.to_le_bytes());
    smb.extend_from_slice(&[0, 0, 0, 0, 0, 0]);
    smb.extend_from_slice(&length);
    smb.extend_from_slice(&at);
    // Three words of set-up: write to a mail slot, priority, unreliable class.
    smb.extend_from_slice(&[3, 0, 1, 0, 1, 0, 2, 0]);
    smb.extend_from_slice(&(slot.len() as u16 + frame.len() as u16).to_le_bytes());
    smb.extend_from_slice(slot);
    smb.extend(frame);
    let names = [
        encoded(padded(name, COMPUTER)),
        encoded(padded(group, MASTER)),
    ]
    .concat();
    let mut out = vec![0x11, 0x0a];
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(&address.octets());
    out.extend_from_slice(&PORTS.1.to_be_bytes());
    out.extend_from_slice(&((names.len() + smb.len()) as u16).to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend(names);
    out.extend(smb);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_rfc_1001() {
        // RFC 1001 §14.1: "The NetBIOS name" in half-ASCII.
        let name = encoded(*b"The NetBIOS name");
        assert_eq!(&name[1..33], b"FEGIGFCAEOGFHEECEJEPFDCAGOGBGNGF");
    }

    #[test]
    fn an_announcement_has_its_offsets() {
        let bytes = host_announcement(7, ("pc7", [10, 0, 0, 7].into()), "klinik", (10, 0));
        let length = u16::from_be_bytes([bytes[10], bytes[11]]);
        assert_eq!(usize::from(length) + 14, bytes.len());
        let smb = &bytes[14 + 68..];
        assert_eq!(&smb[..4], b"\xffSMB");
        let at = usize::from(u16::from_le_bytes([smb[57], smb[58]]));
        assert_eq!((at, smb[at]), (86, 1));
    }
}
