//! This is where it is read who signs up or logs in.

use serde_json::Value;

use super::bodies::{bad_email, object, text};
use super::issues::{Issue, Step};
use crate::config::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use crate::methods::passwords;

/// An email address and a password in clear, of a form that a user may have.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The address.
    pub email: Box<str>,
    /// The password.
    pub password: String,
}

/// Reads an email address and a password; where the password comes twice, it must be the same.
pub fn credentials(body: Option<&Value>) -> Result<Credentials, Vec<Issue>> {
    let object = object(body)?;
    let mut issues = Vec::new();
    let email = text(object, "email", &mut issues);
    issues.extend(email.map(|email| bad_email(email, &[Step::Name("email")])).unwrap_or_default());
    let password = text(object, "password", &mut issues);
    issues.extend(password.map(bad_password).unwrap_or_default());
    if object.contains_key("confirmPassword") {
        let again = text(object, "confirmPassword", &mut issues);
        if again.is_some() && password.is_some() && again != password {
            issues.push(Issue::custom("Passwords must match", vec![Step::Name("confirmPassword")]));
        }
    }
    match (email, password) {
        (Some(email), Some(password)) if issues.is_empty() => {
            Ok(Credentials { email: email.into(), password: password.to_owned() })
        }
        _ => Err(issues),
    }
}

fn bad_password(password: &str) -> Vec<Issue> {
    let path = || vec![Step::Name("password")];
    let mut issues = Vec::new();
    let length = password.chars().count();
    if length < PASSWORD_CHARS_MIN {
        issues.push(Issue::too_short(PASSWORD_CHARS_MIN as u64, path()));
    }
    if length > PASSWORD_CHARS_MAX {
        issues.push(Issue::too_long(PASSWORD_CHARS_MAX as u64, path()));
    }
    issues.extend(passwords::lacking(password).map(|kind| Issue::lacks(kind, path())));
    issues
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_second_password_may_be_left_out() {
        for body in [
            json!({"email": "amy@example.com", "password": "Demo-pass-1!"}),
            json!({"email": "amy@example.com", "password": "Demo-pass-1!", "confirmPassword": "Demo-pass-1!", "name": 7}),
        ] {
            let read = credentials(Some(&body)).unwrap_or_else(|issues| panic!("{issues:?}"));
            assert_eq!((&*read.email, &*read.password), ("amy@example.com", "Demo-pass-1!"));
        }
    }

    #[test]
    fn what_is_wrong_with_credentials_is_told_all_at_once_and_never_quoted() {
        for (body, expected) in [
            (
                json!({}),
                concat!(
                    r#"[{"code":"invalid_type","expected":"string","received":"undefined","path":["email"],"message":"Required"},"#,
                    r#"{"code":"invalid_type","expected":"string","received":"undefined","path":["password"],"message":"Required"}]"#
                ),
            ),
            (
                json!("email=a@b.co"),
                r#"[{"code":"invalid_type","expected":"object","received":"string","path":[],"message":"Expected object, received string"}]"#,
            ),
            (
                json!({"email": "amy", "password": "\u{e9}\u{c9}\u{20ac}1234"}),
                concat!(
                    r#"[{"code":"too_small","minimum":5,"type":"string","inclusive":true,"exact":false,"path":["email"],"message":"String must contain at least 5 character(s)"},"#,
                    r#"{"code":"invalid_string","validation":"email","path":["email"],"message":"Invalid email"},"#,
                    r#"{"code":"too_small","minimum":8,"type":"string","inclusive":true,"exact":false,"path":["password"],"message":"String must contain at least 8 character(s)"}]"#
                ),
            ),
            (
                json!({"email": "amy@example.com", "password": "\u{6f22}\u{5b57}".repeat(4)}),
                concat!(
                    r#"[{"code":"invalid_string","validation":"regex","path":["password"],"message":"String must contain at least one lower-case letter"},"#,
                    r#"{"code":"invalid_string","validation":"regex","path":["password"],"message":"String must contain at least one capital letter"},"#,
                    r#"{"code":"invalid_string","validation":"regex","path":["password"],"message":"String must contain at least one digit"},"#,
                    r#"{"code":"invalid_string","validation":"regex","path":["password"],"message":"String must contain at least one special character"}]"#
                ),
            ),
            (
                json!({"email": "amy@example.com", "password": "aA1!".repeat(65)}),
                r#"[{"code":"too_big","maximum":256,"type":"string","inclusive":true,"exact":false,"path":["password"],"message":"String must contain at most 256 character(s)"}]"#,
            ),
            (
                json!({"email": "amy@example.com", "password": "Demo-pass-1!", "confirmPassword": "Demo-pass-2!"}),
                r#"[{"code":"custom","path":["confirmPassword"],"message":"Passwords must match"}]"#,
            ),
            (
                json!({"email": "amy@example.com", "password": "Demo-pass-1!", "confirmPassword": 1}),
                r#"[{"code":"invalid_type","expected":"string","received":"number","path":["confirmPassword"],"message":"Expected string, received number"}]"#,
            ),
        ] {
            let issues = credentials(Some(&body)).err().expect("the body is refused");
            assert_eq!(serde_json::to_string(&issues).expect("issues encode"), expected);
        }
    }
}
