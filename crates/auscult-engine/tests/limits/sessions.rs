//! What sessions of protocols keep.

use crate::*;

#[test]
fn a_file_full_of_holes() {
    let (client, server) = ((host(1), 1069), (host(0), 40_000));
    let mut wire = Wire::new();
    wire.udp(client, (host(0), 69), b"\0\x01firmware\0octet\0");
    for block in (1..=10_000_u16).filter(|block| *block == 1 || block % 2 == 0) {
        let mut data = vec![0, 3];
        data.extend_from_slice(&block.to_be_bytes());
        data.extend_from_slice(&[b'x'; 512]);
        wire.udp(server, client, &data);
    }
    let report = wire.report(&Options::default());
    reached(&report, "file-pending");
    assert!(report.artifacts.iter().all(|artifact| !artifact.complete));
}

/// The bytes of a client, in segments of 1,400.
fn sent(port: u16, bytes: &[u8]) -> Wire {
    let (client, server) = ((host(1), 40_000), (host(0), port));
    let mut wire = Wire::new();
    wire.open(client, server);
    send(&mut wire, client, server, 1, bytes);
    wire
}

fn send(wire: &mut Wire, client: End, server: End, mut at: u32, bytes: &[u8]) -> u32 {
    for piece in bytes.chunks(1400) {
        wire.tcp(client, server, (at, 1), PUSH, piece);
        at += piece.len() as u32;
    }
    at
}

/// A bound of one is reached by what is otherwise quite usual; set back, it is not.
fn reached_by(capture: &cases::Capture, names: &[&str]) {
    let usual = capture.report(&Options::default());
    for name in names {
        assert!(!usual.health.limits.contains_key(*name), "{name} is usual");
        reached(&capture.report(&limited(&[(name, 1)])), name);
    }
}

#[test]
fn bounds_of_file_services() {
    let options = auscult_lab::Options::default();
    let scene = auscult_lab::generate("nfs-documents", 2, &options).unwrap();
    reached_by(
        &cases::Capture::scene(&scene),
        &["nfs-names", "nfs-open-files", "nfs-parts", "rpc-requests"],
    );
}

#[test]
fn files_whose_bytes_come_out_of_order() {
    // Two calls to read a file; the answer with its end comes first, and the start much later.
    let (client, server) = ((host(1), 800), (host(0), 2049));
    let mut wire = Wire::new();
    wire.open(client, server);
    let read = |xid: u32, offset: u64| {
        let call = [xid, 0, 2, 100_003, 3, 6, 0, 0, 0, 0]
            .map(u32::to_be_bytes)
            .concat();
        let handle = [&8_u32.to_be_bytes()[..], &[7; 8]].concat();
        let range = [&offset.to_be_bytes()[..], &512_u32.to_be_bytes()].concat();
        record(&[call, handle, range].concat())
    };
    let answer = |xid: u32| {
        let reply = [xid, 1, 0, 0, 0, 0, 0, 0, 512, 0, 512]
            .map(u32::to_be_bytes)
            .concat();
        record(&[reply, vec![b'x'; 512]].concat())
    };
    let mut next = 1;
    for number in 1..9_u32 {
        let call = read(number, u64::from(number) * 512);
        wire.tcp(client, server, (next, 1), PUSH, &call);
        next += call.len() as u32;
    }
    let mut back = 1;
    for number in (1..9_u32).rev() {
        let answer = answer(number);
        wire.tcp(server, client, (back, next), PUSH, &answer);
        back += answer.len() as u32;
    }
    let capture = cases::Capture::of(&wire.bytes, "pcap");
    reached_by(
        &capture,
        &["nfs-waiting-bytes", "file-pending", "rpc-calls"],
    );
}

