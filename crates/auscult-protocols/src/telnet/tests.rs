//! Telnet: laws on an invented talk, near misses, real captures against tshark.

use super::*;
use crate::cuts::{self, Talk, pieces};
use crate::drive::{Driven, Piece, drive, without_places};
use crate::oracle::{self, Agreement, Row, Table};
use auscult_model::Meaning;
use proptest::prelude::*;
use std::collections::BTreeMap;

const CLIENT: Direction = Direction::FromOriginator;
const SERVER: Direction = Direction::FromResponder;
const START: Start = Start {
    transport: Transport::Tcp,
    from_start: true,
    ports: [50003, 23],
};
const TALK: [(Direction, &[u8]); 7] = [
    (SERVER, b"\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0\r\nlogin: "),
    (CLIENT, b"\xff\xfc\x18rooo\x7ft\r\0"),
    (SERVER, b"root\r\nPassword: "),
    (CLIENT, b"abc123\r\n"),
    (SERVER, b"\r\nLogin incorrect\r\nlogin: "),
    (CLIENT, b"root\r\n"),
    (SERVER, b"Password: "),
];

fn lines(talk: &Talk<'_>) -> Vec<String> {
    without_places(&drive(&Telnet, &START, &pieces(talk)).said)
}

#[test]
fn strips_options_and_reads_the_account() {
    let said = lines(&TALK);
    let [_, login] = &said[..] else {
        panic!("{said:?}")
    };
    assert!(login.contains("account: \"root\", clear: true, accepted: Some(false)"));
    assert!(!said.join("").contains("abc123"));
    let mut accepted = TALK;
    accepted[4].1 = b"\r\nbed7:/# ";
    assert!(lines(&accepted).join("").contains("accepted: Some(true)"));
    let server_only: Vec<_> = TALK.into_iter().filter(|(d, _)| *d == SERVER).collect();
    assert_eq!(lines(&server_only).len(), 1);
}

#[test]
fn names_system_and_terminal() {
    let talk: [(Direction, &[u8]); 3] = [
        (SERVER, b"\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0"),
        (CLIENT, b"\xff\xfb\x18\xff\xfa\x18\x00VT220\xff\xf0"),
        (SERVER, b"\r\nVxWorks 5.5\r\n\r\0pump7 login: "),
    ];
    let said = lines(&talk);
    let expected = [
        "telnet_terminal\", value: \"VT220\"",
        "ServiceOffered",
        "telnet_banner\", value: \"VxWorks 5.5 pump7 login:\"",
    ];
    assert_eq!(said.len(), expected.len(), "{said:#?}");
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.contains(expected), "{said}\n{expected}");
    }
    cuts::change_nothing_in_talk(&talk, lines);
    let mut lost = pieces(&talk);
    lost.insert(2, Piece::Gap(SERVER, Some(9)));
    let said = without_places(&drive(&Telnet, &START, &lost).said).join("\n");
    assert!(!said.contains("banner") && said.contains("VT220"), "{said}");
}

#[test]
fn cuts_change_nothing() {
    cuts::change_nothing_in_talk(&TALK, lines);
}

