//! The documents as a gateway serves them and as the command line prints them, and the page that shows them.

use std::collections::BTreeSet;
use std::process::Command;

use guestlist::methods::METHODS;
use guestlist::wire::error::Code;
use regex::Regex;
use serde_json::json;
use tempfile::TempDir;

use crate::http::OPENAPI;
use crate::support::gateway;
use crate::support::http::Http;

#[tokio::test]
async fn the_documents_are_served_as_they_are_printed_and_not_sent_twice() {
    let directory = TempDir::new().expect("there is room for a directory");
    let gateway = gateway(directory.path()).await;
    let http = Http::of(&gateway);
    for document in ["asyncapi", "openapi"] {
        let served = http.get(format!("/docs/{document}.json")).send().await.expect(200);
        assert_eq!(served.header("content-type"), Some("application/json"));
        let printed = Command::new(env!("CARGO_BIN_EXE_guestlist")).args(["schema", document]).output();
        let printed = printed.expect("the program can be run");
        assert!(printed.status.success() && printed.stdout == served.text().as_bytes(), "{document}");
        let file = directory.path().join(document);
        let written =
            Command::new(env!("CARGO_BIN_EXE_guestlist")).args(["schema", document, "--out"]).arg(&file).output();
        assert!(written.expect("the program can be run").stdout.is_empty());
        assert_eq!(std::fs::read(&file).expect("the file was written"), printed.stdout);
    }
    for path in ["/docs", "/docs/style.css", "/docs/asyncapi.json", "/docs/openapi.json"] {
        let served = http.get(path).send().await.expect(200);
        let tag = served.header("etag").expect("what stays the same has a tag").to_owned();
        assert_eq!(served.header("cache-control"), Some("public, no-cache"), "{path}");
        for known in [tag.clone(), format!("W/{tag}, \"x\""), "*".to_owned()] {
            let same = http.get(path).header("if-none-match", known).send().await.expect(304);
            assert_eq!((same.header("etag"), same.text()), (Some(tag.as_str()), String::new()), "{path}");
        }
        let other = http.get(path).header("if-none-match", "\"x\"").send().await.expect(200);
        assert_eq!(other.text(), served.text(), "{path}");
        http.post(path).send().await.expect(405);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_page_shows_every_method_and_needs_nothing_from_elsewhere() {
    let directory = TempDir::new().expect("there is room for a directory");
    let gateway = gateway(directory.path()).await;
    let served = Http::of(&gateway).get("/docs").send().await.expect(200);
    gateway.stop().await;
    assert_eq!(served.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = served.header("content-security-policy").expect("the page has a policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self';") && !policy.contains("unsafe"), "{policy}");
    let page = served.text();
    for foreign in ["<script", "http://", "https://", " style=", " onclick", "<img", "<iframe", "@import", "url("] {
        assert!(!page.contains(foreign), "the page has {foreign}");
    }
    let found = |expression: &str| -> Vec<String> {
        let expression = Regex::new(expression).expect("it is an expression");
        expression.captures_iter(&page).map(|captures| captures[1].to_owned()).collect()
    };
    let ids = found(" id=\"([^\"]+)\"");
    let different: BTreeSet<&String> = ids.iter().collect();
    assert_eq!(different.len(), ids.len(), "an anchor stands twice");
    for target in found(" href=\"#([^\"]+)\"") {
        assert!(different.contains(&target), "nothing is at #{target}");
    }
    for method in METHODS {
        assert!(ids.iter().any(|id| id == method.call.method), "{} is not shown", method.call.method);
        assert!(page.contains(&format!("Answer: <code>{}</code>", method.call.reply)), "{}", method.call.reply);
    }
    for code in Code::ALL {
        assert!(different.contains(&format!("error-{}", code.number())), "{code:?} is not shown");
    }
    for (name, article) in articles(&page) {
        for part in ["class=\"summary\"", "class=\"facts\"", "class=\"codes\""] {
            assert!(article.contains(part), "{name} is without {part}");
        }
        let is_method = METHODS.iter().any(|method| method.call.method == name);
        assert!(!is_method || article.contains("class=\"example\""), "{name} is without an example");
    }
    let operations = OPENAPI["paths"].as_object().into_iter().flatten().flat_map(|(_, item)| item.as_object());
    for operation in
        operations.flat_map(|item| item.values()).filter(|operation| operation["tags"] != json!(["Methods"]))
    {
        let id = operation["operationId"].as_str().expect("an operation has a name");
        assert!(different.contains(&format!("http-{id}")), "{id} is not shown");
    }
}

/// What the page says of each method and route, by its anchor.
fn articles(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("<article>").skip(1).map(|article| {
        let article = article.split("</article>").next().unwrap_or_default();
        (article.split('"').nth(1).expect("an article has an anchor"), article)
    })
}