#[test]
fn bounds_of_windows_shares() {
    use auscult_lab::speak::smb_share::{Ids, close, connect, open, read};
    let ids = |message: u64, tree: u32| Ids {
        message,
        tree,
        session: 7,
    };
    let (one, two) = ([1; 16], [2; 16]);
    let bytes = [b'x'; 600];
    // Two shares, two files, both read from the middle on, then from the start.
    let exchanges = [
        connect(ids(1, 1), r"\\10.1.1.5\one"),
        connect(ids(2, 2), r"\\10.1.1.5\two"),
        open(ids(3, 1), "one.exe", one, (1_200, false)),
        open(ids(4, 2), "two.exe", two, (1_200, false)),
        read(ids(5, 1), one, 600, &bytes),
        read(ids(6, 2), two, 600, &bytes),
        read(ids(7, 1), one, 0, &bytes),
        read(ids(8, 2), two, 0, &bytes),
        close(ids(9, 1), one),
        close(ids(10, 2), two),
    ];
    let (client, server) = ((host(1), 40_000), (host(0), 445));
    let mut wire = Wire::new();
    wire.open(client, server);
    let (mut next, mut back) = (1, 1);
    // Requests are sent two at a time.
    for pair in exchanges.chunks(2) {
        for [asked, _] in pair {
            wire.tcp(client, server, (next, back), PUSH, asked);
            next += asked.len() as u32;
        }
        for [_, answered] in pair {
            wire.tcp(server, client, (back, next), PUSH, answered);
            back += answered.len() as u32;
        }
    }
    let capture = cases::Capture::of(&wire.bytes, "pcap");
    let usual = capture.report(&Options::default());
    assert_eq!(
        usual.artifacts.iter().filter(|file| file.complete).count(),
        2
    );
    reached_by(
        &capture,
        &[
            "smb-handles",
            "smb-open-files",
            "smb-requests",
            "smb-shares",
            "smb-told",
            "smb-waiting-bytes",
        ],
    );
}

/// A message as one record (RFC 5531 §11).
fn record(message: &[u8]) -> Vec<u8> {
    let mark = 0x8000_0000 | message.len() as u32;
    [&mark.to_be_bytes()[..], message].concat()
}

#[test]
fn bounds_of_print_jobs() {
    use auscult_lab::speak::lpd;
    let mut job = lpd::receive_job("ward");
    for number in 1..4 {
        job.extend(lpd::data_command(3, "nurse", number));
        job.extend(b"abc\0");
    }
    let control = b"Hnurse\nPnobody\nfdfA001nurse\nNone.pdf\nfdfA002nurse\nNtwo.pdf\n";
    job.extend(lpd::control_command(control.len(), "nurse", 1));
    job.extend(control);
    job.push(0);
    let capture = cases::Capture::of(&sent(515, &job).bytes, "pcap");
    reached_by(
        &capture,
        &[
            "lpd-control-file",
            "lpd-files",
            "lpd-names",
            "lpd-unanswered",
        ],
    );
}

#[test]
fn bounds_of_admissions() {
    let three: Vec<u8> = (0..3)
        .flat_map(|number| admission(&letters(number)))
        .collect();
    let capture = cases::Capture::of(&sent(2575, &three).bytes, "pcap");
    reached_by(
        &capture,
        &[
            "hl7-unanswered",
            "hl7-long-message",
            "remembered-statements",
            "statements",
        ],
    );
}

#[test]
fn a_message_with_more_values_than_are_remembered() {
    let numbers: Vec<String> = (0..1200)
        .map(|number| format!("INV{}^^^HOUSE", letters(number)))
        .collect();
    let mut text = format!(
        "\u{b}MSH|^~\\&|ADT|HOUSE|LAB|HOUSE|20260101||ADT^A01|1|P|2.3\rPID|1||{}||X^Y\r",
        numbers.join("~")
    );
    text.push_str("\u{1c}\r");
    let report = sent(2575, text.as_bytes()).report(&Options::default());
    reached(&report, "hl7-patient-values");
    // What is not known cannot be masked: all texts are withheld.
    reached(&report, "masked-values");
}

#[test]
fn a_segment_that_is_too_long() {
    let mut text =
        b"\x0bMSH|^~\\&|ADT|HOUSE|LAB|HOUSE|20260101||ADT^A01|1|P|2.3\rOBX|1|TX||".to_vec();
    text.extend([b'x'; 70_000]);
    text.extend(b"\r\x1c\r");
    let report = sent(2575, &text).report(&Options::default());
    assert_eq!(reached(&report, "hl7-long-segment"), 1);
}

