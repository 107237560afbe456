//! Logins of others' programs: OpenSSH, pyftpdlib with Python's client, nginx with curl.

use std::path::Path;

use auscult_lab::Truth;
use auscult_lab::truth::sha256;
use auscult_model::report::{ArtifactEntry, Report};

use super::ward::{Line, Ward};
use super::{Bad, at, cases, claims, files, inert_program, must, talks};

const CLIENT: (&str, &str) = ("10.20.30.70", "02:00:00:00:30:70");
const SERVER: (&str, &str) = ("10.20.30.71", "02:00:00:00:30:71");

fn pair(ward: &mut Ward) {
    ward.host("client", CLIENT.1, Some(CLIENT.0));
    ward.host("server", SERVER.1, Some(SERVER.0));
}

/// Each of these is among the claims about an address.
fn claimed(report: &Report, ip: &str, wanted: &[(&str, &str)], bad: &mut Bad) {
    for (attribute, value) in wanted {
        let all = claims(at(report, ip), attribute);
        bad.unless(all.iter().any(|known| known == value), || {
            format!("{ip}: {attribute} is not {value}: {all:?}")
        });
    }
}

/// This many files of that name crossed, each whole.
fn whole(
    report: &Report,
    protocol: &str,
    (from, to): (&str, &str),
    (name, content): (&str, &[u8]),
    bad: &mut Bad,
) {
    let got = files(report, protocol, from, to);
    let is_it = |file: &&&ArtifactEntry| {
        file.complete && file.name == name && file.sha256 == sha256(content)
    };
    bad.unless(got.iter().filter(is_it).count() > 0, || {
        format!("{name} is not whole by {protocol}: {got:#?}")
    });
    bad.unless(got.iter().all(|file| file.complete), || {
        format!("{protocol}: not all are whole: {got:#?}")
    });
}

/// OpenSSH's server and client, up to a refused log-on.
#[test]
fn ssh() {
    let needed = [
        ("sshd", "openssh-server"),
        ("ssh", "openssh-client"),
        ("ssh-keygen", "openssh-client"),
    ];
    let Some(mut ward) = Ward::ready("ssh", &needed, Line::default()) else {
        return;
    };
    pair(&mut ward);
    let key = ward.dir().join("host_key").display().to_string();
    ward.good(
        "server",
        &["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", &key],
    );
    let config = format!("HostKey {key}\nUsePAM no\nPasswordAuthentication no\nPidFile none\n");
    let config = ward.file("sshd_config", config.as_bytes());
    let serve = format!("mkdir -p /run/sshd && exec /usr/sbin/sshd -D -e -f {config}");
    let capturing = ward.capture();
    ward.serve("server", 22, &["sh", "-c", &serve]);
    let words =
        "ssh -v -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null";
    let words: Vec<&str> = words.split(' ').chain([SERVER.0, "true"]).collect();
    let told = ward.run("client", 20, &words).text;
    let printed = ward.good("server", &["ssh-keygen", "-l", "-E", "sha256", "-f", &key]);
    let report = ward.report(&capturing);

    let after = |mark: &str| -> String {
        let line = told.lines().find_map(|line| line.split_once(mark));
        line.map(|(_, rest)| rest.trim().to_owned())
            .unwrap_or_default()
    };
    let software = after("remote software version ");
    let fingerprint = printed.split(' ').nth(1).unwrap_or_default();
    let mut bad = Bad(cases::shortfalls(&report, &Truth::new("a log-on by SSH")));
    bad.unless(
        !software.is_empty() && fingerprint.starts_with("SHA256:"),
        || format!("no version or fingerprint in:\n{told}\n{printed}"),
    );
    let banner = format!("SSH-2.0-{software}");
    let wanted = [
        ("ssh_banner", banner.as_str()),
        ("ssh_host_key", fingerprint),
    ];
    claimed(&report, SERVER.0, &wanted, &mut bad);
    for (ip, attribute) in [(CLIENT.0, "ssh_hassh"), (SERVER.0, "ssh_hassh_server")] {
        let all = claims(at(&report, ip), attribute);
        bad.unless(all.len() == 1, || format!("{ip}: {attribute} {all:?}"));
    }
    let place = talks(at(&report, CLIENT.0), SERVER.0, "ssh");
    bad.unless(place.is_some(), || "no conversation by ssh".to_owned());
    bad.unless(report.findings.is_empty(), || {
        format!("{:#?}", report.findings)
    });
    bad.none();
}