/// Accounts as tshark's `telnet.data` shows them being typed.
#[test]
fn logins_of_real_captures() {
    for (name, account, accepted) in [
        ("captures/ndpi/telnet.pcap", "fake", Some(true)),
        (
            "captures/wireshark-wiki/telnet-raw.pcap",
            "fake",
            Some(true),
        ),
        ("cases/c22_cleartext_logins.pcap", "root", Some(true)),
    ] {
        let Some(path) = oracle::shared(name) else {
            return;
        };
        let said = oracle::read_streams(&Telnet, &path, "telnet");
        let found = said.iter().any(|said| {
            matches!(&said.meaning, Meaning::Login { account: a, accepted: ok, .. }
                if a == account && *ok == accepted)
        });
        assert!(found, "{name}: {said:?}");
        let words = format!("{said:?}");
        assert!(
            !words.contains("abc123") && !words.contains("\"user\""),
            "{words}"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes(
        talk in proptest::collection::vec((any::<bool>(),
            proptest::collection::vec(any::<u8>(), 0..60)), 0..8),
    ) {
        let pieces: Vec<_> = talk
            .iter()
            .map(|(server, bytes)| Piece::Bytes(if *server { SERVER } else { CLIENT }, bytes))
            .collect();
        drive(&Telnet, &START, &pieces);
    }

    #[test]
    fn probe_is_never_certain(bytes in proptest::collection::vec(any::<u8>(), 1..40)) {
        let whole = probe_side(&bytes);
        prop_assert!(whole < Probe::Certain);
        prop_assert!(probe_side(&bytes[..1]) != Probe::No || whole == Probe::No);
    }
}

/// One stream's text as tshark shows it, without options: what a person reads off it.
#[derive(Default)]
struct Theirs {
    table: Table,
    terminals: Vec<String>,
    /// All that the server showed up to its first prompt.
    greeting: Option<String>,
    line: String,
    typed: String,
    account: String,
    asked: Option<&'static str>,
    is_tried: bool,
    logins: usize,
}

impl Theirs {
    fn row(&mut self, row: &Row) {
        self.terminals
            .extend_from_slice(row.all("telnet.string_subopt.value"));
        let is_server = row.one("tcp.srcport") == "23";
        for shown in row.all("telnet.data") {
            let plain = shown
                .replace("\\r", "\r")
                .replace("\\n", "\n")
                .replace("\\t", "\t");
            for letter in plain.chars() {
                match is_server {
                    true => self.shown(letter),
                    false => self.typed(letter),
                }
            }
        }
    }

    fn shown(&mut self, letter: char) {
        if self.logins == 0 && self.asked.is_none() && self.table.is_empty() {
            self.greeting.get_or_insert_default().push(letter);
        }
        if letter != '\r' && letter != '\n' {
            self.line.push(letter.to_ascii_lowercase());
        }
        let line = self.line.trim();
        let is_refused = ["incorrect", "invalid", "failed", "denied"]
            .iter()
            .any(|word| line.contains(word));
        let is_accepted = line.contains("last login") || line.contains("welcome");
        let is_shell = line.ends_with(['$', '#', '>', '%']);
        let prompt = [
            ("login:", "account"),
            ("username:", "account"),
            ("password:", "secret"),
        ]
        .into_iter()
        .find(|(prompt, _)| line.ends_with(prompt) && !line.ends_with("last login:"));
        if let Some((_, asked)) = prompt {
            if let Some(greeting) = self.greeting.take() {
                let words: Vec<_> = greeting.split_ascii_whitespace().collect();
                let banner = text::clean(&words.join(" ").chars().take(256).collect::<String>());
                if words.len() > 1 {
                    self.table.insert(("server".into(), "banner"), vec![banner]);
                }
            }
            self.answered(Some(false));
            self.asked = Some(asked);
            self.typed.clear();
            self.line.clear();
        } else if letter == '\n' {
            if is_refused || is_accepted {
                self.answered(Some(is_accepted));
            }
            self.line.clear();
        } else if is_shell {
            self.answered(Some(true));
        }
    }

    fn typed(&mut self, letter: char) {
        match (self.asked, letter) {
            (None, _) | (_, '\n') => {}
            (Some("account"), '\r') => {
                self.account = std::mem::take(&mut self.typed);
                self.asked = None;
            }
            (Some(_), '\r') => {
                self.is_tried = true;
                self.asked = None;
            }
            (Some(_), letter) => self.typed.push(letter),
        }
    }

    fn answered(&mut self, accepted: Option<bool>) {
        if std::mem::take(&mut self.is_tried) {
            self.logins += 1;
            let login = format!("{} {accepted:?}", std::mem::take(&mut self.account));
            let place = (format!("login {}", self.logins), "account");
            self.table.insert(place, vec![login]);
        }
    }
}

fn ours(driven: &Driven, theirs: &mut Theirs) -> Table {
    let mut table = Table::new();
    let mut logins = 0;
    for said in &driven.said {
        let (place, value) = match &said.meaning {
            Meaning::Claim {
                attribute: "telnet_banner",
                value,
                ..
            } => (("server".into(), "banner"), value.clone()),
            Meaning::Claim {
                attribute: "telnet_terminal",
                value,
                ..
            } => {
                // Other options have string values too: theirs is one of them.
                let terminal = theirs.terminals.iter().find(|other| *other == value);
                let terminal = terminal.into_iter().cloned().collect();
                theirs.table.insert(("client".into(), "terminal"), terminal);
                (("client".into(), "terminal"), value.clone())
            }
            Meaning::Login {
                account, accepted, ..
            } => {
                logins += 1;
                let place = (format!("login {logins}"), "account");
                (place, format!("{account} {accepted:?}"))
            }
            _ => continue,
        };
        table.entry(place).or_default().push(value);
    }
    table
}

/// `cargo test -p auscult-protocols telnet::tests::agrees -- --ignored --nocapture`
#[test]
#[ignore = "asks tshark about several captures"]
fn agrees_with_tshark() {
    let fields = [
        "frame.number",
        "tcp.stream",
        "tcp.srcport",
        "telnet.data",
        "telnet.string_subopt.value",
    ];
    let mut agreement = Agreement::default();
    for capture in oracle::captures_with("telnet") {
        // Made by a program that lets a client ask itself for its name, and HTTP answer.
        if oracle::name_of(&capture).starts_with("synthetic/") {
            continue;
        }
        let streams = oracle::drive_streams(&Telnet, &capture, "telnet");
        let mut theirs: BTreeMap<String, Theirs> = BTreeMap::new();
        for row in oracle::tshark(&capture, "telnet && !tcp.analysis.retransmission", &fields) {
            let stream = theirs.entry(row.one("tcp.stream").to_owned());
            stream.or_default().row(&row);
        }
        for (stream, driven) in &streams {
            let mut theirs = theirs.remove(stream).unwrap_or_default();
            theirs.answered(None);
            let ours = ours(driven, &mut theirs);
            agreement.compare_tables(&capture, &theirs.table, &ours);
        }
    }
    agreement.at_least("telnet", 0.99);
}
