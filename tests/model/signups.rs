//! The model's apps: who may sign up, by name or by pattern.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::reference::{Answer, Model, as_number, folded, number, page, text, texts};

#[derive(Clone)]
struct Person {
    id: u64,
    name: String,
    tags: Vec<String>,
}

#[derive(Clone)]
struct Pattern {
    id: u64,
    text: String,
    operator: Option<String>,
    tags: Vec<String>,
}

#[derive(Clone, Default)]
struct List {
    people: Vec<Person>,
    patterns: Vec<Pattern>,
}

#[derive(Clone, Default)]
pub struct App {
    name: String,
    pub builder: bool,
    use_whitelist: bool,
    use_blacklist: bool,
    tags: Vec<String>,
    whitelist: List,
    blacklist: List,
    last_person: u64,
    last_pattern: u64,
}

impl Model {
    pub fn call_about_apps(&mut self, method: &str, message: &Value) -> Answer {
        if method == "getApps" {
            return Ok(page("apps", self.apps.iter().map(|(id, app)| (*id, app.record(*id))), message));
        }
        let id = number(message, "app_id");
        if method == "removeApp" {
            self.apps.remove(&id).ok_or(160_015_u64)?;
            self.leave(id);
            return Ok(json!({"app_id": id.to_string()}));
        }
        if id == 0 {
            return Err(400);
        }
        let app = self.apps.entry(id).or_insert_with(|| App { builder: true, ..App::default() });
        app.name = message["name"].as_str().map_or(std::mem::take(&mut app.name), str::to_owned);
        app.builder = message["app_builder"].as_bool().unwrap_or(app.builder);
        app.use_whitelist = message["use_whitelist"].as_bool().unwrap_or(app.use_whitelist);
        app.use_blacklist = message["use_blacklist"].as_bool().unwrap_or(app.use_blacklist);
        if message.get("tags").is_some() {
            app.tags = texts(message, "tags").map(str::to_owned).collect();
        }
        Ok(app.record(id))
    }
}

impl App {
    fn record(&self, id: u64) -> Value {
        let counts = |list: &List| json!({"signups": list.people.len(), "patterns": list.patterns.len()});
        json!({
            "app_id": id.to_string(), "name": self.name, "app_builder": self.builder, "tags": self.tags,
            "use_whitelist": self.use_whitelist, "use_blacklist": self.use_blacklist,
            "whitelist": counts(&self.whitelist), "blacklist": counts(&self.blacklist)
        })
    }

    /// What is answered to a message about one of the lists.
    pub fn call(&mut self, app: u64, method: &str, message: &Value) -> Answer {
        let tagged = method.contains("Whitelist");
        let Self { whitelist, blacklist, last_person, last_pattern, .. } = self;
        let list = if tagged { whitelist } else { blacklist };
        let adds = method.starts_with("add");
        if method.starts_with("get") {
            return Ok(list.page(app, method.ends_with("Patterns"), message));
        }
        if !method.ends_with("Patterns") {
            let asked = message["signups"].as_array().expect("the steps name people");
            let signups: Vec<Value> = if adds {
                asked.iter().map(|signup| list.add(signup, tagged, last_person)).collect()
            } else {
                asked.iter().filter_map(|signup| list.remove(signup.as_str()?)).map(Value::from).collect()
            };
            return Ok(json!({"app_id": app.to_string(), "signups": signups}));
        }
        let asked = message["patterns"].as_array().expect("the steps name patterns");
        let data = if adds { list.add_patterns(asked, tagged, last_pattern)? } else { list.remove_patterns(asked) };
        let mut answer = json!({"app_id": app.to_string(), "chat_id": app.to_string(), "data": data});
        if adds && !tagged {
            answer["recordIndex"] = Value::Null;
        }
        Ok(answer)
    }

    /// Whether somebody may sign up.
    pub fn decide(&self, somebody: &str) -> Value {
        let person = |list: &List| list.people.iter().find(|person| folded(&person.name) == folded(somebody)).cloned();
        let pattern = |list: &List| list.patterns.iter().find(|pattern| pattern.matches(somebody)).cloned();
        let told = |decision: bool, reason: &str| json!({"decision": decision, "context": {"reason": reason}});
        let by = |mut told: Value, kind: &str, record: Value, tags: &[String]| {
            told["context"][kind] = record;
            if !tags.is_empty() {
                told["context"]["tags"] = json!(tags);
            }
            told
        };
        let mut lists = Vec::new();
        if self.use_blacklist {
            lists.push((&self.blacklist, false, "blacklisted", "blacklisted_by_pattern"));
        }
        if self.use_whitelist {
            lists.push((&self.whitelist, true, "whitelisted", "whitelisted_by_pattern"));
        }
        for (list, decision, by_name, by_pattern) in lists {
            if let Some(person) = person(list) {
                return by(told(decision, by_name), "entry", person.record(), &person.tags);
            }
            if let Some(pattern) = pattern(list) {
                return by(told(decision, by_pattern), "pattern", pattern.record(), &pattern.tags);
            }
        }
        if self.use_whitelist { told(false, "not_whitelisted") } else { told(true, "not_filtered") }
    }
}

