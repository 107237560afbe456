//! Forms in clear: who logs in with one. The secret is never taken out of the form.
//!
//! Source: the URL Standard, application/x-www-form-urlencoded; field names as web applications in
//! use have them. Limit: [`FORM`].

use super::body::percent_decoded;
use super::head::{Follows, Head};
use crate::text;

/// Bytes of the longest form that is read; longer ones are skipped.
pub(super) const FORM: u64 = 16 << 10;

/// Names of fields that hold a secret, and of those that hold an account; in lower case.
const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "pwd",
    "pw",
    "pword",
    "passwort",
    "kennwort",
    "passphrase",
    "motdepasse",
    "contrasena",
    "senha",
    "psw",
    "user_password",
    "userpassword",
    "login_password",
    "j_password",
    "os_password",
    "pma_password",
    "txtpassword",
    "userpass",
];
const ACCOUNTS: &[&str] = &[
    "username",
    "user",
    "login",
    "account",
    "uname",
    "userid",
    "user_id",
    "user_name",
    "email",
    "loginname",
    "login_name",
    "benutzer",
    "benutzername",
    "name",
    "uid",
    "usr",
    "j_username",
    "os_username",
    "pma_username",
    "txtusername",
    "log",
    "userlogin",
    "admin",
];

/// Whether the body behind a head is a form that is short enough, whole and not coded.
pub(super) fn is_one(head: &Head<'_>) -> bool {
    const FORM_TYPE: &[u8] = b"application/x-www-form-urlencoded";
    let fits = matches!(
        head.follows(Follows::Nothing),
        Follows::Length(length) if length <= FORM
    );
    let kind = head.get("content-type").unwrap_or_default();
    let start = kind.get(..FORM_TYPE.len()).unwrap_or_default();
    fits && start.eq_ignore_ascii_case(FORM_TYPE) && head.get("content-encoding").is_none()
}

/// Name, in lower case, and value of one field.
fn name_and_value(field: &[u8]) -> Option<(String, &[u8])> {
    let equals = memchr::memchr(b'=', field)?;
    let (name, value) = field.split_at(equals);
    let name = text::lenient(&percent_decoded(name)).to_ascii_lowercase();
    Some((name, value.get(1..)?))
}

/// All that stands in a form but the account: secrets, and what may be about anybody.
pub(super) fn private(form: &[u8]) -> impl Iterator<Item = &[u8]> {
    let fields = form.split(|&b| b == b'&').filter_map(name_and_value);
    fields
        .filter(|(name, _)| !ACCOUNTS.contains(&name.as_str()))
        .map(|(_, value)| value)
}

/// The account of a form that holds a filled-in secret; empty when it names none.
pub(super) fn account(form: &[u8]) -> Option<String> {
    let mut account = None;
    let mut has_secret = false;
    let fields = form.split(|&b| b == b'&').take(128);
    for (name, value) in fields.filter_map(name_and_value) {
        if SECRETS.contains(&name.as_str()) {
            has_secret |= !value.is_empty();
        } else if account.is_none() && ACCOUNTS.contains(&name.as_str()) {
            let spaced: Vec<u8> = value
                .iter()
                .map(|&b| if b == b'+' { b' ' } else { b })
                .collect();
            account = Some(text::lenient(&percent_decoded(&spaced)));
        }
    }
    has_secret.then(|| account.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wants_a_secret() {
        let form = b"username=ward+4&password=x%26y&Login=Login";
        assert_eq!(account(form).as_deref(), Some("ward 4"));
        assert_eq!(account(b"password=x").as_deref(), Some(""));
        assert_eq!(account(b"username=a&password="), None);
        assert_eq!(account(b"username=a&bypass=1"), None);
        assert_eq!(account(b"q=password"), None);
    }
}
