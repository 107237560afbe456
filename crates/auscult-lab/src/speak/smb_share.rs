//! A file read from, or written to, a share by SMB 2 (MS-SMB2 2.2, MS-NLMP 2.2.1), message by
//! message. Nothing is signed or enciphered; the negotiation is in [`super::smb`].

/// One message with its length in front.
fn framed(command: u16, answer: Option<u32>, at: Ids, body: &[u8]) -> Vec<u8> {
    let mut smb = vec![0xfe, b'S', b'M', b'B', 64, 0, 1, 0];
    smb.extend_from_slice(&answer.unwrap_or(0).to_le_bytes());
    smb.extend_from_slice(&command.to_le_bytes());
    smb.extend_from_slice(&[31, 0]);
    smb.extend_from_slice(&u32::from(answer.is_some()).to_le_bytes());
    smb.extend_from_slice(&[0; 4]);
    smb.extend_from_slice(&at.message.to_le_bytes());
    smb.extend_from_slice(&[0xff, 0xfe, 0, 0]);
    smb.extend_from_slice(&at.tree.to_le_bytes());
    smb.extend_from_slice(&at.session.to_le_bytes());
    smb.resize(64, 0);
    smb.extend_from_slice(body);
    let mut out = (smb.len() as u32).to_be_bytes().to_vec();
    out.extend(smb);
    out
}

/// The numbers by which a message is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ids {
    /// Counts on from 1.
    pub message: u64,
    /// Given by the server.
    pub tree: u32,
    /// Given by the server.
    pub session: u64,
}

/// Status "more processing required".
const MORE: u32 = 0xc000_0016;
/// Status "log-on failure".
const REFUSED: u32 = 0xc000_006d;

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn setup(token: &[u8]) -> Vec<u8> {
    let mut body = vec![25, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 88, 0];
    body.extend_from_slice(&(token.len() as u16).to_le_bytes());
    body.extend_from_slice(&[0; 8]);
    body.extend_from_slice(token);
    body
}

fn setup_answer(token: &[u8]) -> Vec<u8> {
    let mut body = vec![9, 0, 0, 0, 72, 0];
    body.extend_from_slice(&(token.len() as u16).to_le_bytes());
    body.extend_from_slice(token);
    body
}

/// A field of NTLM: length, room, offset; the text is appended behind `head` bytes.
fn field(out: &mut Vec<u8>, data: &mut Vec<u8>, head: usize, bytes: &[u8]) {
    let length = (bytes.len() as u16).to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&length);
    out.extend_from_slice(&((head + data.len()) as u32).to_le_bytes());
    data.extend_from_slice(bytes);
}

/// The log-on: negotiate, challenge, authenticate, granted or not. `challenge` is eight bytes.
pub fn log_on(
    session: u64,
    (domain, account, computer): (&str, &str, &str),
    challenge: [u8; 8],
    proof: &[u8],
    granted: bool,
) -> [Vec<u8>; 4] {
    let ids = |message, session| Ids {
        message,
        tree: 0,
        session,
    };
    let mut first = b"NTLMSSP\0\x01\0\0\0".to_vec();
    first.extend_from_slice(&0xe208_8297_u32.to_le_bytes());
    first.extend_from_slice(&[0; 16]);
    let mut second = b"NTLMSSP\0\x02\0\0\0".to_vec();
    let mut data = Vec::new();
    field(&mut second, &mut data, 48, &wide(domain));
    second.extend_from_slice(&0xe28a_8215_u32.to_le_bytes());
    second.extend_from_slice(&challenge);
    second.extend_from_slice(&[0; 8]);
    field(&mut second, &mut data, 48, &[0, 0, 0, 0]);
    second.extend(data);
    let mut third = b"NTLMSSP\0\x03\0\0\0".to_vec();
    let mut data = Vec::new();
    for bytes in [
        &[0; 24][..],
        proof,
        &wide(domain),
        &wide(account),
        &wide(computer),
        &[],
    ] {
        field(&mut third, &mut data, 64, bytes);
    }
    third.extend_from_slice(&0xe288_8215_u32.to_le_bytes());
    third.extend(data);
    let end = if granted { 0 } else { REFUSED };
    [
        framed(1, None, ids(1, 0), &setup(&first)),
        framed(1, Some(MORE), ids(1, session), &setup_answer(&second)),
        framed(1, None, ids(2, session), &setup(&third)),
        framed(1, Some(end), ids(2, session), &setup_answer(&[])),
    ]
}