/// A part of a DICOM message: head, length in front of it, content.
fn dicom_part(head: &[u8], content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_be_bytes();
    [head, &length, content].concat()
}

/// A P-DATA-TF with one fragment.
fn dicom_data(context: u8, control: u8, content: &[u8]) -> Vec<u8> {
    let value = [&[context, control], content].concat();
    dicom_part(&[4, 0], &dicom_part(&[], &value))
}

fn dicom_element(group: u16, element: u16, value: &[u8]) -> Vec<u8> {
    let [tag, length] = [
        [group.to_le_bytes(), element.to_le_bytes()].concat(),
        (value.len() as u32).to_le_bytes().to_vec(),
    ];
    [&tag[..], &length, value].concat()
}

/// An association, and on each of its contexts a data set that is to be stored.
fn dicom_stores(sets: &[&[u8]]) -> Vec<u8> {
    let mut content = b"\0\x01\0\0PACS            CT1             ".to_vec();
    content.extend([0; 32]);
    content.extend(b"\x10\0\0\x151.2.840.10008.3.1.1.1\x50\0\0\0");
    let mut bytes = dicom_part(&[1, 0], &content);
    for (number, _) in sets.iter().enumerate() {
        let command = [
            dicom_element(0, 0x0100, &[1, 0]),
            dicom_element(0, 0x0110, &[number as u8, 0]),
            dicom_element(0, 0x0800, &[0, 0]),
        ];
        let command = command.concat();
        let length = (command.len() as u32).to_le_bytes();
        let set = [dicom_element(0, 0, &length), command].concat();
        bytes.extend(dicom_data(number as u8 * 2 + 1, 3, &set));
    }
    for (number, set) in sets.iter().enumerate() {
        bytes.extend(dicom_data(number as u8 * 2 + 1, 2, set));
    }
    bytes
}

#[test]
fn bounds_of_images() {
    let item = |content: &[u8]| dicom_element(0xfffe, 0xe000, content);
    let inner = dicom_element(8, 0x1199, &item(&dicom_element(8, 0x1150, b"1.2.3.45")));
    let set = [
        dicom_element(8, 0x0070, b"Maker "),
        dicom_element(8, 0x1090, b"Model "),
        dicom_element(8, 0x1115, &item(&inner)),
    ]
    .concat();
    let bytes = dicom_stores(&[&set, &set]);
    let capture = cases::Capture::of(&sent(104, &bytes).bytes, "pcap");
    reached_by(&capture, &["dicom-association", "dicom-command"]);
    reached_by(&capture, &["dicom-open-messages", "dicom-requests"]);
    reached_by(&capture, &["dicom-claims", "dicom-nesting"]);
}

#[test]
fn a_data_set_with_more_values_than_are_remembered() {
    let numbers: Vec<String> = (0..1200).map(|n| format!("INV{}", letters(n))).collect();
    let set = dicom_element(0x10, 0x1000, numbers.join("\\").as_bytes());
    let report = sent(104, &dicom_stores(&[&set])).report(&Options::default());
    reached(&report, "dicom-patient-values");
    reached(&report, "masked-values");
}

#[test]
fn a_handshake_message_that_is_too_long() {
    // A record with a ClientHello of 60 bytes; zeros make an empty one.
    let mut hello = vec![22, 3, 1, 0, 64, 1, 0, 0, 60, 3, 3];
    hello.extend([0; 58]);
    let capture = cases::Capture::of(&sent(443, &hello).bytes, "pcap");
    reached_by(&capture, &["tls-message"]);
}

#[test]
fn bounds_of_requests() {
    let one = b"GET / HTTP/1.1\r\nHost: ward\r\nUser-Agent: pump\r\nServer: pump\r\n\r\n";
    let other = b"GET / HTTP/1.1\r\nHost: ward\r\nUser-Agent: bed\r\nServer: bed\r\n\r\n";
    let both = [&one[..], other].concat();
    let capture = cases::Capture::of(&sent(80, &both).bytes, "pcap");
    reached_by(&capture, &["http-fields", "http-requests", "http-claims"]);
    let mut head = b"GET / HTTP/1.1\r\nHost: ward\r\nX: ".to_vec();
    head.extend([b'x'; 70_000]);
    let report = sent(80, &head).report(&Options::default());
    reached(&report, "http-headers");
    let report = sent(80, &head).report(&limited(&[("unread-bytes", 4096)]));
    reached(&report, "unread-bytes");
}

