//! HTTP/1.1 requests and responses (RFC 9112), and IPP in their bodies (RFC 8010, RFC 8011).

/// A request line and its fields, as clients write them.
pub fn request(method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    message(&format!("{method} {target} HTTP/1.1"), fields, body)
}

/// A response with its body in one piece.
pub fn response(status: &str, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    message(&format!("HTTP/1.1 {status}"), fields, body)
}

fn head(first: &str, fields: &[(&str, &str)]) -> String {
    let mut out = format!("{first}\r\n");
    for (name, value) in fields {
        out.push_str(&format!("{name}: {value}\r\n"));
    }
    out
}

fn message(first: &str, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut out = head(first, fields);
    if !body.is_empty() || first.starts_with("HTTP/") {
        out.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    out.push_str("\r\n");
    [out.as_bytes(), body].concat()
}

/// A response whose body comes in chunks of `size` bytes.
pub fn chunked(status: &str, fields: &[(&str, &str)], body: &[u8], size: usize) -> Vec<u8> {
    let mut text = head(&format!("HTTP/1.1 {status}"), fields);
    text.push_str("Transfer-Encoding: chunked\r\n\r\n");
    let mut out = text.into_bytes();
    for piece in body.chunks(size.max(1)) {
        out.extend(format!("{:x}\r\n", piece.len()).bytes());
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n\r\n");
    out
}

/// IPP tags of groups: operation, job, printer.
pub const OPERATION: u8 = 1;
/// Group of job attributes.
pub const JOB: u8 = 2;
/// Group of printer attributes.
pub const PRINTER: u8 = 4;
/// IPP operation Print-Job.
pub const PRINT_JOB: u16 = 0x0002;
/// IPP operation Get-Printer-Attributes.
pub const GET_PRINTER: u16 = 0x000b;

/// Syntax tags of IPP values.
const TEXT: u8 = 0x41;
const NAME: u8 = 0x42;
const KEYWORD: u8 = 0x44;
const URI: u8 = 0x45;
const CHARSET: u8 = 0x47;
const LANGUAGE: u8 = 0x48;

fn syntax(attribute: &str) -> u8 {
    match attribute {
        "attributes-charset" => CHARSET,
        "attributes-natural-language" => LANGUAGE,
        "printer-uri" | "job-uri" => URI,
        "requesting-user-name" | "job-name" | "printer-name" => NAME,
        "requested-attributes" => KEYWORD,
        _ => TEXT,
    }
}

/// An IPP message: `code` is the operation or the status; attributes come by group.
pub fn ipp(code: u16, id: u32, groups: &[(u8, &[(&str, &str)])], document: &[u8]) -> Vec<u8> {
    let mut out = vec![2, 0];
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&id.to_be_bytes());
    let always = [
        ("attributes-charset", "utf-8"),
        ("attributes-natural-language", "en"),
    ];
    let put = |out: &mut Vec<u8>, (name, value): &(&str, &str)| {
        out.push(syntax(name));
        out.extend_from_slice(&(name.len() as u16).to_be_bytes());
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(&(value.len() as u16).to_be_bytes());
        out.extend_from_slice(value.as_bytes());
    };
    for (n, (group, attributes)) in groups.iter().enumerate() {
        out.push(*group);
        if n == 0 {
            always.iter().for_each(|a| put(&mut out, a));
        }
        attributes.iter().for_each(|a| put(&mut out, a));
    }
    out.push(3);
    out.extend_from_slice(document);
    out
}

/// A job for port 9100: the printer is set up by PJL, then gets its document.
pub fn raw_job(title: &str, document: &[u8]) -> Vec<u8> {
    const ESCAPE: &[u8] = b"\x1b%-12345X";
    let set_up = format!("@PJL\r\n@PJL JOB NAME=\"{title}\"\r\n@PJL ENTER LANGUAGE=POSTSCRIPT\r\n");
    [ESCAPE, set_up.as_bytes(), document, ESCAPE].concat()
}

#[cfg(test)]
mod tests {
    #[test]
    fn chunks_tell_their_sizes_in_hex() {
        let bytes = super::chunked("200 OK", &[], &[b'x'; 18], 16);
        let text = String::from_utf8(bytes).unwrap_or_default();
        assert!(text.ends_with("\r\n\r\n10\r\nxxxxxxxxxxxxxxxx\r\n2\r\nxx\r\n0\r\n\r\n"));
    }

    #[test]
    fn printing_begins_as_in_rfc_8010() {
        let groups: [(u8, &[(&str, &str)]); 1] = [(super::OPERATION, &[])];
        let bytes = super::ipp(super::PRINT_JOB, 1, &groups, b"%!PS");
        assert_eq!(bytes[..9], [2, 0, 0, 2, 0, 0, 0, 1, 1]);
        assert_eq!(bytes[9..12], [0x47, 0, 18]);
        assert!(bytes.ends_with(b"\x03%!PS"));
    }
}