/// A share is opened: `\\server\share`.
pub fn connect(ids: Ids, share: &str) -> [Vec<u8>; 2] {
    let path = wide(share);
    let mut body = vec![9, 0, 0, 0, 72, 0];
    body.extend_from_slice(&(path.len() as u16).to_le_bytes());
    body.extend(path);
    // Pipes have a type of their own.
    let kind = if share.ends_with("IPC$") { 2 } else { 1 };
    let mut answer = vec![16, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    answer.extend_from_slice(&0x001f_01ff_u32.to_le_bytes());
    let asked = Ids { tree: 0, ..ids };
    [
        framed(3, None, asked, &body),
        framed(3, Some(0), ids, &answer),
    ]
}

/// A file is opened, to be read or to be made.
pub fn open(ids: Ids, name: &str, file: [u8; 16], (size, write): (u64, bool)) -> [Vec<u8>; 2] {
    let path = wide(name);
    let mut body = vec![57, 0, 0, 0];
    body.extend_from_slice(&2_u32.to_le_bytes());
    body.extend_from_slice(&[0; 16]);
    let access: u32 = if write { 0x0012_0116 } else { 0x0012_0089 };
    let disposition: u32 = if write { 5 } else { 1 };
    for word in [access, 0x80, 7, disposition, 0x40] {
        body.extend_from_slice(&word.to_le_bytes());
    }
    body.extend_from_slice(&120_u16.to_le_bytes());
    body.extend_from_slice(&(path.len() as u16).to_le_bytes());
    body.extend_from_slice(&[0; 8]);
    body.extend(path);
    let mut answer = vec![89, 0, 0, 0];
    answer.extend_from_slice(&u32::from(write).wrapping_add(1).to_le_bytes());
    answer.extend_from_slice(&[0; 32]);
    let size = if write { 0 } else { size };
    answer.extend_from_slice(&size.next_multiple_of(4096).to_le_bytes());
    answer.extend_from_slice(&size.to_le_bytes());
    answer.extend_from_slice(&0x80_u32.to_le_bytes());
    answer.extend_from_slice(&[0; 4]);
    answer.extend_from_slice(&file);
    answer.extend_from_slice(&[0; 8]);
    [
        framed(5, None, ids, &body),
        framed(5, Some(0), ids, &answer),
    ]
}

/// A piece is read.
pub fn read(ids: Ids, file: [u8; 16], offset: u64, data: &[u8]) -> [Vec<u8>; 2] {
    let mut body = vec![49, 0, 0x50, 0];
    body.extend_from_slice(&(data.len() as u32).to_le_bytes());
    body.extend_from_slice(&offset.to_le_bytes());
    body.extend_from_slice(&file);
    body.resize(49, 0);
    let mut answer = vec![17, 0, 80, 0];
    answer.extend_from_slice(&(data.len() as u32).to_le_bytes());
    answer.extend_from_slice(&[0; 8]);
    answer.extend_from_slice(data);
    [
        framed(8, None, ids, &body),
        framed(8, Some(0), ids, &answer),
    ]
}

/// A piece is written.
pub fn write(ids: Ids, file: [u8; 16], offset: u64, data: &[u8]) -> [Vec<u8>; 2] {
    let mut body = vec![49, 0, 112, 0];
    body.extend_from_slice(&(data.len() as u32).to_le_bytes());
    body.extend_from_slice(&offset.to_le_bytes());
    body.extend_from_slice(&file);
    body.resize(48, 0);
    body.extend_from_slice(data);
    let mut answer = vec![17, 0, 0, 0];
    answer.extend_from_slice(&(data.len() as u32).to_le_bytes());
    answer.resize(17, 0);
    [
        framed(9, None, ids, &body),
        framed(9, Some(0), ids, &answer),
    ]
}

/// A file is closed.
pub fn close(ids: Ids, file: [u8; 16]) -> [Vec<u8>; 2] {
    let mut body = vec![24, 0, 0, 0, 0, 0, 0, 0];
    body.extend_from_slice(&file);
    let mut answer = vec![60, 0];
    answer.resize(60, 0);
    [
        framed(6, None, ids, &body),
        framed(6, Some(0), ids, &answer),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_where_the_offsets_say() {
        let ids = Ids {
            message: 9,
            tree: 5,
            session: 7,
        };
        let [_, answer] = read(ids, [1; 16], 0, b"MZ inert");
        assert_eq!(&answer[4 + usize::from(answer[4 + 66])..], b"MZ inert");
        let [asked, _] = write(ids, [1; 16], 0, b"MZ inert");
        assert_eq!(&asked[4 + 112..], b"MZ inert");
        let [asked, _] = open(ids, "a.exe", [1; 16], (8, false));
        assert_eq!(asked[4 + 120..4 + 124], [b'a', 0, b'.', 0]);
        let [asked, _] = connect(ids, r"\\s\x");
        assert_eq!(asked[4 + 72..4 + 74], [b'\\', 0]);
        let [.., third, _] = log_on(7, ("D", "acc", "PC"), [8; 8], &[3; 40], true);
        let token = &third[4 + 88..];
        let at = u32::from_le_bytes([token[40], token[41], token[42], token[43]]) as usize;
        assert_eq!(token[at..at + 6], [b'a', 0, b'c', 0, b'c', 0]);
    }
}
