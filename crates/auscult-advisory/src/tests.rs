//! Each kind of condition, each way to a verdict, and what is told of a file that is none.

use auscult_model::report::{Device, Report};
use auscult_report::Page;
use serde_json::json;

use crate::{Advisory, Check, Unreadable, Verdict, check, shipped};

/// A monitor that streams, a station beside it, and one that may be of the family.
fn report() -> Report {
    let device = |id: &str, ip: &str, more: serde_json::Value| {
        let mut device = json!({
            "id": id, "aliases": [], "role": "unknown", "confidence": 0.9, "macs": [], "ips": [ip],
            "segments": [], "first_seen": "2026-03-14T09:00:00Z",
            "last_seen": "2026-03-14T09:10:00Z", "inside": true, "isolation": "local-only",
            "services": [], "talks_to_total": 0, "talks_to": [], "patient_data": [], "claims": [],
        });
        let fields = device.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        device
    };
    let packet = json!([{ "file": "a.pcap", "packet": 7, "note": "begins" }]);
    let report = json!({
        "schema": 1, "auscult": "0", "captures": [], "skipped": [],
        "site": { "networks": [], "squatted": [], "partners": [] },
        "coverage": [{
            "id": "code-fetched", "question": "Was code fetched?", "answer": "yes",
            "because": "see there", "short": "1 device",
        }],
        "devices_total": 3,
        "devices": [
            device("mac-1", "10.0.0.1", json!({
                "signature": "contec-cms8000",
                "patient_data": ["name"],
                "services": [{ "port": 80, "transport": "tcp", "protocol": "http" }],
                "claims": [{
                    "attribute": "firmware", "value": "A.03", "confidence": 0.9, "source": "http",
                    "evidence": packet,
                }],
                "talks_to": [{
                    "peer": "202.114.4.119", "where": "answered-far", "protocol": "contec-cms",
                    "port": 515, "direction": "out", "flows": 2, "bytes": [9, 9], "answered": true,
                }],
            })),
            device("mac-2", "10.0.0.2", json!({})),
            device("mac-3", "10.0.0.3", json!({
                "claims": [{
                    "attribute": "family_hint", "value": "CONTEC CMS8000", "confidence": 0.5,
                    "source": "signature", "evidence": [],
                }],
                "talks_to": [{
                    "peer": "202.114.4.119", "where": "blocked", "protocol": "unknown",
                    "port": 515, "direction": "out", "flows": 1, "bytes": [9, 0],
                    "answered": false,
                }],
            })),
        ],
        "findings_total": 2,
        "findings": [
            finding("F-1", "phi-cleartext-outside", &["mac-1"], json!({
                "where": "answered-far", "phi_kinds": ["name", "vital-signs"], "port": 515,
                "protocol": "contec-cms", "readable": true,
            })),
            finding("F-2", "hostile-ssid", &[], json!({})),
        ],
        "artifacts_total": 1,
        "artifacts": [{
            "sha256": "AB12", "size": 9, "type": "ELF", "name": "monitor", "protocol": "nfs",
            "from": "202.114.4.119", "to": "10.0.0.1", "complete": true, "evidence": packet,
        }],
        "data_sets": [], "health": auscult_model::report::Health::default(),
    });
    serde_json::from_value(report).unwrap()
}

fn finding(
    id: &str,
    rule: &str,
    devices: &[&str],
    details: serde_json::Value,
) -> serde_json::Value {
    json!({
        "id": id, "aliases": [], "rule": rule, "severity": "high", "reasons": [],
        "confidence": 0.8, "title": "title", "seen": [], "impact": "", "action": "",
        "devices": devices, "peer": "202.114.4.119", "attack": [], "cves": [],
        "first_seen": null, "last_seen": null, "count": 1, "weakened_by_loss": false,
        "details": details, "evidence": [{ "file": "a.pcap", "packet": 7 }],
    })
}

const HEAD: &str = r#"
id = "TEST-1"
title = "Test"
dates = []
sources = []

[family]
name = "CONTEC CMS8000"
signatures = ["contec-cms8000"]
hints = [{ attribute = "family_hint", is = ["contec cms8000"] }]

[[claim]]
id = "one"
by = "somebody"
says = "something"
shows = "a packet"
filter = "ip"
untested = "not seen"
"#;

fn read(claim: &str) -> Advisory {
    Advisory::read(&format!("{HEAD}{claim}")).unwrap()
}