impl List {
    fn page(&self, app: u64, patterns: bool, message: &Value) -> Value {
        let app_id = app.to_string();
        if patterns {
            let all = self.patterns.iter().map(|pattern| (pattern.id, pattern.record()));
            let mut answer = page("data", all, message);
            (answer["app_id"], answer["chat_id"]) = (json!(app_id), json!(app_id));
            return answer;
        }
        let mut answer = page("signups", self.people.iter().map(|person| (person.id, person.record())), message);
        answer["app_id"] = json!(app_id);
        answer
    }

    fn add(&mut self, signup: &Value, tagged: bool, last: &mut u64) -> Value {
        let name = signup.as_str().unwrap_or_else(|| text(signup, "signup_id")).to_owned();
        let tags = signup.get("tags").filter(|_| tagged);
        let tags = tags.map(|_| texts(signup, "tags").map(str::to_owned).collect());
        if let Some(person) = self.people.iter_mut().find(|person| folded(&person.name) == folded(&name)) {
            person.tags = tags.unwrap_or_else(|| person.tags.clone());
            return person.record();
        }
        *last += 1;
        self.people.push(Person { id: *last, name, tags: tags.unwrap_or_default() });
        self.people.last().expect("one was pushed").record()
    }

    fn remove(&mut self, name: &str) -> Option<String> {
        let at = self.people.iter().position(|person| folded(&person.name) == folded(name))?;
        Some(self.people.remove(at).name)
    }

    fn add_patterns(&mut self, asked: &[Value], tagged: bool, last: &mut u64) -> Result<Vec<Value>, u64> {
        let mut fresh: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut added = Vec::new();
        for field in asked {
            let text = field.as_str().unwrap_or_else(|| text(field, "pattern")).to_owned();
            let operator = field.get("operator").and_then(Value::as_str).map(str::to_owned);
            if text == "(" && operator.is_some() {
                return Err(400);
            }
            let stands = self.patterns.iter().find(|pattern| pattern.text == text).map(|pattern| &pattern.operator);
            match stands.or_else(|| fresh.get(&text)) {
                Some(standing) if *standing == operator => {}
                Some(_) => return Err(409),
                None => {
                    fresh.insert(text.clone(), operator.clone());
                    let tags = texts(field, "tags").filter(|_| tagged).map(str::to_owned).collect();
                    let id = *last + 1 + u64::try_from(added.len()).expect("they are few");
                    added.push(Pattern { id, text, operator, tags });
                }
            }
        }
        *last = added.last().map_or(*last, |pattern| pattern.id);
        let records = added.iter().map(Pattern::record).collect();
        self.patterns.extend(added);
        Ok(records)
    }

    fn remove_patterns(&mut self, asked: &[Value]) -> Vec<Value> {
        let mut removed = Vec::new();
        for name in asked {
            let by_text = self.patterns.iter().position(|pattern| name == &json!(pattern.text));
            let by_id = || self.patterns.iter().position(|pattern| as_number(name) == pattern.id);
            if let Some(at) = by_text.or_else(by_id) {
                removed.push(self.patterns.remove(at).record());
            }
        }
        removed
    }
}

impl Person {
    fn record(&self) -> Value {
        let mut record = json!({"id": self.id.to_string(), "signup_id": self.name});
        if !self.tags.is_empty() {
            record["tags"] = json!(self.tags);
        }
        record
    }
}

impl Pattern {
    fn record(&self) -> Value {
        let mut record = json!({"id": self.id.to_string(), "pattern": self.text});
        if let Some(operator) = &self.operator {
            record["operator"] = json!(operator);
        }
        if !self.tags.is_empty() {
            record["tags"] = json!(self.tags);
        }
        record
    }

    /// Knows the few forms of patterns that the steps use.
    fn matches(&self, somebody: &str) -> bool {
        let (name, text) = (folded(somebody), self.text.to_lowercase());
        match self.operator.as_deref() {
            Some("starts_with") => name.starts_with(&text),
            Some("ends_with") => name.ends_with(&text),
            Some("contains") => name.contains(&text),
            _ => match (text.strip_prefix(".*").or(text.strip_prefix('*')), text.strip_suffix(".*")) {
                (Some(end), _) => name.ends_with(end),
                (None, Some(start)) => name.starts_with(start),
                (None, None) => name == text,
            },
        }
    }
}
