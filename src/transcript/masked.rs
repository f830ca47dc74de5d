//! This is where a frame is made fit to be shown: as it was written, but for what is secret.

use super::json::quoted;
use super::{quick, secrets};

/// What stands for a secret.
const MASK: &str = "•••";

/// A frame with its secrets masked; nothing of one that is no usual JSON, in which they might hide.
pub fn masked(text: &str) -> Option<String> {
    quick::read(text, &mut Masked)
}

struct Masked;

impl quick::Build for Masked {
    type Part = String;

    fn null(&mut self) -> String {
        "null".to_owned()
    }

    fn boolean(&mut self, value: bool) -> String {
        value.to_string()
    }

    fn number(&mut self, text: String) -> String {
        text
    }

    fn string(&mut self, text: &str) -> String {
        quoted(if secrets::is_within(text) { MASK } else { text })
    }

    fn array(&mut self, items: Vec<String>) -> String {
        format!("[{}]", items.join(","))
    }

    fn object(&mut self, members: Vec<(String, String)>) -> String {
        let members = members.into_iter().map(|(key, value)| {
            let value = if secrets::stem(&key, None).is_some() { quoted(MASK) } else { value };
            format!("{}:{value}", quoted(&key))
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_the_rest_stays_as_it_was_written() {
        let text = r#"{"method":"setBot","bot_id":"7","token":"7:0:Secret","nested":[{"password":["a","b"]},1,null,true,"é\n"]}"#;
        let shown = r#"{"method":"setBot","bot_id":"7","token":"•••","nested":[{"password":"•••"},1,null,true,"é\n"]}"#;
        assert_eq!(masked(text).as_deref(), Some(shown));
    }

    #[test]
    fn a_secret_in_the_middle_of_a_text_is_masked_with_it() {
        let text = r#"{"message":"the header authorization: Bearer abcdefgh12345678 is wrong"}"#;
        assert_eq!(masked(text).as_deref(), Some(r#"{"message":"•••"}"#));
    }

    #[test]
    fn what_is_no_usual_json_is_not_shown() {
        for text in ["no JSON", r#"{"token":"a","token":"b"}"#, ""] {
            assert_eq!(masked(text), None, "{text}");
        }
    }
}
