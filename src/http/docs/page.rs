//! This is where the page is written that shows the API to people.

use std::fmt::{Display, Write};

use serde_json::Value;

use super::fields::{TYPE_ANCHOR, called, table};
use super::json::laid_out;
use super::route::{ROUTE_ANCHOR, route};
use super::text::{escaped, line, paragraphs};
use crate::config::ENDPOINT;
use crate::http::routes::{Operation, Product};
use crate::methods::{Description, METHODS, Nature, Noun};
use crate::schema::methods::{about, capitalised, component_name, effect, needed};
use crate::schema::{asyncapi, examples, openapi};
use crate::wire::close::Close;
use crate::wire::error::Code;

/// Products of which the page lists the routes; the methods have chapters of their own.
const PRODUCTS: &[(Product, &str)] = &[
    (Product::Shares, "Share API"),
    (Product::Organizations, "Organisation API"),
    (Product::AuthZen, "AuthZEN"),
    (Product::Gateway, "The gateway itself"),
];

/// The page, with these routes.
pub fn page(operations: &[Operation]) -> String {
    let document = asyncapi::document();
    let http = openapi::document(operations);
    // A type has the same schema in both; a message is one without its method over HTTP, and is shown as a frame.
    let mut schemas = document["components"]["schemas"].clone();
    for (name, schema) in http["components"]["schemas"].as_object().into_iter().flatten() {
        schemas.as_object_mut().expect("schemas are an object").entry(name).or_insert_with(|| schema.clone());
    }
    let mut page = Page(String::new());
    page.add(HEAD);
    page.navigation();
    page.add("<main id=\"content\">\n");
    page.beginning(&schemas);
    for noun in Noun::ALL {
        page.noun(*noun, &schemas);
    }
    page.routes(operations, &http, &schemas);
    page.codes(&document);
    page.types(&schemas);
    page.add("</main>\n</body>\n</html>\n");
    page.0
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>Guestlist: the API</title>
<link rel=\"stylesheet\" href=\"/docs/style.css\">
</head>
<body>
<a class=\"skip\" href=\"#content\">To the content</a>
";

struct Page(String);

impl Page {
    fn add(&mut self, html: impl Display) {
        write!(self.0, "{html}").expect("a text takes what is written to it");
    }

    fn navigation(&mut self) {
        self.add("<nav aria-label=\"Chapters\">\n<a class=\"title\" href=\"#start\">Guestlist</a>\n");
        for noun in Noun::ALL {
            self.add(format_args!(
                "<a class=\"chapter\" href=\"#{}\">{}</a>\n<ul>\n",
                anchor(noun.name()),
                noun.name()
            ));
            for method in METHODS.iter().filter(|method| method.noun == *noun) {
                self.add(format_args!("<li><a href=\"#{0}\">{0}</a></li>\n", method.call.method));
            }
            self.add("</ul>\n");
        }
        self.add("<a class=\"chapter\" href=\"#http\">HTTP</a>\n<ul>\n");
        for (_, title) in PRODUCTS {
            self.add(format_args!("<li><a href=\"#{}\">{title}</a></li>\n", anchor(title)));
        }
        self.add("</ul>\n");
        for (id, title) in [("refusals", "Refusals"), ("closes", "Closes"), ("types", "Types")] {
            self.add(format_args!("<a class=\"chapter\" href=\"#{id}\">{title}</a>\n"));
        }
        self.add("</nav>\n");
    }

    fn beginning(&mut self, schemas: &Value) {
        self.add("<section>\n<h1 id=\"start\">Guestlist: the API</h1>\n");
        self.add(paragraphs(asyncapi::ABOUT));
        self.add(paragraphs(&format!("Connect to `{}` and send who you are:", ENDPOINT)));
        self.example("TOKEN_AUTH");
        self.add("<h3>What <code>TOKEN_AUTH</code> takes</h3>\n");
        self.add(table(&schemas["TokenAuth"]));
        self.add(paragraphs("`{\"method\":\"PING\"}` is answered with `{\"method\":\"PONG\"}`."));
        self.add(
            "<p>For programs: <a href=\"/docs/asyncapi.json\">asyncapi.json</a>, <a href=\"/docs/openapi.json\">openapi.json</a>.</p>\n",
        );
        self.add("</section>\n");
    }

    /// What there is to do with something, in short and then at length.
    fn noun(&mut self, noun: Noun, schemas: &Value) {
        self.add(format_args!("<section>\n<h2 id=\"{}\">{}</h2>\n", anchor(noun.name()), noun.name()));
        self.add(paragraphs(noun.meaning()));
        let methods = || METHODS.iter().filter(|method| method.noun == noun);
        self.add("<dl class=\"contents\">\n");
        for Description { call, .. } in methods() {
            let summary = line(&capitalised(call.summary));
            self.add(format_args!("<dt><a href=\"#{0}\">{0}</a></dt><dd>{summary}.</dd>\n", call.method));
        }
        self.add("</dl>\n");
        methods().for_each(|method| self.method(method, schemas));
        self.add("</section>\n");
    }

    fn method(&mut self, method: &Description, schemas: &Value) {
        let (name, reply) = (method.call.method, method.call.reply);
        self.add(format_args!(
            "<article>\n<h3 id=\"{name}\" class=\"name\">{name} <a class=\"anchor\" href=\"#{name}\" aria-label=\"Link to {name}\">#</a></h3>\n"
        ));
        self.add(format_args!("<p class=\"summary\">{}.</p>\n", line(&capitalised(method.call.summary))));
        self.add(paragraphs(&about(method)));
        self.add(format_args!(
            "<dl class=\"facts\">\n<dt>Who may</dt><dd>{}</dd>\n<dt>Effect</dt><dd>{}</dd>\n<dt>Over HTTP</dt><dd>{}</dd>\n</dl>\n",
            line(needed(method.needs)),
            effect(method),
            match method.nature {
                Nature::Wish => "not at all, for it is about a connection".to_owned(),
                Nature::Change | Nature::Query => format!("<code>POST /api/{name}</code>"),
            }
        ));
        self.example(name);
        self.add("<h4>Fields</h4>\n");
        self.add(table(&schemas[component_name(name)]));
        self.add(format_args!("<h4>Answer: <code>{reply}</code></h4>\n"));
        self.add(table(&schemas[component_name(reply)]));
        self.add("<h4>May be refused with</h4>\n<ul class=\"codes\">\n");
        for code in method.codes() {
            let (number, meaning) = (code.number(), line(code.meaning()));
            self.add(format_args!("<li><a href=\"#error-{number}\">{number}</a> {meaning}</li>\n"));
        }
        self.add("</ul>\n</article>\n");
    }

    fn example(&mut self, method: &str) {
        let Some(example) = examples::of(method) else { return };
        let [sent, received] = [&example.sent, &example.received].map(|frame| escaped(&laid_out(frame)));
        self.add(format_args!(
            "<div class=\"example\">\n<div><b>Send</b>\n<pre>{sent}</pre></div>\n<div><b>Receive</b>\n<pre>{received}</pre></div>\n</div>\n"
        ));
    }

    fn routes(&mut self, operations: &[Operation], document: &Value, schemas: &Value) {
        self.add("<section>\n<h2 id=\"http\">HTTP</h2>\n");
        self.add(paragraphs(
            "Every method above is `POST /api/{method}` too: the body is its message, the answer its ack, and \
             `Authorization: Bearer` has the token.",
        ));
        for (product, title) in PRODUCTS {
            let operations = || operations.iter().filter(|operation| operation.product == *product);
            self.add(format_args!("<h3 id=\"{}\">{title}</h3>\n<dl class=\"contents\">\n", anchor(title)));
            for Operation { verb, path, summary, id, .. } in operations() {
                let verb = verb.to_ascii_uppercase();
                let (path, summary) = (escaped(path), line(summary));
                self.add(format_args!(
                    "<dt><a href=\"#{ROUTE_ANCHOR}{id}\"><code>{verb} {path}</code></a></dt><dd>{summary}.</dd>\n"
                ));
            }
            self.add("</dl>\n");
            for operation in operations() {
                self.add(route(operation, &document["paths"][&operation.path][operation.verb], schemas));
            }
        }
        self.add("</section>\n");
    }

    fn codes(&mut self, document: &Value) {
        self.add("<section>\n<h2 id=\"refusals\">Refusals</h2>\n");
        self.add(paragraphs("A refusal has a code, and a message that says what to do. It changes nothing."));
        let example = document["components"]["messages"]["Refusal"]["examples"][0]["payload"].to_string();
        self.add(format_args!("<pre>{}</pre>\n<table class=\"words\">\n<tbody>\n", escaped(&laid_out(&example))));
        for code in Code::ALL {
            let number = code.number();
            self.add(format_args!(
                "<tr id=\"error-{number}\"><td>{number}</td><td>{}</td></tr>\n",
                line(code.meaning())
            ));
        }
        self.add("</tbody>\n</table>\n</section>\n<section>\n<h2 id=\"closes\">Closes</h2>\n<table class=\"words\">\n<tbody>\n");
        for close in Close::ALL {
            self.add(format_args!("<tr><td>{}</td><td>{}</td></tr>\n", close.code(), line(close.meaning())));
        }
        self.add("</tbody>\n</table>\n</section>\n");
    }

    /// What fields are made of: every schema that is no message.
    fn types(&mut self, schemas: &Value) {
        let messages: Vec<String> =
            METHODS.iter().flat_map(|method| [method.call.method, method.call.reply]).map(component_name).collect();
        self.add("<section>\n<h2 id=\"types\">Types</h2>\n");
        for (name, schema) in schemas.as_object().into_iter().flatten().filter(|(name, _)| !messages.contains(name)) {
            let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
            let called = called(name);
            let mark = if called == name { "" } else { " <small>in messages</small>" };
            self.add(format_args!("<h3 id=\"{TYPE_ANCHOR}{name}\">{called}{mark}</h3>\n"));
            self.add(paragraphs(about));
            self.add(table(schema));
        }
        self.add("</section>\n");
    }
}

/// A title as an anchor.
fn anchor(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}
