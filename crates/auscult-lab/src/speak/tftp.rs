//! TFTP (RFC 1350).

/// A file is asked for, or announced.
pub fn request(write: bool, name: &str) -> Vec<u8> {
    let mut out = vec![0, if write { 2 } else { 1 }];
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\0octet\0");
    out
}

/// A block of at most 512 bytes; a shorter one is the last.
pub fn data(block: u16, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 3];
    out.extend_from_slice(&block.to_be_bytes());
    out.extend_from_slice(bytes);
    out
}

/// A block is acknowledged.
pub fn acknowledge(block: u16) -> Vec<u8> {
    let [high, low] = block.to_be_bytes();
    vec![0, 4, high, low]
}
