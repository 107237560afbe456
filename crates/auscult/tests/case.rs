//! Bundles of evidence: packed, checked and run again; every tampering told with the member's name;
//! no planted patient inside; readable by the tools that others have.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

#[expect(dead_code, reason = "some helpers are for other tests")]
mod support;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use support::Case;

fn auscult<S: AsRef<OsStr>>(words: &[S]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_auscult"))
        .args(words)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn ids(case: &Case) -> Vec<String> {
    let report = case.report();
    let findings = report["findings"].as_array().unwrap().iter();
    findings
        .map(|it| it["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Exports all findings of a case into `name` in the folder; what it said.
fn export(case: &Case, folder: &Path, name: &str, more: &[&str]) -> String {
    let mut words = vec!["evidence".to_owned(), "export".to_owned()];
    words.extend(ids(case));
    words.push(case.file.to_string_lossy().into_owned());
    words.extend(case.args.iter().cloned());
    let key = folder.join("own.key").to_string_lossy().into_owned();
    let zip = folder.join(name).to_string_lossy().into_owned();
    words.extend(["--key".to_owned(), key, "-o".to_owned(), zip]);
    words.extend(more.iter().map(|word| (*word).to_owned()));
    let output = auscult(&words);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{}: {complaint}", case.name);
    String::from_utf8(output.stdout).unwrap()
}

/// Verifies a bundle: exit code and all that was said.
fn verify(zip: &Path, more: &[&OsStr]) -> (i32, String) {
    let mut words = vec![
        OsStr::new("evidence"),
        OsStr::new("verify"),
        zip.as_os_str(),
    ];
    words.extend(more);
    let output = auscult(&words);
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.code().unwrap(),
        String::from_utf8(said).unwrap(),
    )
}

/// The members of a zip of stored members, by their local headers: name, place of the content.
fn members(zip: &[u8]) -> Vec<(String, std::ops::Range<usize>)> {
    let number = |at: usize, bytes: usize| {
        zip[at..at + bytes]
            .iter()
            .rev()
            .fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let mut members = Vec::new();
    let mut at = 0;
    while zip[at..].starts_with(b"PK\x03\x04") {
        let (size, name, extra) = (number(at + 18, 4), number(at + 26, 2), number(at + 28, 2));
        let start = at + 30 + name + extra;
        let name = String::from_utf8(zip[at + 30..at + 30 + name].to_vec()).unwrap();
        members.push((name, start..start + size));
        at = start + size;
    }
    members
}

fn member<'z>(zip: &'z [u8], name: &str) -> &'z [u8] {
    let all = members(zip);
    let (_, place) = all.into_iter().find(|(known, _)| known == name).unwrap();
    &zip[place]
}

fn leak(folder: &Path, seed: u64) -> Case {
    support::scene("leak-through-gateway", seed, folder)
}

#[test]
fn a_bundle_comes_back_whole() {
    let folder = support::folder("case-whole");
    let case = leak(&folder, 3);
    let said = export(&case, &folder, "case.zip", &["--operator", "J. Doe <x>"]);
    assert!(said.contains("made now"), "{said}");
    let zip = folder.join("case.zip");
    let (code, said) = verify(&zip, &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("reproduced from the packets"), "{said}");
    let sealed = folder.join("case.sealed");
    let options = [
        "--sealed".as_ref(),
        sealed.as_os_str(),
        "--original".as_ref(),
    ];
    let (code, said) = verify(&zip, &[&options[..], &[case.file.as_os_str()]].concat());
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("packets are those of the captures"), "{said}");
    // The page is for reading only.
    let bytes = fs::read(&zip).unwrap();
    let page = String::from_utf8(member(&bytes, "report.html").to_vec()).unwrap();
    for part in [
        "What was found",
        "How it is known",
        "Chain of custody",
        "MedWatch",
        "164.402",
        "Health-ISAC",
        "J. Doe &lt;x&gt;",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        !page.contains("<script") && !page.contains("http-equiv=\"refresh"),
        "no script"
    );
    // Secrets and seals are for their owner.
    #[cfg(unix)]
    for file in ["own.key", "case.sealed"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder.join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

#[test]
fn the_same_again_is_the_same_zip() {
    let folder = support::folder("case-again");
    let case = leak(&folder, 4);
    export(&case, &folder, "case.zip", &[]);
    let sealed = folder.join("case.sealed");
    let sealed = sealed.to_str().unwrap();
    export(&case, &folder, "again.zip", &["--again", sealed]);
    export(&case, &folder, "other.zip", &[]);
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    assert_eq!(read("case.zip"), read("again.zip"));
    assert_eq!(read("case.sealed"), read("again.sealed"));
    assert_ne!(read("case.zip"), read("other.zip"), "nonces are drawn anew");
    // One thread or four: the same.
    export(
        &case,
        &folder,
        "one.zip",
        &["--again", sealed, "--threads", "1"],
    );
    assert_eq!(read("case.zip"), read("one.zip"));
}

#[test]
fn one_changed_byte_is_told_wherever_it_lies() {
    let folder = support::folder("case-byte");
    let case = leak(&folder, 5);
    export(&case, &folder, "case.zip", &[]);
    let whole = fs::read(folder.join("case.zip")).unwrap();
    let changed = folder.join("changed.zip");
    let mut places: Vec<(String, usize)> = members(&whole)
        .into_iter()
        .flat_map(|(name, place)| {
            [place.start, (place.start + place.end) / 2, place.end - 1].map(|at| (name.clone(), at))
        })
        .collect();
    assert_eq!(places.len(), 27);
    // Headers and the directory at the end, too.
    let every = (0..whole.len()).step_by(whole.len() / 60);
    places.extend(every.map(|at| (String::new(), at)));
    places.extend((whole.len() - 30..whole.len()).map(|at| (String::new(), at)));
    for (name, at) in places {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&changed, &bytes).unwrap();
        let (code, said) = verify(&changed, &[]);
        assert_eq!(code, 1, "byte {at}: {said}");
        assert!(said.contains(&name), "byte {at} of {name}: {said}");
    }
}

#[test]
fn cut_zips_are_told() {
    let folder = support::folder("case-cut");
    let case = leak(&folder, 6);
    export(&case, &folder, "case.zip", &[]);
    let whole = fs::read(folder.join("case.zip")).unwrap();
    let cut = folder.join("cut.zip");
    for length in [0, 10, whole.len() / 2, whole.len() - 1] {
        fs::write(&cut, &whole[..length]).unwrap();
        let (code, said) = verify(&cut, &[]);
        assert!(
            code == 1 && said.contains("no whole zip"),
            "{length}: {said}"
        );
    }
    fs::write(&cut, [&whole[..], b"x"].concat()).unwrap();
    assert_eq!(verify(&cut, &[]).0, 1, "bytes behind it");
    fs::write(&cut, [b"x", &whole[..]].concat()).unwrap();
    assert_eq!(verify(&cut, &[]).0, 1, "bytes before it");
}

/// Packs files with Python's zip, as an attacker would.
fn pack(folder: &Path, zip: &str, script: &str) -> Option<PathBuf> {
    let zip = folder.join(zip);
    let script = format!("import zipfile, sys\nz = zipfile.ZipFile(sys.argv[1], 'w')\n{script}");
    let run = Command::new("python3")
        .args(["-c", &script])
        .arg(&zip)
        .current_dir(folder)
        .output();
    let Ok(output) = run else {
        eprintln!("SKIPPED: no python3; zips of others are not tried");
        return None;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(zip)
}

#[test]
fn bombs_and_foreign_members_are_told() {
    let folder = support::folder("case-bomb");
    let tries = [
        (
            "z.writestr('facts.json', b'0' * (1 << 26), zipfile.ZIP_DEFLATED)",
            "facts.json",
        ),
        (
            "z.writestr('facts.json', b'0' * ((1 << 26) + 1))",
            "facts.json",
        ),
        ("z.writestr('../facts.json', b'0')", "../facts.json"),
        ("[z.writestr(f'{n}', b'') for n in range(1000)]", "the zip"),
        ("z.writestr('README.txt', b'0')", "manifest.json"),
    ];
    for (number, (script, named)) in tries.into_iter().enumerate() {
        let Some(zip) = pack(&folder, &format!("{number}.zip"), script) else {
            return;
        };
        let (code, said) = verify(&zip, &[]);
        assert!(code == 1 && said.contains(named), "{script}: {said}");
    }
}

#[test]
fn swapped_members_and_other_keys_are_told() {
    let folder = support::folder("case-swap");
    let case = leak(&folder, 7);
    export(&case, &folder, "case.zip", &[]);
    let other = support::folder("case-swap-other");
    let second = leak(&other, 8);
    export(&second, &other, "case.zip", &[]);
    let names = [
        "README.txt",
        "facts.json",
        "findings.json",
        "packets.json",
        "packets.pcapng",
        "report.html",
        "manifest.json",
        "signature",
        "public-key.pem",
    ];
    for name in &names[1..] {
        let mut script = format!(
            "a = zipfile.ZipFile('case.zip'); b = zipfile.ZipFile({:?})\n",
            other.join("case.zip")
        );
        for own in names {
            let from = if own == *name { 'b' } else { 'a' };
            script += &format!("z.writestr({own:?}, {from}.read({own:?}))\n");
        }
        let Some(zip) = pack(&folder, "swapped.zip", &script) else {
            return;
        };
        let (code, said) = verify(&zip, &[]);
        assert_eq!(code, 1, "{name}: {said}");
        // A swapped manifest shows at the members that it does not fit.
        let is_named = said.contains(name) || *name == "manifest.json" && said.contains(".json");
        assert!(is_named, "{name}: {said}");
    }
    // A bundle made by somebody else is whole, and not the one that was expected.
    let own = member(
        &fs::read(folder.join("case.zip")).unwrap(),
        "public-key.pem",
    )
    .to_vec();
    let pem = folder.join("own.pem");
    fs::write(&pem, own).unwrap();
    let pinned = ["--key".as_ref(), pem.as_os_str()];
    assert_eq!(verify(&folder.join("case.zip"), &pinned).0, 0);
    let (code, said) = verify(&other.join("case.zip"), &pinned);
    assert!(code == 1 && said.contains("another key"), "{said}");
}

#[test]
fn other_originals_and_seals_are_told() {
    let folder = support::folder("case-originals");
    let case = leak(&folder, 9);
    export(&case, &folder, "case.zip", &[]);
    export(&case, &folder, "other.zip", &[]);
    let zip = folder.join("case.zip");
    let tried = |sealed: &Path, original: &Path| {
        let options: [&OsStr; 4] = [
            "--sealed".as_ref(),
            sealed.as_os_str(),
            "--original".as_ref(),
            original.as_os_str(),
        ];
        verify(&zip, &options)
    };
    let own = folder.join("case.sealed");
    assert_eq!(tried(&own, &case.file).0, 0);
    let (code, said) = tried(&folder.join("other.sealed"), &case.file);
    assert!(code == 1 && said.contains("another bundle"), "{said}");
    let second = leak(&support::folder("case-originals-2"), 10);
    let (code, said) = tried(&own, &second.file);
    assert!(code == 1 && said.contains("not in the captures"), "{said}");
    // A nonce that was changed opens nothing.
    let mut sealed: Value = serde_json::from_slice(&fs::read(&own).unwrap()).unwrap();
    sealed["packets"][0]["nonce"] = "00".repeat(16).into();
    let changed = folder.join("changed.sealed");
    fs::write(&changed, serde_json::to_vec(&sealed).unwrap()).unwrap();
    let (code, said) = tried(&changed, &case.file);
    assert!(code == 1 && said.contains("packet"), "{said}");
}

/// Rules that weigh what was seen over hours, or of many devices: they may rest on history.
const OVER_HOURS: [&str; 4] = ["beacon", "new-peer", "rogue-service", "scan"];

/// Every scene: all findings packed, checked, run again; no planted text in any member.
#[test]
fn every_scene_is_packed_without_patients_and_says_the_same_again() {
    let folder = support::folder("case-scenes");
    let (mut planted, mut findings, mut reproduced, mut history) = (0, 0, 0, Vec::new());
    for scenario in auscult_lab::scenarios() {
        let case = support::scene(scenario.name, 5, &folder);
        if ids(&case).is_empty() {
            continue;
        }
        export(&case, &folder, "case.zip", &[]);
        let zip = folder.join("case.zip");
        let sealed = folder.join("case.sealed");
        let options = [
            "--sealed".as_ref(),
            sealed.as_os_str(),
            "--original".as_ref(),
        ];
        let (code, said) = verify(&zip, &[&options[..], &[case.file.as_os_str()]].concat());
        assert_eq!(code, 0, "{}: {said}", case.name);
        let bytes = fs::read(&zip).unwrap();
        let whole = fs::read(&case.file).unwrap();
        for text in &case.planted {
            planted += usize::from(support::holds(&whole, text));
            for (name, place) in members(&bytes) {
                assert!(
                    !support::holds(&bytes[place], text),
                    "{}: {name}: {text}",
                    case.name
                );
            }
        }
        let facts: Value = serde_json::from_slice(member(&bytes, "facts.json")).unwrap();
        for proof in facts["proofs"].as_array().unwrap() {
            findings += 1;
            let is_attested = proof["standing"] == "absence";
            let rule = proof["rule"].as_str().unwrap();
            let is_long = OVER_HOURS.contains(&rule);
            if proof["again"].is_null() && !is_attested && !is_long {
                history.push(format!("{}: {}", case.name, proof["rule"]));
            } else {
                reproduced += 1;
            }
        }
    }
    eprintln!("{reproduced} of {findings} findings reproduced; not: {history:#?}");
    assert!(planted >= 50, "only {planted} planted texts");
    assert!(
        history.is_empty(),
        "{reproduced} of {findings}: {history:#?}"
    );
}

#[test]
fn others_tools_read_the_bundle() {
    let folder = support::folder("case-tools");
    let case = support::scene("ward", 6, &folder);
    export(&case, &folder, "case.zip", &[]);
    let run = |program: &str, words: &[&str]| {
        let output = Command::new(program)
            .args(words)
            .current_dir(&folder)
            .output();
        let Ok(output) = output else {
            eprintln!("SKIPPED: no {program}");
            return None;
        };
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{program} {words:?}: {said}");
        Some(said)
    };
    run("python3", &["-m", "zipfile", "-t", "case.zip"]);
    run("unzip", &["-t", "case.zip"]);
    if run("python3", &["-m", "zipfile", "-e", "case.zip", "."]).is_none() {
        return;
    }
    run("capinfos", &["packets.pcapng"]);
    if let Some(rows) = run(
        "tshark",
        &[
            "-n",
            "-r",
            "packets.pcapng",
            "-T",
            "fields",
            "-e",
            "frame.comment",
        ],
    ) {
        assert!(rows.contains("F-") && rows.contains("packet "), "{rows}");
    }
    run(
        "openssl",
        &[
            "pkeyutl",
            "-verify",
            "-pubin",
            "-inkey",
            "public-key.pem",
            "-rawin",
            "-in",
            "manifest.json",
            "-sigfile",
            "signature",
        ],
    );
    run("openssl", &["pkey", "-in", "own.key", "-noout"]);
    let manifest: Value =
        serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    for member in manifest["members"].as_array().unwrap() {
        let name = member["name"].as_str().unwrap();
        if let Some(said) = run("sha256sum", &[name]) {
            assert!(
                said.starts_with(member["sha256"].as_str().unwrap()),
                "{said}"
            );
        }
    }
}

/// A time stamp by a real authority program: made here, with a key made here.
#[test]
fn time_stamps_are_kept_and_held_against_the_manifest() {
    let folder = support::folder("case-stamp");
    let case = leak(&folder, 11);
    export(&case, &folder, "case.zip", &[]);
    let bytes = fs::read(folder.join("case.zip")).unwrap();
    fs::write(
        folder.join("manifest.json"),
        member(&bytes, "manifest.json"),
    )
    .unwrap();
    fs::write(folder.join("other.json"), b"{}").unwrap();
    let config = "[tsa]\ndefault_tsa = it\n[it]\nserial = ./serial\ncrypto_device = builtin\n\
                  signer_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256\n\
                  accuracy = secs:1\nordering = yes\ntsa_name = yes\ness_cert_id_chain = no\n\
                  ess_cert_id_alg = sha256\n";
    fs::write(folder.join("tsa.cnf"), config).unwrap();
    fs::write(folder.join("serial"), "01\n").unwrap();
    let openssl = |words: &[&str]| {
        let output = Command::new("openssl")
            .args(words)
            .current_dir(&folder)
            .output();
        let Ok(output) = output else {
            eprintln!("SKIPPED: no openssl; time stamps are not made");
            return false;
        };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {said}");
        true
    };
    if !openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "tsa.key",
        "-out",
        "tsa.pem",
        "-days",
        "2",
        "-subj",
        "/CN=stamp",
        "-addext",
        "extendedKeyUsage=critical,timeStamping",
        "-addext",
        "keyUsage=critical,digitalSignature",
    ]) {
        return;
    }
    for (data, stamp) in [("manifest.json", "own.tsr"), ("other.json", "other.tsr")] {
        openssl(&[
            "ts", "-query", "-data", data, "-sha256", "-cert", "-out", "q.tsq",
        ]);
        openssl(&[
            "ts",
            "-reply",
            "-config",
            "tsa.cnf",
            "-queryfile",
            "q.tsq",
            "-signer",
            "tsa.pem",
            "-inkey",
            "tsa.key",
            "-out",
            stamp,
        ]);
    }
    let sealed = folder.join("case.sealed");
    let sealed = sealed.to_str().unwrap();
    let stamp = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    export(
        &case,
        &folder,
        "stamped.zip",
        &["--again", sealed, "--timestamp", &stamp("own.tsr")],
    );
    let (code, said) = verify(&folder.join("stamped.zip"), &[]);
    assert!(code == 0 && said.contains("of this manifest, 20"), "{said}");
    export(
        &case,
        &folder,
        "wrong.zip",
        &["--again", sealed, "--timestamp", &stamp("other.tsr")],
    );
    let (code, said) = verify(&folder.join("wrong.zip"), &[]);
    assert!(code == 1 && said.contains("timestamp.tsr"), "{said}");
}
