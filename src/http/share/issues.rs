//! This is where it is catalogued what may be wrong with a request to the share API, in the words its clients know.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// Something that is wrong with a path or a body: what, where, and in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Issue {
    /// What a program acts on.
    #[serde(flatten)]
    pub kind: Kind,
    /// Where it is.
    pub path: Vec<Step>,
    /// What a person reads. It never quotes what was sent, which may be a password.
    pub message: String,
}

/// A step on the way to what is wrong: a member's name, or an index into an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "IssueStep")]
pub enum Step {
    /// A member of an object, or a parameter of the path.
    Name(&'static str),
    /// An item of an array.
    Index(usize),
}

/// What is wrong: the `code`, and the members that come with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
#[schemars(rename = "IssueKind")]
pub enum Kind {
    /// A value of another type than expected.
    InvalidType { expected: &'static str, received: &'static str },
    /// Too few, too short or too low.
    TooSmall { minimum: u64, r#type: &'static str, inclusive: bool, exact: bool },
    /// Too many, too long or too high.
    TooBig { maximum: u64, r#type: &'static str, inclusive: bool, exact: bool },
    /// A text that is not of its form.
    InvalidString { validation: &'static str },
    /// What is none of the others, such as a rule that several members break together.
    Custom,
}

impl Issue {
    /// A value of the wrong type.
    pub fn expected(expected: &'static str, received: &'static str, path: Vec<Step>) -> Self {
        let message = match received {
            "undefined" => "Required".to_owned(),
            received => format!("Expected {expected}, received {received}"),
        };
        Self { kind: Kind::InvalidType { expected, received }, path, message }
    }

    /// A value of the wrong type, or none at all.
    pub fn unexpected(expected: &'static str, found: Option<&Value>, path: Vec<Step>) -> Self {
        Self::expected(expected, type_of(found), path)
    }

    /// A number that is zero or less.
    pub fn not_above_zero(path: Vec<Step>) -> Self {
        let kind = Kind::TooSmall { minimum: 0, r#type: "number", inclusive: false, exact: false };
        Self { kind, path, message: "Number must be greater than 0".to_owned() }
    }

    /// A number that is too high.
    pub fn above(maximum: u64, path: Vec<Step>) -> Self {
        let kind = Kind::TooBig { maximum, r#type: "number", inclusive: true, exact: false };
        Self { kind, path, message: format!("Number must be less than or equal to {maximum}") }
    }

    /// An array of too few items.
    pub fn too_few(minimum: u64, path: Vec<Step>) -> Self {
        let kind = Kind::TooSmall { minimum, r#type: "array", inclusive: true, exact: false };
        Self { kind, path, message: format!("Array must contain at least {minimum} element(s)") }
    }

    /// An array of too many items.
    pub fn too_many(maximum: u64, path: Vec<Step>) -> Self {
        let kind = Kind::TooBig { maximum, r#type: "array", inclusive: true, exact: false };
        Self { kind, path, message: format!("Array must contain at most {maximum} element(s)") }
    }

    /// A text of too few characters.
    pub fn too_short(minimum: u64, path: Vec<Step>) -> Self {
        let kind = Kind::TooSmall { minimum, r#type: "string", inclusive: true, exact: false };
        Self { kind, path, message: format!("String must contain at least {minimum} character(s)") }
    }

    /// A text of too many characters.
    pub fn too_long(maximum: u64, path: Vec<Step>) -> Self {
        let kind = Kind::TooBig { maximum, r#type: "string", inclusive: true, exact: false };
        Self { kind, path, message: format!("String must contain at most {maximum} character(s)") }
    }

    /// A text that is no email address.
    pub fn no_email(path: Vec<Step>) -> Self {
        Self { kind: Kind::InvalidString { validation: "email" }, path, message: "Invalid email".to_owned() }
    }

    /// A text that is no uuid.
    pub fn no_uuid(path: Vec<Step>) -> Self {
        Self { kind: Kind::InvalidString { validation: "uuid" }, path, message: "Invalid uuid".to_owned() }
    }

    /// A text that lacks something, such as a digit.
    pub fn lacks(what: &str, path: Vec<Step>) -> Self {
        let message = format!("String must contain at least one {what}");
        Self { kind: Kind::InvalidString { validation: "regex" }, path, message }
    }

    /// Whatever else is wrong.
    pub fn custom(message: &str, path: Vec<Step>) -> Self {
        Self { kind: Kind::Custom, path, message: message.to_owned() }
    }
}

/// A value's type, by the name JavaScript has for it or nearly so.
fn type_of(found: Option<&Value>) -> &'static str {
    match found {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}
