//! This is where JSON is laid out to be read: what is short stays on a line, and members keep their order.

use std::sync::LazyLock;

use regex::Regex;

/// Bytes of a line that is not broken.
const LINE: usize = 44;

/// By how much what is within something is set in.
const STEP: usize = 2;

/// The same JSON on as many lines as it takes.
pub fn laid_out(json: &str) -> String {
    static TOKEN: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#""(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+"#).expect("the expression is well formed")
    });
    let tokens: Vec<&str> = TOKEN.find_iter(json).map(|token| token.as_str()).collect();
    let mut text = String::new();
    // Whether what is open is broken into lines, the innermost last.
    let mut broken: Vec<bool> = Vec::new();
    let new_line = |text: &mut String, depth: usize| {
        text.push('\n');
        text.push_str(&" ".repeat(depth * STEP));
    };
    for (index, token) in tokens.iter().enumerate() {
        let depth = broken.iter().filter(|broken| **broken).count();
        match *token {
            "{" | "[" => {
                text.push_str(token);
                let column = text.rsplit('\n').next().unwrap_or_default().len();
                let breaks = column + length(&tokens[index..]) > LINE;
                broken.push(breaks);
                if breaks {
                    new_line(&mut text, depth + 1);
                }
            }
            "}" | "]" => {
                if broken.pop() == Some(true) {
                    new_line(&mut text, depth - 1);
                }
                text.push_str(token);
            }
            "," if broken.last() == Some(&true) => {
                text.push(',');
                new_line(&mut text, depth);
            }
            "," => text.push_str(", "),
            ":" => text.push_str(": "),
            token => text.push_str(token),
        }
    }
    text
}

/// How long what opens with the first token would be on one line.
fn length(tokens: &[&str]) -> usize {
    let (mut depth, mut length) = (0_usize, 0);
    for token in tokens {
        match *token {
            "{" | "[" => depth += 1,
            "}" | "]" => depth -= 1,
            _ => {}
        }
        length += token.len() + usize::from([",", ":"].contains(token));
        if depth == 0 {
            break;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_stays_on_a_line_and_the_rest_is_broken() {
        assert_eq!(laid_out(r#"{ "b":1,"a" : [ ] }"#), r#"{"b": 1, "a": []}"#);
        let long =
            r#"{"method":"x","list":[{"name":"a, \"b\" {c}: d"},{"name":"another that is quite long"}],"n":1.50}"#;
        let told = r#"{
  "method": "x",
  "list": [
    {"name": "a, \"b\" {c}: d"},
    {"name": "another that is quite long"}
  ],
  "n": 1.50
}"#;
        assert_eq!(laid_out(long), told);
    }
}
