//! Parts of frames that are not compared, named by JSONPath (RFC 9535).

use serde_json_path::{JsonPath, ParseError};

/// The parts of frames that are not compared: what a path finds, and everything below it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ignore(Vec<JsonPath>);

impl Ignore {
    /// Adds a path, such as `$.date` or `$..id`.
    pub fn add(&mut self, path: &str) -> Result<(), ParseError> {
        self.0.push(JsonPath::parse(path)?);
        Ok(())
    }

    /// Whether everything is compared.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
