//! The answer for people, for programs and for spreadsheets.

use auscult_report::{Page, csv_record};

use super::Verified;
use crate::condition::Proof;
use crate::view::packets;

/// Lines of one kind that are shown unless all are asked for.
const SHOWN: usize = 10;

/// For people.
pub fn verified_text(page: &mut Page, verified: &Verified, all: bool) {
    let word = verified.answer.word().to_uppercase();
    page.hanging(&word, 15, &verified.statement);
    lines(page, "Because", &verified.because, all);
    proofs(page, "Seen", &verified.seen, all);
    proofs(page, "Besides", &verified.besides, all);
    lines(page, "Watched", &verified.watched, all);
    page.labelled("Remains", &verified.remains);
}

fn lines(page: &mut Page, label: &str, texts: &[String], all: bool) {
    let shown = if all { texts.len() } else { SHOWN };
    for (index, text) in texts.iter().take(shown).enumerate() {
        page.labelled(if index == 0 { label } else { "" }, text);
    }
    more(page, texts.len(), shown);
}

fn proofs(page: &mut Page, label: &str, proofs: &[Proof], all: bool) {
    let shown = if all { proofs.len() } else { SHOWN };
    for (index, proof) in proofs.iter().take(shown).enumerate() {
        page.labelled(if index == 0 { label } else { "" }, &proof.what);
        page.labelled("", &packets(proof, all));
        page.labelled("", proof.filter.as_deref().unwrap_or_default());
    }
    more(page, proofs.len(), shown);
}

fn more(page: &mut Page, count: usize, shown: usize) {
    if count > shown {
        page.labelled("", &format!("and {} more (--all)", count - shown));
    }
}

/// For programs.
///
/// # Errors
///
/// None that a value of this form could have.
pub fn verified_json(verified: &Verified) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(verified)?;
    text.push('\n');
    Ok(text)
}

/// For spreadsheets: a row each that was seen.
pub fn verified_csv(verified: &Verified) -> String {
    let mut out = String::new();
    csv_record(
        &mut out,
        ["statement", "answer", "kind", "what", "packets", "filter"],
    );
    let kinds = [("seen", &verified.seen), ("besides", &verified.besides)];
    for (kind, proofs) in kinds {
        for proof in proofs {
            let row = [
                verified.statement.as_str(),
                verified.answer.word(),
                kind,
                &proof.what,
                &packets(proof, true),
                proof.filter.as_deref().unwrap_or_default(),
            ];
            csv_record(&mut out, row);
        }
    }
    for because in &verified.because {
        let row = [
            &verified.statement,
            verified.answer.word(),
            "because",
            because,
            "",
            "",
        ];
        csv_record(&mut out, row);
    }
    out
}