/// Files by FTP, active and passive, in the old and in the extended way.
#[test]
fn ftp() {
    let bin = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/python");
    if !Path::new(bin)
        .join("lib")
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .any(|lib| lib.path().join("site-packages/pyftpdlib").is_dir())
    {
        eprintln!("SKIPPED: ftp: no PyPI's pyftpdlib, which `cargo xtask test` installs");
        return;
    }
    let Some(mut ward) = Ward::ready("ftp", &[], Line::default()) else {
        return;
    };
    pair(&mut ward);
    let (program, table) = (inert_program(60_000), b"bed;pressure\n7;120\n".repeat(500));
    ward.file("files/image.bin", &program);
    ward.file("files/results.csv", &table);
    let folder = ward.dir().join("files").display().to_string();
    let python = format!("{bin}/bin/python");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/ftp.py");
    let capturing = ward.capture();
    ward.serve("server", 21, &[&python, script, "serve", SERVER.0, &folder]);
    ward.good("client", &[&python, script, "fetch", SERVER.0, &folder]);
    let report = ward.report(&capturing);

    let mut truth = Truth::new("files by FTP");
    truth.must = vec![must("cleartext-login", SERVER.0, "low")];
    truth.artifacts = vec![sha256(&program), sha256(&table)];
    truth.private = vec!["INV-Kestrel-88".to_owned(), "INV-wrong".to_owned()];
    let mut bad = Bad(cases::shortfalls(&report, &truth));
    claimed(
        &report,
        SERVER.0,
        &[("ftp_banner", "Invented Scanner FTP 1.4")],
        &mut bad,
    );
    let image = ("image.bin", program.as_slice());
    whole(&report, "ftp-data", (SERVER.0, CLIENT.0), image, &mut bad);
    let results = ("stored.csv", table.as_slice());
    whole(&report, "ftp-data", (CLIENT.0, SERVER.0), results, &mut bad);
    let json = serde_json::to_string(&report.findings).unwrap();
    for account in ["scan2ftp", "guest7"] {
        bad.unless(json.contains(account), || {
            format!("{account} is not named: {json}")
        });
    }
    bad.none();
}

/// nginx behind a password: a program plain, compressed and in chunks.
#[test]
fn http() {
    let needed = [("nginx", "nginx-light"), ("curl", "curl")];
    let Some(mut ward) = Ward::ready("http", &needed, Line::default()) else {
        return;
    };
    pair(&mut ward);
    let program = inert_program(70_000);
    ward.file("files/image.bin", &program);
    ward.file("files/index.html", &b"<html>invented</html>".repeat(200));
    let users = ward.file("users", b"technik:{PLAIN}INV-Maple-31\n");
    let dir = ward.dir().display().to_string();
    let config = format!(
        "user root; daemon off; pid {dir}/nginx.pid; error_log {dir}/nginx.log;\n\
         events {{}}\n\
         http {{ access_log off; gzip on; gzip_types application/octet-stream;\n\
         client_body_temp_path {dir}/b; proxy_temp_path {dir}/p; fastcgi_temp_path {dir}/f;\n\
         uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;\n\
         server {{ listen {}:80; root {dir}/files; auth_basic \"Invented store\";\n\
         auth_basic_user_file {users}; }} }}\n",
        SERVER.0
    );
    let config = ward.file("nginx.conf", config.as_bytes());
    let capturing = ward.capture();
    ward.serve("server", 80, &["nginx", "-c", &config]);
    let image = format!("http://{}/image.bin", SERVER.0);
    let page = format!("http://{}/", SERVER.0);
    let fetch = ["curl", "-sS", "-o", "got", "-u", "technik:INV-Maple-31"];
    let refused = ["curl", "-sS", "-o", "no", "-u", "guest7:INV-wrong", &image];
    ward.good("client", &refused);
    for rest in [&[image.as_str()][..], &["--compressed", &image], &[&page]] {
        ward.good("client", &[&fetch[..], rest].concat());
        if rest.contains(&image.as_str()) {
            assert_eq!(std::fs::read(ward.dir().join("got")).unwrap(), program);
        }
    }
    let report = ward.report(&capturing);

    let mut truth = Truth::new("a program by HTTP");
    truth.must = vec![must("cleartext-login", SERVER.0, "low")];
    truth.artifacts = vec![sha256(&program)];
    truth.private = ["INV-Maple-31", "INV-wrong"].map(str::to_owned).to_vec();
    let mut bad = Bad(cases::shortfalls(&report, &truth));
    claimed(
        &report,
        SERVER.0,
        &[("http_realm", "Invented store"), ("http_host", SERVER.0)],
        &mut bad,
    );
    let file = ("image.bin", program.as_slice());
    whole(&report, "http", (SERVER.0, CLIENT.0), file, &mut bad);
    let server = claims(at(&report, SERVER.0), "http_server");
    bad.unless(server.iter().any(|name| name.starts_with("nginx/")), || {
        format!("server {server:?}")
    });
    let agent = claims(at(&report, CLIENT.0), "http_user_agent");
    bad.unless(agent.iter().any(|name| name.starts_with("curl/")), || {
        format!("client {agent:?}")
    });
    bad.none();
}