#[test]
fn files_mails_and_logins_in_text() {
    let of = |port, said: &[u8]| cases::Capture::of(&sent(port, said).bytes, "pcap");
    let put = b"PUT /a HTTP/1.1\r\nContent-Length: 20\r\n\r\n#!/bin/sh\necho a bed\n";
    reached_by(&of(80, put), &["http-body"]);
    let commands = b"USER a\r\nPASS b\r\nSYST\r\nQUIT\r\n";
    reached_by(&of(21, commands), &["ftp-commands"]);
    let part = "--b\r\nContent-Disposition: attachment; filename=a\r\n\r\nx\r\n";
    let mail = format!(
        "EHLO bed\r\nRSET\r\nDATA\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{part}{part}\
         --b--\r\n.\r\n"
    );
    reached_by(&of(25, mail.as_bytes()), &["smtp-commands", "mail-parts"]);
    let logins = b"a LOGIN b c\r\nd LOGIN e f\r\n";
    let mut wire = Wire::new();
    let (client, server) = ((host(1), 40_000), (host(0), 143));
    wire.open(client, server);
    let greeting = b"* OK IMAP4rev1 ready\r\n";
    wire.tcp(server, client, (1, 1), PUSH, greeting);
    send(&mut wire, client, server, 1, logins);
    reached_by(&cases::Capture::of(&wire.bytes, "pcap"), &["imap-logins"]);
}

#[test]
fn a_line_that_is_too_long() {
    let (client, server) = ((host(1), 40_000), (host(0), 21));
    let mut wire = Wire::new();
    wire.open(client, server);
    let greeting = b"220 ward FTP server ready\r\n";
    wire.tcp(server, client, (1, 1), PUSH, greeting);
    let mut at = send(&mut wire, client, server, 1, b"USER nobody\r\n");
    wire.tcp(server, client, (28, at), PUSH, b"331 password\r\n");
    at = send(&mut wire, client, server, at, &[b'x'; 5000]);
    send(&mut wire, client, server, at, b"\r\nQUIT\r\n");
    reached(&wire.report(&Options::default()), "text-line");
}

/// A client of 20,000 bytes of name, which is not waited for.
#[test]
fn a_first_message_that_is_longer_than_read() {
    let mut wire = Wire::new();
    let (client, server) = ((host(1), 40_000), (host(0), 1883));
    wire.open(client, server);
    let at = send(
        &mut wire,
        client,
        server,
        1,
        b"\x10\xa0\x9c\x01\0\x04MQTT\x04\0\0\x3c",
    );
    send(&mut wire, client, server, at, &[b'x'; 5000]);
    assert_eq!(
        reached(&wire.report(&Options::default()), "first-message"),
        1
    );
}

#[test]
fn more_options_and_records_than_are_read() {
    let mut wire = Wire::new();
    let lease = lease();
    let client = dhcp::Client::default();
    let mut ask = dhcp::message(dhcp::Kind::Request, 7, card(host(1)), &client, &lease);
    let end = ask.iter().rposition(|byte| *byte == 255).unwrap();
    ask.truncate(end);
    ask.extend([43, 1, 0].repeat(300));
    ask.push(255);
    wire.udp((host(1), 68), (Ipv4Addr::BROADCAST, 67), &ask);
    let addresses: Vec<Ipv4Addr> = (0..600).map(host).collect();
    let names = inventory::answer(7, "ward.example", &addresses);
    wire.udp((host(0), 53), (host(1), 40_000), &names);
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "dhcp-options"), 1);
    assert_eq!(reached(&report, "dns-records"), 1);
    // 70 names in one message; the name that was asked for has no address.
    let mut many = inventory::answer(7, "ward.example", &[]);
    many[7] = 70;
    for number in 0..70 {
        many.extend(b"\x05");
        many.extend(letters(number).as_bytes());
        many.extend(b"\0\0\x01\0\x01\0\0\0\x3c\0\x04");
        many.extend(host(number).octets());
    }
    let mut wire = Wire::new();
    wire.udp((host(0), 53), (host(1), 40_000), &many);
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "dns-names"), 1);
}

