//! This is where fields are read as leniently as the SDKs write them: numbers for strings, one for many, either name of a key.
//!
//! Everything here is written back in one form, the one that is journaled.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use compact_str::CompactString;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer, U64Deserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::json;
use smallvec::{SmallVec, smallvec};

use crate::config::{NAME_BYTES_MAX, PATTERN_BYTES_MAX, SIGNUP_ID_BYTES_MAX, TAG_BYTES_MAX, TAGS_MAX};
use crate::schema::leaf::{AlsoNamed, also, schema_of};
use crate::state::patterns::Operator;
use crate::state::signup_list::Tags;

/// A text that may come as an integer, which is then taken as its digits. Kept in whatever is made of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Text<S = Box<str>>(pub S);

impl<'de, S: for<'t> From<&'t str>> Deserialize<'de> for Text<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Expected<S>(PhantomData<S>);
        impl<S: for<'t> From<&'t str>> Visitor<'_> for Expected<S> {
            type Value = Text<S>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a whole number")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<S>, E> {
                Ok(Text(text.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Text<S>, E> {
                Ok(Text(itoa::Buffer::new().format(number).into()))
            }
        }
        deserializer.deserialize_any(Expected(PhantomData))
    }
}

schema_of!(Text, {"type": ["string", "integer"], "minimum": 0});

/// A count that may come as a string of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Count(pub u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Expected;
        impl Visitor<'_> for Expected {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 0 on, or its digits as a string")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Count, E> {
                Ok(Count(number))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Count, E> {
                let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.parse().ok().filter(|_| digits);
                number.map(Count).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Expected)
    }
}

schema_of!(Count, {"type": ["integer", "string"], "minimum": 0, "pattern": "^0*[0-9]{1,20}$"});

/// A uuid, in the schemas of messages: hyphens and upper case are as they come.
pub struct UuidField;

schema_of!(UuidField, {
    "type": "string",
    "pattern": "^(urn:uuid:)?\\{?[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}\\}?$"
});

/// Says in the schema of a message that what it names is not 0, which stands for nothing.
pub fn not_zero(schema: &mut Schema) {
    for id in ["app_id", "bot_id", "bound_app_id"] {
        let zero = json!({"anyOf": [{"const": 0}, {"type": "string", "pattern": "^0+$"}]});
        if schema.pointer(&format!("/properties/{id}")).is_some() {
            also(schema, json!({"not": {"required": [id], "properties": {id: zero}}}));
        }
    }
}

/// A JSON object and nothing else: serde would take an array for a struct too.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Expected<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Expected<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }
    deserializer.deserialize_map(Expected(PhantomData))
}

/// The same for an item of an array.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
}

/// Its schema is that of what is in it, which is an object's.
impl<T: JsonSchema> JsonSchema for Object<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// An array, or one item that stands for an array of one. Most hold one, and that is within it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Many<T>(pub SmallVec<[T; 1]>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Expected<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Expected<T> {
            type Value = Many<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Many<T>, A::Error> {
                // The hint is the sender's word; what is set aside in advance stays small.
                let mut items = SmallVec::with_capacity(seq.size_hint().unwrap_or(0).min(64));
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Many(items))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Many<T>, E> {
                Ok(Many(smallvec![T::deserialize(StrDeserializer::new(text))?]))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Many<T>, E> {
                Ok(Many(smallvec![T::deserialize(U64Deserializer::new(number))?]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Many<T>, A::Error> {
                Ok(Many(smallvec![T::deserialize(MapAccessDeserializer::new(map))?]))
            }
        }
        deserializer.deserialize_any(Expected(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Many<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Many{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let item = generator.subschema_for::<T>();
        json_schema!({"anyOf": [{"type": "array", "items": item}, item]})
    }
}

/// Tags: an array of strings or whole numbers, or a single one.
pub fn tags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Tags>, D::Error> {
    let tags = Option::<Many<Text<CompactString>>>::deserialize(deserializer)?;
    Ok(tags.map(|tags| tags.0.into_iter().map(|tag| tag.0).collect()))
}

/// What tags are read from; goes with `tags`.
pub fn tags_schema(_: &mut SchemaGenerator) -> Schema {
    let tag = json_schema!({"type": ["string", "integer"], "minLength": 1, "maxLength": TAG_BYTES_MAX, "minimum": 0});
    let tags = json_schema!({"type": "array", "items": tag, "maxItems": TAGS_MAX});
    json_schema!({
        "description": "Ids of the app's tags, kept and echoed; one alone needs no array.",
        "anyOf": [tags, tag, {"type": "null"}]
    })
}

/// Somebody who signs up: the bare id, or an object that names it `signup_id` or `signup_user`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signup {
    /// The email address, phone number or other id.
    pub signup_id: CompactString,
    /// The tags, where given.
    pub tags: Option<Tags>,
}

/// A sign-up with what may be said of it.
#[derive(serde::Deserialize, JsonSchema)]
#[schemars(rename = "Signup", transform = AlsoNamed("signup_id", &["signup_user"]))]
struct SignupObject {
    /// The email address, phone number or other id. Ids compare trimmed and without case.
    #[serde(alias = "signup_user")]
    #[schemars(extend("maxLength" = SIGNUP_ID_BYTES_MAX, "pattern" = r"\S"))]
    #[schemars(with = "Text")]
    signup_id: Text<CompactString>,
    #[serde(default, deserialize_with = "tags")]
    #[schemars(schema_with = "tags_schema")]
    tags: Option<Tags>,
}

impl Serialize for Signup {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Tagged<'a> {
            signup_id: &'a str,
            tags: &'a Tags,
        }
        match &self.tags {
            None => serializer.serialize_str(&self.signup_id),
            Some(tags) => Tagged { signup_id: &self.signup_id, tags }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Signup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expecting = "a sign-up: a string, a whole number, or an object with `signup_id`";
        let item: Item<SignupObject> = item(deserializer, expecting)?;
        Ok(match item {
            Item::Text(text) => Self { signup_id: text, tags: None },
            Item::Object(object) => Self { signup_id: object.signup_id.0, tags: object.tags },
        })
    }
}

impl JsonSchema for Signup {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Signup".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let id = json_schema!({
            "description": "The email address, phone number or other id alone.",
            "type": ["string", "integer"], "maxLength": SIGNUP_ID_BYTES_MAX, "pattern": r"\S", "minimum": 0
        });
        json_schema!({"anyOf": [id, generator.subschema_for::<SignupObject>()]})
    }
}

