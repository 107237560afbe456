//! For spreadsheets: a row a claim.

use auscult_report::csv_record;

use crate::condition::Proof;
use crate::judge::Check;

/// The check as a table.
pub fn check_csv(check: &Check<'_>) -> String {
    let mut out = String::new();
    let head = [
        "advisory", "claim", "by", "says", "cves", "verdict", "because", "seen", "packets",
        "filter",
    ];
    csv_record(&mut out, head);
    for judged in &check.claims {
        let claim = judged.claim;
        let row = [
            check.advisory.id.clone(),
            claim.id.get_ref().clone(),
            claim.by.clone(),
            claim.says.clone(),
            claim.cves.join(" "),
            judged.verdict.word().to_owned(),
            judged.because.clone(),
            seen(&judged.proofs),
            packets(&judged.proofs),
            claim.filter.clone(),
        ];
        csv_record(&mut out, row);
    }
    out
}

fn seen(proofs: &[Proof]) -> String {
    let texts: Vec<&str> = proofs.iter().map(|proof| proof.what.as_str()).collect();
    texts.join("; ")
}

fn packets(proofs: &[Proof]) -> String {
    let packets = proofs.iter().flat_map(|proof| &proof.packets);
    let texts: Vec<String> = packets
        .map(|packet| format!("{}:{}", packet.file, packet.packet))
        .collect();
    texts.join(" ")
}