#[test]
fn unfinished_messages_of_many_flows() {
    // 1 MiB for all shards is 16 KiB for one; all flows are of one pair.
    let mut wire = Wire::new();
    for number in 0..40 {
        let (client, server) = ((host(1), 10_000 + number), (host(0), 80));
        wire.open(client, server);
        let head = [&b"GET / HTTP/1.1\r\nHost: ward\r\nX: "[..], &[b'x'; 1000]].concat();
        wire.tcp(client, server, (1, 1), PUSH, &head);
    }
    let capture = cases::Capture::of(&wire.bytes, "pcap");
    let usual = capture.report(&Options::default());
    assert!(usual.health.limits.is_empty(), "{:?}", usual.health.limits);
    let few = capture.report(&limited(&[("session-bytes", 1 << 20)]));
    let given_up = reached(&few, "session-bytes");
    assert!((20..40).contains(&given_up), "{given_up}");
    assert_eq!(few.health.flows, 40);
}

/// 300 names that one host answers to, two times over: of the first the last are remembered.
#[test]
fn more_announcements_than_are_remembered() {
    let mut wire = Wire::new();
    let group = Ipv4Addr::new(224, 0, 0, 251);
    for number in (0..300).chain(0..300) {
        let mut answer = b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x05".to_vec();
        answer.extend(letters(number).as_bytes());
        answer.extend(b"\x05local\0\0\x01\x80\x01\0\0\0\x3c\0\x04");
        answer.extend(host(1).octets());
        wire.udp((host(1), 5353), (group, 5353), &answer);
    }
    assert_eq!(reached(&wire.report(&Options::default()), "heard"), 344);
}

/// A value of BER in the short form.
fn ber(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, content.len() as u8], content].concat()
}

#[test]
fn more_settings_than_are_remembered() {
    let mut wire = Wire::new();
    for request in 0..40 {
        let binding = ber(0x30, b"\x06\x08\x2b\x06\x01\x02\x01\x01\x05\0\x04\x01x");
        let pdu = [&[2, 1, request, 2, 1, 0, 2, 1, 0], &ber(0x30, &binding)[..]].concat();
        let message = [b"\x02\x01\x01\x04\x01w", &ber(0xa3, &pdu)[..]].concat();
        wire.udp((host(1), 40_000), (host(0), 161), &ber(0x30, &message));
    }
    assert_eq!(
        reached(&wire.report(&Options::default()), "snmp-settings"),
        8
    );
}

#[test]
fn more_options_of_version_6_than_are_read() {
    let mut wire = Wire::new();
    let duid = b"\0\x01\0\x0a\0\x03\0\x01\x02\0\0\0\0\x07";
    let message = [&b"\x01\0\0\x01"[..], duid, &b"\0\x0e\0\0".repeat(200)].concat();
    wire.udp((host(1), 546), (host(0), 547), &message);
    assert_eq!(
        reached(&wire.report(&Options::default()), "dhcpv6-options"),
        1
    );
}

#[test]
fn a_host_that_joins_many_groups_at_once() {
    const JOINED: u8 = 20;
    // IGMP of version 3 (RFC 3376 §4.2): each group with all its sources.
    let mut report = vec![0x22, 0, 0, 0, 0, 0, 0, JOINED];
    report.extend((0..JOINED).flat_map(|group| [4, 0, 0, 0, 239, 1, 0, group]));
    let words = report.as_chunks::<2>().0.iter();
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    report[2..4].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    let mut wire = Wire::new();
    wire.ip(host(1), Ipv4Addr::new(224, 0, 0, 22), 2, &report);
    let report = wire.report(&Options::default());
    assert_eq!(reached(&report, "group-memberships"), 4);
}
