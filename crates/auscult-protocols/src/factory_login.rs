//! Accounts and secrets that factories set and manuals print.
//!
//! Sources: CISA ICSMA-25-037-02 (Orthanc); the others are the commonest pairs of network devices,
//! as lists of default logins and the lists of worms that try them (Mirai, 2016) have them. The
//! secret is compared where it is read, and never kept. Limit: pairs of single makers are missing.

/// Account and secret.
const PAIRS: [(&str, &str); 21] = [
    ("orthanc", "orthanc"),
    ("admin", "admin"),
    ("admin", ""),
    ("admin", "password"),
    ("admin", "1234"),
    ("admin", "12345"),
    ("admin", "123456"),
    ("administrator", "administrator"),
    ("administrator", ""),
    ("administrator", "admin"),
    ("root", "root"),
    ("root", ""),
    ("root", "admin"),
    ("root", "pass"),
    ("root", "default"),
    ("user", "user"),
    ("service", "service"),
    ("support", "support"),
    ("tech", "tech"),
    ("default", "default"),
    ("pi", "raspberry"),
];

/// Whether an account with this secret is one that everybody knows.
pub(crate) fn is_factory(account: &[u8], secret: &[u8]) -> bool {
    PAIRS.iter().any(|(known, of_it)| {
        account.eq_ignore_ascii_case(known.as_bytes()) && secret == of_it.as_bytes()
    })
}

/// The attribute's value that says so.
pub(crate) const FACTORY: &str = "factory";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_known_as_pairs() {
        assert!(is_factory(b"Admin", b"admin"));
        assert!(is_factory(b"root", b""));
        assert!(!is_factory(b"admin", b"Admin1"));
        assert!(!is_factory(b"orthanc", b"admin"));
    }
}