/// A pattern: the bare text, or an object; in a removal its text or its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(from = "PatternForm")]
pub struct PatternField {
    /// The text.
    pub pattern: Box<str>,
    /// How the text is meant, where given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<Operator>,
    /// A sample of what it is meant to match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Box<str>>,
    /// The tags, where given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
}

/// A pattern in either form, as it is read.
struct PatternForm(Item<PatternObject>);

/// A pattern with what may be said of it.
#[derive(serde::Deserialize, JsonSchema)]
#[schemars(rename = "Pattern")]
struct PatternObject {
    /// The text; in a removal, the text or the id.
    pattern: Text,
    operator: Option<Operator>,
    /// A sample of what it is meant to match, for people.
    #[schemars(extend("maxLength" = NAME_BYTES_MAX))]
    example: Option<Text>,
    #[serde(default, deserialize_with = "tags")]
    #[schemars(schema_with = "tags_schema")]
    tags: Option<Tags>,
}

impl JsonSchema for PatternField {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [generator.subschema_for::<Text>(), generator.subschema_for::<PatternObject>()]})
    }
}

impl<'de> Deserialize<'de> for PatternForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        item(deserializer, "a pattern: a string, or an object with `pattern`").map(Self)
    }
}

impl From<PatternForm> for PatternField {
    fn from(form: PatternForm) -> Self {
        match form.0 {
            Item::Text(text) => Self { pattern: text.into(), operator: None, example: None, tags: None },
            Item::Object(object) => Self {
                pattern: object.pattern.0,
                operator: object.operator,
                example: object.example.map(|text| text.0),
                tags: object.tags,
            },
        }
    }
}

/// A pattern that is to be added, in schemas: it says something.
pub struct NewPattern;

impl JsonSchema for NewPattern {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "NewPattern".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let says_something = json!({"minLength": 1, "maxLength": PATTERN_BYTES_MAX});
        let mut bare = generator.subschema_for::<Text>();
        also(&mut bare, says_something.clone());
        let mut object = json_schema!({"properties": {"pattern": says_something}});
        also(&mut object, generator.subschema_for::<PatternObject>().to_value());
        json_schema!({"anyOf": [bare, object]})
    }
}

/// An item that comes bare or as an object.
enum Item<T> {
    Text(CompactString),
    Object(T),
}

fn item<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    expecting: &'static str,
) -> Result<Item<T>, D::Error> {
    struct Expected<T>(&'static str, PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for Expected<T> {
        type Value = Item<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E>(self, text: &str) -> Result<Item<T>, E> {
            Ok(Item::Text(text.into()))
        }

        fn visit_u64<E>(self, number: u64) -> Result<Item<T>, E> {
            Ok(Item::Text(itoa::Buffer::new().format(number).into()))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item<T>, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map)).map(Item::Object)
        }
    }
    deserializer.deserialize_any(Expected(expecting, PhantomData))
}
