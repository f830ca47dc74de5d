//! This is where it is told what an email address looks like.

use crate::schema::leaf::schema_of;

/// Bytes of the longest address.
pub const EMAIL_BYTES_MAX: usize = 256;

/// Whether a text is an email address: a plain local part, and a domain whose last label has at least two letters.
///
/// The rule is the one that the share API checks addresses with: no quotes, no comments, nothing but ASCII, no spaces around it.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= EMAIL_BYTES_MAX && is_local_part(local) && is_domain(domain)
}

/// An email address, in schemas: what [`is_email`] takes.
pub struct EmailAddress;

schema_of!(EmailAddress, {
    "type": "string",
    "format": "email",
    "maxLength": EMAIL_BYTES_MAX,
    "pattern": "^([A-Za-z0-9_'+-]+\\.)*[A-Za-z0-9_'+-]*[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\\.)+[A-Za-z]{2,}$"
});

fn is_local_part(local: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_'+-.".contains(&byte);
    !local.is_empty()
        && local.bytes().all(known)
        && !local.starts_with('.')
        && !local.contains("..")
        && !local.ends_with(['.', '\''])
}

fn is_domain(domain: &str) -> bool {
    let Some((labels, last)) = domain.rsplit_once('.') else { return false };
    let is_label = |label: &str| {
        label.starts_with(|first: char| first.is_ascii_alphanumeric())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    labels.split('.').all(is_label) && last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_texts() {
        for text in ["amy@example.com", "A.b+c_d-e'f@mail-1.example.co", "1@2.io"] {
            assert!(is_email(text), "{text} is an address");
        }
        let long = format!("{}@example.com", "x".repeat(EMAIL_BYTES_MAX));
        for text in [
            "",
            "@",
            "a@",
            "@b.co",
            "a@b.c",
            "a@b",
            "a@.co",
            "a@b..co",
            "a@-b.co",
            ".a@b.co",
            "a..b@c.co",
            "a.@b.co",
            "a'@b.co",
            " a@b.co",
            "a@b.co ",
            "a b@c.co",
            "é@b.co",
            "a@é.co",
            "a@b@c.co",
            "a@b.c0",
            &long,
        ] {
            assert!(!is_email(text), "{text} is none");
        }
    }
}
