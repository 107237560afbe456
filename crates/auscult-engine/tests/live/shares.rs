//! Files on a share of Samba, by three generations of SMB.

use auscult_lab::Truth;
use auscult_lab::truth::sha256;
use auscult_model::report::ArtifactEntry;

use super::ward::{Line, Ward};
use super::{Bad, cases, files, inert_program};

const CLIENT: (&str, &str) = ("10.20.30.80", "02:00:00:00:30:80");
const SERVER: (&str, &str) = ("10.20.30.81", "02:00:00:00:30:81");

fn smbd(ward: &mut Ward) -> String {
    let dir = ward.dir().display().to_string();
    ward.file("samba/empty", b"");
    let config = format!(
        "[global]\nprivate dir = {dir}/samba\nlock directory = {dir}/samba\n\
         state directory = {dir}/samba\ncache directory = {dir}/samba\n\
         pid directory = {dir}/samba\nncalrpc dir = {dir}/samba/rpc\nlog file = {dir}/smbd\n\
         map to guest = Bad User\nguest account = root\ndisable netbios = yes\n\
         load printers = no\nserver min protocol = NT1\nclient min protocol = NT1\n\
         [update]\npath = {dir}/share\nguest ok = yes\nread only = no\nforce user = root\n"
    );
    let config = ward.file("smb.conf", config.as_bytes());
    ward.serve(
        "server",
        445,
        &["smbd", "-F", "--no-process-group", "-s", &config],
    );
    config
}

/// Samba's server and client: two files are read and one is written, each with 1, 2 and 3.
#[test]
fn smb() {
    let needed = [("smbd", "samba"), ("smbclient", "smbclient")];
    let Some(mut ward) = Ward::ready("smb", &needed, Line::default()) else {
        return;
    };
    ward.host("client", CLIENT.1, Some(CLIENT.0));
    ward.host("server", SERVER.1, Some(SERVER.0));
    let program = inert_program(300_001);
    let script = b"@echo off\r\nrem an inert script\r\n".repeat(40);
    let sent = [b"MSCF\0\0\0\0".to_vec(), b"INERT ".repeat(20_000)].concat();
    ward.file("share/setup.exe", &program);
    ward.file("share/login.bat", &script);
    ward.file("gateway.cab", &sent);
    let config = smbd(&mut ward);
    let capturing = ward.capture();
    let share = format!("//{}/update", SERVER.0);
    let dialects = ["NT1", "SMB2", "SMB3"];
    for dialect in dialects {
        let most = format!("--option=client max protocol={dialect}");
        let orders = format!(
            "get setup.exe {dialect}.exe; get login.bat {dialect}.bat; \
             put gateway.cab {dialect}.cab"
        );
        let words = [
            "smbclient",
            &share,
            "-N",
            "-s",
            &config,
            "-m",
            dialect,
            &most,
            "-c",
            &orders,
        ];
        ward.good("client", &words);
        for (name, content) in [("exe", &program), ("bat", &script)] {
            let got = std::fs::read(ward.dir().join(format!("{dialect}.{name}"))).unwrap();
            assert!(got == *content, "{dialect}: {name}");
        }
    }
    let report = ward.report(&capturing);

    let mut bad = Bad(cases::shortfalls(&report, &Truth::new("files by SMB")));
    for (from, to, end, content) in [
        (SERVER.0, CLIENT.0, "setup.exe", &program),
        (SERVER.0, CLIENT.0, "login.bat", &script),
        (CLIENT.0, SERVER.0, ".cab", &sent),
    ] {
        let got = files(&report, "smb", from, to);
        let is_it = |file: &&&ArtifactEntry| {
            let is_whole = file.complete && file.sha256 == sha256(content);
            is_whole && file.size == content.len() as u64 && file.name.ends_with(end)
        };
        let count = got.iter().filter(is_it).count();
        // What is the same is told once of each connection.
        bad.unless(count == dialects.len(), || {
            format!("{end} is whole {count} times: {got:#?}")
        });
    }
    let partial = report.artifacts.iter().filter(|file| !file.complete);
    bad.unless(partial.count() == 0, || {
        format!("not all are whole: {:#?}", report.artifacts)
    });
    bad.none();
}
