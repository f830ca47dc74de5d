//! `guestlist admin bot`: lists, makes, changes and removes bots.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use guestlist::state::id::{AppId, BotId};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::Errand;
use super::ask::{AdminError, Admission, Ask, free_id};
use super::grant::{self, Written};
use super::show::table;
use super::token::New;

#[derive(Debug, Args)]
pub struct Bot {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the bots, and what they may do
    List(List),
    /// Make a bot and print its token, this once
    Add(Add),
    /// Change a bot; what is not given stays as it is, its token among it
    Set(Set),
    /// Remove a bot and end its connections
    Remove(Remove),
}

#[derive(Debug, Args)]
struct List {
    #[command(flatten)]
    admission: Admission,
}

#[derive(Debug, Args)]
struct Add {
    /// What people call it
    name: String,
    /// Its id, of digits [default: one is made]
    #[arg(long)]
    id: Option<BotId>,
    #[command(flatten)]
    rights: Rights,
    /// The app that its messages mean where they name none; it is part of the token
    #[arg(long, value_name = "APP_ID")]
    bound_app: Option<AppId>,
    #[command(flatten)]
    admission: Admission,
}

#[derive(Debug, Args)]
struct Set {
    /// The bot's id
    id: BotId,
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    rights: Rights,
    /// Leave it in no app but those that its grants name
    #[arg(long, conflicts_with = "apps")]
    no_apps: bool,
    /// Take all grants from it
    #[arg(long, conflicts_with = "grants")]
    no_grants: bool,
    #[command(flatten)]
    admission: Admission,
}

#[derive(Debug, Args)]
struct Remove {
    /// The bot's id
    id: BotId,
    #[command(flatten)]
    admission: Admission,
}

/// Where a bot is, and what it may do there.
#[derive(Debug, Args)]
struct Rights {
    /// An app that it is in; several with a comma between, or one by one
    #[arg(long = "app", value_name = "ID", value_delimiter = ',')]
    apps: Vec<AppId>,
    /// What it may do: admin, signup_management (in each --app) or signup_management:APP_ID, share_management:USER_ID, or can_read,
    /// can_use_api, can_use_whitelist or can_delegate, each with :ORGANISATION
    #[arg(long = "grant", value_name = "GRANT", value_delimiter = ',')]
    grants: Vec<Written>,
}

/// A bot as a gateway tells it.
#[derive(Deserialize)]
struct Record {
    bot_id: String,
    name: String,
    bound_app_id: Option<String>,
    apps: Vec<String>,
    grants: Vec<Value>,
}

impl Bot {
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::List(list) => super::run(&list),
            Command::Add(add) => super::run(&add),
            Command::Set(set) => super::run(&set),
            Command::Remove(remove) => super::run(&remove),
        }
    }
}

impl Rights {
    fn put_into(&self, message: &mut Value) -> Result<(), AdminError> {
        let apps: Vec<String> = self.apps.iter().map(ToString::to_string).collect();
        if !self.grants.is_empty() {
            message["grants"] = json!(grant::granted(&self.grants, &apps).map_err(AdminError::Unfit)?);
        }
        if !apps.is_empty() {
            message["apps"] = json!(apps);
        }
        Ok(())
    }
}

impl Errand for List {
    fn admission(&self) -> &Admission {
        &self.admission
    }

    async fn done(&self, ask: &mut Ask) -> Result<(), AdminError> {
        let bots = ask.list::<Record>("getBots").await?;
        let row = |bot: &Record| {
            let grants: Vec<String> = bot.grants.iter().map(grant::shown).collect();
            let bound = bot.bound_app_id.clone().unwrap_or_default();
            vec![bot.bot_id.clone(), bot.name.clone(), bot.apps.join(", "), bound, grants.join(", ")]
        };
        let headings = ["ID", "NAME", "APPS", "BOUND APP", "GRANTS"];
        ask.show(&bots, |bots| table(&headings, &bots.iter().map(row).collect::<Vec<_>>()))
    }
}

impl Errand for Add {
    fn admission(&self) -> &Admission {
        &self.admission
    }

    async fn done(&self, ask: &mut Ask) -> Result<(), AdminError> {
        let taken = ask.ids("getBots").await?;
        let id = self.id.map_or_else(|| free_id(&taken), |id| id.to_string());
        if taken.contains(&id) {
            let said = format!("there is a bot {id} already; change it with `guestlist admin bot set {id}`");
            return Err(AdminError::Unfit(said));
        }
        let mut message = json!({"method": "setBot", "bot_id": id, "name": self.name});
        self.rights.put_into(&mut message)?;
        if let Some(app) = self.bound_app {
            message["bound_app_id"] = json!(app);
        }
        let made = ask.change(&message).await?;
        ask.remark(format_args!("bot {id} was made; its token, shown this once:"));
        ask.show(&made, New::line)
    }
}

impl Errand for Set {
    fn admission(&self) -> &Admission {
        &self.admission
    }

    async fn done(&self, ask: &mut Ask) -> Result<(), AdminError> {
        // `setBot` would make one.
        if !ask.ids("getBots").await?.contains(&self.id.to_string()) {
            let said = format!("there is no bot {}; `guestlist admin bot list` lists them", self.id);
            return Err(AdminError::Unfit(said));
        }
        let mut message = json!({"method": "setBot", "bot_id": self.id});
        if let Some(name) = &self.name {
            message["name"] = json!(name);
        }
        self.rights.put_into(&mut message)?;
        for (field, none) in [("apps", self.no_apps), ("grants", self.no_grants)] {
            if none {
                message[field] = json!([]);
            }
        }
        let set = ask.change::<IgnoredAny>(&message).await?;
        ask.remark(format_args!("bot {} is as you asked", self.id));
        ask.show(&set, |_| String::new())
    }
}

impl Errand for Remove {
    fn admission(&self) -> &Admission {
        &self.admission
    }

    async fn done(&self, ask: &mut Ask) -> Result<(), AdminError> {
        let removed = ask.change::<IgnoredAny>(&json!({"method": "removeBot", "bot_id": self.id})).await?;
        ask.remark(format_args!("bot {} was removed", self.id));
        ask.show(&removed, |_| String::new())
    }
}
