//! The line printer daemon's job transfer (RFC 1179).

/// "Receive a printer job" for a queue.
pub fn receive_job(queue: &str) -> Vec<u8> {
    let mut out = vec![2];
    out.extend_from_slice(queue.as_bytes());
    out.push(b'\n');
    out
}

/// A job's control file.
pub fn control_file(host: &str, user: &str, job: &str, number: u16) -> Vec<u8> {
    let data = format!("dfA{number:03}{host}");
    format!("H{host}\nP{user}\nJ{job}\nl{data}\nU{data}\nN{job}\n").into_bytes()
}

/// The sub-command before the control file.
pub fn control_command(size: usize, host: &str, number: u16) -> Vec<u8> {
    let mut out = vec![2];
    out.extend_from_slice(format!("{size} cfA{number:03}{host}\n").as_bytes());
    out
}

/// The sub-command before the data file.
pub fn data_command(size: usize, host: &str, number: u16) -> Vec<u8> {
    let mut out = vec![3];
    out.extend_from_slice(format!("{size} dfA{number:03}{host}\n").as_bytes());
    out
}

/// A document in PostScript with this text; the text must not need escapes.
pub fn document(title: &str, lines: usize) -> Vec<u8> {
    let mut out =
        format!("%!PS-Adobe-3.0\n%%Title: {title}\n/Helvetica findfont 11 scalefont setfont\n");
    for n in 0..lines {
        out.push_str(&format!(
            "72 {} moveto (line {n} of an invented document) show\n",
            760 - n
        ));
    }
    out.push_str("showpage\n%%EOF\n");
    out.into_bytes()
}
