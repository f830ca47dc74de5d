//! The README's tables are read off the code; `GUESTLIST_BLESS=1 cargo test --test readme` writes them anew.

use std::collections::HashSet;
use std::fmt::Write;
use std::path::Path;

use guestlist::methods::METHODS;
use guestlist::testing::Gateway;
use guestlist::transcript::Transcript;
use guestlist::wire::close::Close;
use guestlist::wire::error::Code;

#[test]
fn the_readme_has_the_tables_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let written = std::fs::read_to_string(&path).expect("there is a README");
    let fresh = [("methods", methods()), ("errors", errors()), ("closes", closes())]
        .iter()
        .fold(written.clone(), |text, (name, table)| with_table(&text, name, table));
    if std::env::var_os("GUESTLIST_BLESS").is_some() {
        std::fs::write(&path, fresh).expect("the README can be written");
    } else {
        assert!(
            fresh == written,
            "the README's tables are stale; GUESTLIST_BLESS=1 cargo test --test readme renews them"
        );
    }
}

#[tokio::test]
async fn the_transcripts_of_the_readme_replay() {
    let written =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("it is there");
    let (_, chapter) = written.split_once("\n## Transcripts\n").expect("the README has a chapter on transcripts");
    let blocks: Vec<&str> = chapter.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty(), "the chapter shows transcripts");
    for block in blocks {
        let transcript = Transcript::parse("README.md", block).expect("what is shown is well formed");
        Gateway::start().await.replay(&transcript).await;
    }
}

#[test]
fn no_two_methods_share_a_name() {
    let methods: HashSet<&str> = METHODS.iter().map(|method| method.call.method).collect();
    assert_eq!(methods.len(), METHODS.len());
    // To subscribe and to end that are answered alike.
    let replies: HashSet<&str> = METHODS.iter().map(|method| method.call.reply).collect();
    assert_eq!(replies.len(), METHODS.len() - 1);
    assert_eq!(methods.intersection(&replies).count(), 0);
}

fn methods() -> String {
    let mut table = String::from("| method | answer | needs | what it does |\n|---|---|---|---|\n");
    for method in METHODS {
        let (call, needs) = (method.call, method.needs.name());
        writeln!(table, "| `{}` | `{}` | {needs} | {} |", call.method, call.reply, call.summary).expect("strings grow");
    }
    table
}

fn errors() -> String {
    let mut table = String::from("| error | meaning |\n|---|---|\n");
    for code in Code::ALL {
        writeln!(table, "| {} | {} |", code.number(), code.meaning()).expect("strings grow");
    }
    table
}

fn closes() -> String {
    let mut table = String::from("| close | when |\n|---|---|\n");
    for close in Close::ALL {
        writeln!(table, "| {} | {} |", close.code(), close.meaning()).expect("strings grow");
    }
    table
}

/// The text with a table between its markers.
fn with_table(text: &str, name: &str, table: &str) -> String {
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&open).unwrap_or_else(|| panic!("the README has no {open}"));
    let (_, after) = rest.split_once(&close).unwrap_or_else(|| panic!("the README has no {close}"));
    format!("{before}{open}\n{table}\n{close}{after}")
}