/// What the only claim comes to, with the number of proofs.
fn judged(claim: &str) -> (Verdict, usize) {
    let (advisory, report) = (read(claim), report());
    let check = check(&advisory, &report, &[]);
    let one = &check.claims[0];
    assert_eq!(one.verdict == Verdict::NotTested, !one.because.is_empty());
    (one.verdict, one.proofs.len())
}

fn holds(condition: &str) -> bool {
    let (verdict, proofs) = judged(&format!("[claim.holds]\n{condition}\n"));
    assert_ne!(verdict, Verdict::Refuted);
    assert_eq!(verdict == Verdict::Holds, proofs > 0);
    verdict == Verdict::Holds
}

#[test]
fn findings_are_met_by_every_key() {
    let rule = r#"rule = "phi-cleartext-outside""#;
    for (more, wanted) in [
        ("", true),
        (r#", severity = "high""#, true),
        (r#", severity = "critical""#, false),
        (", confidence = 0.8", true),
        (", confidence = 0.9", false),
        (r#", peer = ["202.114.4.0/24"]"#, true),
        (r#", peer = ["10.0.0.0/8"]"#, false),
        (r#", where = ["left", "answered-far"]"#, true),
        (r#", where = ["left"]"#, false),
        (r#", phi-kinds = ["image", "name"]"#, true),
        (r#", phi-kinds = ["image"]"#, false),
        (r#", details = { protocol = "contec-cms" }"#, true),
        (r#", details = { protocol = ["hl7", "contec-cms"] }"#, true),
        (r#", details = { protocol = "hl7" }"#, false),
        (r#", details = { phi_kinds = "vital-signs" }"#, true),
        (", details = { port = 515 }", true),
        (", details = { port = 516 }", false),
        (", details = { readable = true }", true),
        (", details = { readable = false }", false),
        (r#", details = { nowhere = "x" }"#, false),
    ] {
        let condition = format!("finding = {{ {rule}{more} }}");
        assert_eq!(holds(&condition), wanted, "{condition}");
    }
    assert!(!holds(r#"finding = { rule = "impostor" }"#));
}

#[test]
fn conversations_are_met_by_every_key() {
    for (keys, wanted) in [
        ("", true),
        (r#"protocol = ["contec-cms"]"#, true),
        (r#"protocol = ["tls"]"#, false),
        ("port = [515]", true),
        ("port = [516]", false),
        (r#"peer = ["202.114.4.0/24"]"#, true),
        (r#"peer = ["10.0.0.0/8"]"#, false),
        (r#"not-peer = ["10.0.0.0/8"]"#, true),
        (r#"not-peer = ["202.114.4.0/24"]"#, false),
        (r#"where = ["answered-far"]"#, true),
        (r#"where = ["left"]"#, false),
        (r#"direction = "out""#, true),
        (r#"direction = "in""#, false),
        ("answered = true", true),
        ("answered = false", false),
    ] {
        let condition = format!("conversation = {{ {keys} }}");
        assert_eq!(holds(&condition), wanted, "{condition}");
    }
}

#[test]
fn services_words_files_kinds_and_answers_are_met() {
    for (condition, wanted) in [
        (r#"service = { protocol = ["http"] }"#, true),
        (r#"service = { protocol = ["http"], port = [80] }"#, true),
        (r#"service = { protocol = ["http"], port = [81] }"#, false),
        (r#"service = { protocol = ["ftp"] }"#, false),
        (r#"claim = { attribute = "firmware" }"#, true),
        (r#"claim = { attribute = "firmware", is = ["a.03"] }"#, true),
        (r#"claim = { attribute = "firmware", is = ["A.0"] }"#, false),
        (
            r#"claim = { attribute = "firmware", contains = "a.0" }"#,
            true,
        ),
        (
            r#"claim = { attribute = "firmware", contains = "b" }"#,
            false,
        ),
        (r#"claim = { attribute = "model" }"#, false),
        ("artifact = {}", true),
        (r#"artifact = { protocol = ["nfs"], type = ["ELF"] }"#, true),
        (r#"artifact = { type = ["script"] }"#, false),
        (
            r#"artifact = { name = ["monitor"], sha256 = ["ab12"] }"#,
            true,
        ),
        (r#"artifact = { name = ["update"] }"#, false),
        (r#"artifact = { protocol = ["http"] }"#, false),
        (r#"artifact = { sha256 = ["cd"] }"#, false),
        (r#"patient-data = ["image", "name"]"#, true),
        (r#"patient-data = ["image"]"#, false),
        (
            r#"coverage = { question = "code-fetched", answer = "yes" }"#,
            true,
        ),
        (
            r#"coverage = { question = "code-fetched", answer = "no" }"#,
            false,
        ),
        (
            r#"coverage = { question = "readings-true", answer = "yes" }"#,
            false,
        ),
    ] {
        assert_eq!(holds(condition), wanted, "{condition}");
    }
}

#[test]
fn conditions_are_combined() {
    let yes = r#"{ claim = { attribute = "firmware" } }"#;
    let no = r#"{ claim = { attribute = "model" } }"#;
    for (condition, wanted) in [
        (format!("all = [{yes}, {yes}]"), true),
        (format!("all = [{yes}, {no}]"), false),
        (format!("any = [{no}, {yes}]"), true),
        (format!("any = [{no}, {no}]"), false),
        (format!("all = [{yes}, {{ none = [{no}] }}]"), true),
        (format!("all = [{yes}, {{ none = [{no}, {yes}] }}]"), false),
    ] {
        assert_eq!(holds(&condition), wanted, "{condition}");
    }
}

#[test]
fn only_the_contrary_refutes() {
    let contrary = r#"[claim.refuted]
conversation = { protocol = ["contec-cms"] }
"#;
    let absent = r#"[claim.holds]
conversation = { protocol = ["tls"] }
"#;
    let present = r#"[claim.holds]
claim = { attribute = "firmware" }
"#;
    assert_eq!(judged(absent), (Verdict::NotTested, 0));
    assert_eq!(judged(contrary), (Verdict::Refuted, 1));
    assert_eq!(
        judged(&format!("{absent}{contrary}")),
        (Verdict::Refuted, 1)
    );
    // It holds for something, and the contrary is told beside it.
    let both = read(&format!("{present}{contrary}"));
    let report = report();
    let check = check(&both, &report, &[]);
    assert_eq!(check.claims[0].verdict, Verdict::Holds);
    assert_eq!(check.claims[0].contrary.len(), 1);
}

#[test]
fn a_claim_is_looked_for_where_it_says() {
    let blocked = "[claim.holds]\nconversation = { where = [\"blocked\"] }\n";
    assert_eq!(judged(blocked), (Verdict::NotTested, 0));
    let hinted = format!("devices = \"hinted\"\n{blocked}");
    assert_eq!(judged(&hinted), (Verdict::Holds, 1));
    let network = "[claim.holds]\nfinding = { rule = \"hostile-ssid\" }\n";
    assert_eq!(judged(network), (Verdict::NotTested, 0));
    assert_eq!(
        judged(&format!("devices = \"any\"\n{network}")),
        (Verdict::Holds, 1)
    );
    // What touches a claim decides nothing.
    let touched =
        "untestable = \"no packet\"\n[claim.touched]\nclaim = { attribute = \"firmware\" }\n";
    let advisory = read(touched);
    let report = report();
    let check = check(&advisory, &report, &[]);
    assert_eq!(check.claims[0].verdict, Verdict::NotTested);
    assert_eq!(check.claims[0].because, "traffic cannot show it: no packet");
    assert_eq!(check.claims[0].touched.len(), 1);
}

#[test]
fn a_family_that_is_not_recognised_can_be_pointed_at() {
    let text = HEAD.replace(r#"signatures = ["contec-cms8000"]"#, "");
    let claim = "[claim.holds]\nservice = { protocol = [\"http\"] }\n";
    let advisory = Advisory::read(&format!("{text}{claim}")).unwrap();
    let report = report();
    let judged = check(&advisory, &report, &[]);
    assert_eq!(judged.claims[0].verdict, Verdict::NotTested);
    assert!(judged.claims[0].because.contains("does not recognise"));
    let told: [&Device; 1] = [&report.devices[0]];
    let judged = check(&advisory, &report, &told);
    assert_eq!(judged.claims[0].verdict, Verdict::Holds);
}

/// What is wrong with a file that ends so.
fn wrong(claim: &str) -> Unreadable {
    Advisory::read(&format!("{HEAD}{claim}")).unwrap_err()
}

#[test]
fn what_is_wrong_is_told_with_line_and_key() {
    // The first line after the head; `[claim.holds]` stands there.
    const LINE: usize = 19;
    for (condition, key, what) in [
        (r#"finding = { rule = "phi" }"#, "rule", "`phi` is no rule"),
        (
            r#"service = { protocol = ["contec"] }"#,
            "",
            "`contec` is no protocol",
        ),
        (
            r#"patient-data = ["age"]"#,
            "",
            "`age` is no kind of patient data",
        ),
        (
            r#"coverage = { question = "q", answer = "yes" }"#,
            "question",
            "`q` is no question",
        ),
        (
            r#"conversation = { where = ["there"] }"#,
            "",
            "unknown variant `there`",
        ),
        (r#"conversation = { peer = ["10.0.0.0/33"] }"#, "", ""),
        (
            r#"conversation = { prot = ["tls"] }"#,
            "",
            "unknown field `prot`",
        ),
        (r#"conversation = { port = [70000] }"#, "", ""),
        (r#"sees = 1"#, "", "unknown variant `sees`"),
    ] {
        let error = wrong(&format!("[claim.holds]\n{condition}\n"));
        assert_eq!(error.line, LINE + 1, "{condition}: {error}");
        assert!(error.what.contains(what), "{condition}: {error}");
        if !key.is_empty() {
            assert_eq!(error.key.as_deref(), Some(key), "{condition}: {error}");
        }
    }
    let text = HEAD.replace("contec-cms8000", "contec");
    let error = Advisory::read(&text).unwrap_err();
    assert!(
        error.to_string().starts_with("line 9: signatures: "),
        "{error}"
    );
}

#[test]
fn a_claim_that_cannot_be_judged_is_told() {
    let condition = "claim = { attribute = \"firmware\" }";
    for (claim, what) in [
        ("", "or why it is `untestable`"),
        ("[claim.holds]\nall = []\n", "wants something to be seen"),
        (
            "[claim.holds]\nany = [{ all = [] }]\n",
            "wants something to be seen",
        ),
        (
            "[claim.holds]\npatient-data = []\n",
            "wants something to be seen",
        ),
        (
            &format!("[claim.holds]\nall = [{{ none = [{{ {condition} }}] }}]\n"),
            "wants something to be seen",
        ),
        (
            &format!(
                "[claim.refuted]\nall = [{{ {condition} }}, {{ none = [{{ {condition} }}] }}]\n"
            ),
            "no `none` there",
        ),
        (
            &format!("untestable = \"x\"\n[claim.holds]\n{condition}\n"),
            "stands beside",
        ),
    ] {
        let error = wrong(claim);
        assert!(error.what.contains(what), "{claim}: {error}");
        assert_eq!(error.line, 13, "{claim}: {error}");
    }
    for key in ["shows", "filter", "untested"] {
        let lines = HEAD.lines().filter(|line| !line.starts_with(key));
        let text: Vec<&str> = lines.collect();
        let text = format!("{}\n[claim.holds]\n{condition}\n", text.join("\n"));
        let error = Advisory::read(&text).unwrap_err();
        assert!(error.what.contains(key), "{error}");
    }
    let again = format!(
        "[claim.holds]\n{condition}\n{}[claim.holds]\n{condition}\n",
        &HEAD[HEAD.find("[[").unwrap()..]
    );
    assert!(wrong(&again).what.contains("two of this name"));
}

#[test]
fn what_is_shipped_can_be_read_and_shown() {
    let advisories = shipped().unwrap();
    assert!(advisories.len() >= 10);
    let report = report();
    for advisory in &advisories {
        let ids: Vec<&str> = advisories.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids.iter().filter(|id| **id == advisory.id).count(), 1);
        assert!(advisory.claim.iter().any(crate::Claim::is_testable));
        let told: Vec<&Device> = report.devices.iter().collect();
        for told in [told.as_slice(), &[]] {
            shown(&check(advisory, &report, told));
        }
        let mut page = Page::new(80, false);
        crate::plan_text(&mut page, advisory);
        fits(&page.finish());
    }
    let mut page = Page::new(80, false);
    crate::list_text(&mut page, &advisories);
    fits(&page.finish());
    let list: serde_json::Value =
        serde_json::from_str(&crate::list_json(&advisories).unwrap()).unwrap();
    assert_eq!(list.as_array().unwrap().len(), advisories.len());
}

fn shown(check: &Check<'_>) {
    for all in [false, true] {
        let mut page = Page::new(80, false);
        crate::check_text(&mut page, check, all);
        fits(&page.finish());
    }
    let claims = check.advisory.claim.len();
    let json: serde_json::Value = serde_json::from_str(&crate::check_json(check).unwrap()).unwrap();
    assert_eq!(json["claims"].as_array().unwrap().len(), claims);
    assert!(json["claims"][0]["verdict"].is_string());
    let rows = crate::check_csv(check);
    assert_eq!(rows.lines().count(), claims + 1);
}

fn fits(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
