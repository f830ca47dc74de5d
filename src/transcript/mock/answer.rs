//! What answers what, and an answer as it is given to a client who asks the same.

use serde_json::value::RawValue;

use super::super::json::{Json, Layer, quoted};
use super::super::pattern::Pattern;
use super::heard::{Asked, REFERENCES, References};

/// Requests whose answers carry no reference, whatever they had.
const WITHOUT_REFERENCE: &str = "PING";

/// An answer, ready to be given with the references and the values of the day.
#[derive(Debug)]
pub(super) enum Answer {
    /// An object, in the order it was written.
    Object(Vec<Member>),
    /// Any other text.
    Text(String),
}

#[derive(Debug)]
pub(super) struct Member {
    name: String,
    part: Part,
}

#[derive(Debug)]
enum Part {
    /// A value, perhaps with placeholders.
    Value(Pattern),
    /// A value as it stands.
    Raw(String),
    /// The client's reference of this member's name; where there is none, the member is left out.
    Reference,
}

impl Answer {
    /// One that was expected by value.
    pub(super) fn of_pattern(pattern: Pattern, request: Option<&Asked>) -> Self {
        let Pattern::Object(members) = pattern else { unreachable!("a frame that is expected is an object") };
        let members = members.into_iter().map(|(name, value)| {
            let told = Json::parse(&value.to_string()).ok();
            Member::new(name, told.as_ref(), Part::Value(value), request)
        });
        Answer::Object(members.collect()).referring(request)
    }

    /// One that was expected text by text.
    pub(super) fn of_text(text: &str, request: Option<&Asked>) -> Self {
        let Ok(Ok(Layer::Object(members))) = serde_json::from_str::<&RawValue>(text).map(Layer::of) else {
            return Answer::Text(text.to_owned());
        };
        if request.is_none_or(|request| request.references.is_empty()) {
            return Answer::Text(text.to_owned());
        }
        let members = members.into_iter().map(|member| {
            let told = Json::parse(member.value.get()).ok();
            Member::new(member.name, told.as_ref(), Part::Raw(member.value.get().to_owned()), request)
        });
        Answer::Object(members.collect())
    }

    /// The text for a client: its references, and what a value is today.
    pub(super) fn render(&self, references: &References, mut value: impl FnMut(&Pattern) -> String) -> String {
        let members = match self {
            Answer::Text(text) => return text.clone(),
            Answer::Object(members) => members,
        };
        let mut rendered = Vec::with_capacity(members.len());
        for Member { name, part } in members {
            let part = match part {
                Part::Value(pattern) => Some(value(pattern)),
                Part::Raw(raw) => Some(raw.clone()),
                Part::Reference => references.get(name).map(str::to_owned),
            };
            rendered.extend(part.map(|part| format!("{}:{part}", quoted(name))));
        }
        format!("{{{}}}", rendered.join(","))
    }

    /// The answer to a request that was recorded without a reference gets that of a client who has one.
    fn referring(mut self, request: Option<&Asked>) -> Self {
        let Answer::Object(members) = &mut self else { return self };
        let adds = |request: &Asked| {
            request.references.is_empty() && request.method.as_deref().is_some_and(|method| method != WITHOUT_REFERENCE)
        };
        if request.is_some_and(adds) {
            for name in REFERENCES.into_iter().rev() {
                if !members.iter().any(|member| member.name == name) {
                    members.push(Member { name: name.to_owned(), part: Part::Reference });
                }
            }
        }
        self
    }
}

impl Member {
    fn new(name: String, told: Option<&Json>, part: Part, request: Option<&Asked>) -> Self {
        let is_echo = REFERENCES.contains(&name.as_str())
            && told.zip(request).is_some_and(|(told, request)| request.references.has(&name, told));
        Member { name, part: if is_echo { Part::Reference } else { part } }
    }
}

/// Which of the requests without an answer, in the order they were sent, a frame answers.
pub(super) fn answered<'s>(
    frame: Option<&Json>,
    mut unanswered: impl Iterator<Item = (usize, &'s Asked)> + Clone,
) -> Option<usize> {
    let text = |name: &str| frame?.get(name)?.as_str();
    let told = |name| Some((name, frame?.get(name).filter(|value| is_told(value))?));
    let references: Vec<(&str, &Json)> = REFERENCES.into_iter().filter_map(told).collect();
    let refers_to = |request: &Asked| references.iter().any(|(name, value)| request.references.has(name, value));
    if let Some((index, _)) = unanswered.clone().find(|(_, request)| refers_to(request)) {
        return Some(index);
    }
    let is_error = frame.is_some_and(|frame| frame.get("error").is_some());
    let (method, of) = (text("method"), text("request"));
    let answers = |request: &Asked| match request.method.as_deref() {
        // Another reference is another request's.
        _ if !references.is_empty() && !request.references.is_empty() => false,
        Some(asked) => {
            method.is_some_and(|method| is_reply(method, asked)) || of == Some(asked) || (is_error && of.is_none())
        }
        None => is_error || method.is_none(),
    };
    unanswered.find(|(_, request)| answers(request)).map(|(index, _)| index)
}

/// Whether a frame of this method is how requests of that one are answered.
fn is_reply(method: &str, asked: &str) -> bool {
    match asked {
        "PING" => method == "PONG",
        _ => method.strip_prefix(asked).is_some_and(|rest| ["", "_ack", "_OK", "Response"].contains(&rest)),
    }
}

/// Whether a reference tells which request it is: not `null`, and not any value.
fn is_told(reference: &Json) -> bool {
    let is_placeholder = |text: &str| text.starts_with('<') && text.ends_with('>');
    *reference != Json::Null && !reference.as_str().is_some_and(is_placeholder)
}
