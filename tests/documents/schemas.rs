//! The schemas of a document, to hold values against.

use std::collections::HashMap;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

/// The schemas of a document by their names.
pub struct Schemas {
    compiled: HashMap<String, Validator>,
}

impl Schemas {
    /// Those of a document.
    pub fn of(document: &Value, draft: Draft) -> Self {
        let names = document["components"]["schemas"].as_object().expect("a document has schemas").keys();
        let compiled = names.map(|name| {
            let schema = json!({
                "allOf": [{"$ref": format!("#/components/schemas/{name}")}],
                "components": {"schemas": document["components"]["schemas"]},
            });
            let options = jsonschema::options().with_draft(draft).should_validate_formats(true);
            let validator = options.build(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name.clone(), validator)
        });
        Self { compiled: compiled.collect() }
    }

    /// What is wrong with a value; nothing where it fits.
    pub fn faults(&self, name: &str, value: &Value) -> Vec<String> {
        let validator = self.compiled.get(name).unwrap_or_else(|| panic!("there is no schema {name}"));
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}
