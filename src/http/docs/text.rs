//! This is where texts become HTML: nothing in them is markup but backticks around code, and empty lines between paragraphs.

/// A text in which nothing is markup.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A text with code between backticks.
pub fn line(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(index, part)| match index % 2 {
        0 => escaped(part),
        _ => format!("<code>{}</code>", escaped(part)),
    });
    parts.collect()
}

/// A text of several paragraphs.
pub fn paragraphs(text: &str) -> String {
    let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>\n", line(paragraph))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            line("a <b> & `<c>` \"d\" 'e'"),
            "a &lt;b&gt; &amp; <code>&lt;c&gt;</code> &quot;d&quot; &#39;e&#39;"
        );
        assert_eq!(paragraphs("one\n\ntwo `x`"), "<p>one</p>\n<p>two <code>x</code></p>\n");
    }
}
