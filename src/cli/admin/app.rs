//! `guestlist admin app`: lists, makes, changes and removes apps.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use guestlist::state::id::AppId;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::Errand;
use super::ask::{AdminError, Admission, Ask, free_id};
use super::show::table;

#[derive(Debug, Args)]
pub struct App {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the apps, and how much is on their lists
    List(List),
    /// Make an app and print its id
    Add(Add),
    /// Change an app; what is not given stays as it is
    Set(Set),
    /// Remove an app, and every grant in it
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
    id: Option<AppId>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    admission: Admission,
}

#[derive(Debug, Args)]
struct Set {
    /// The app's id
    id: AppId,
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    admission: Admission,
}

#[derive(Debug, Args)]
struct Remove {
    /// The app's id
    id: AppId,
    /// Remove it even if there is something on its lists, which is lost
    #[arg(long)]
    with_lists: bool,
    #[command(flatten)]
    admission: Admission,
}

/// What can be said of an app, beside its name.
#[derive(Debug, Args)]
struct Settings {
    /// Whether only those may sign up whom the whitelist lets in
    #[arg(long, value_name = "BOOL")]
    use_whitelist: Option<bool>,
    /// Whether those may not whom the blacklist keeps out
    #[arg(long, value_name = "BOOL")]
    use_blacklist: Option<bool>,
    /// A tag; several with a comma between, or one by one
    #[arg(long = "tag", value_name = "TAG", value_delimiter = ',')]
    tags: Vec<String>,
}

/// An app as a gateway tells it.
#[derive(Deserialize)]
struct Record {
    app_id: String,
    name: String,
    use_whitelist: bool,
    use_blacklist: bool,
    tags: Vec<String>,
    whitelist: Counts,
    blacklist: Counts,
}

#[derive(Deserialize)]
struct Counts {
    signups: u64,
    patterns: u64,
}

impl App {
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::List(list) => super::run(&list),
            Command::Add(add) => super::run(&add),
            Command::Set(set) => super::run(&set),
            Command::Remove(remove) => super::run(&remove),
        }
    }
}

impl Settings {
    fn put_into(&self, message: &mut Value) {
        let flags = [("use_whitelist", self.use_whitelist), ("use_blacklist", self.use_blacklist)];
        for (name, flag) in flags.into_iter().filter_map(|(name, flag)| Some((name, flag?))) {
            message[name] = json!(flag);
        }
        if !self.tags.is_empty() {
            message["tags"] = json!(self.tags);
        }
    }
}

impl Counts {
    fn shown(&self, used: bool) -> String {
        let Self { signups, patterns } = self;
        format!("{}, {signups} people, {patterns} patterns", if used { "on" } else { "off" })
    }

    fn any(&self) -> bool {
        self.signups > 0 || self.patterns > 0
    }
}

impl Errand for List {
    fn admission(&self) -> &Admission {
        &self.admission
    }

    async fn done(&self, ask: &mut Ask) -> Result<(), AdminError> {
        let apps = ask.list::<Record>("getApps").await?;
        if apps.rows.is_empty() {
            ask.remark("there are no apps yet; `guestlist admin app add NAME` makes one");
        }
        let row = |app: &Record| {
            let lists = [app.whitelist.shown(app.use_whitelist), app.blacklist.shown(app.use_blacklist)];
            [app.app_id.clone(), app.name.clone()].into_iter().chain(lists).chain([app.tags.join(", ")]).collect()
        };
        let headings = ["ID", "NAME", "WHITELIST", "BLACKLIST", "TAGS"];
        ask.show(&apps, |apps| table(&headings, &apps.iter().map(row).collect::<Vec<_>>()))
    }
}

impl Errand for Add {
    fn admission(&self) -> &Admission {
        &self.admission
    }

    async fn done(&self, ask: &mut Ask) -> Result<(), AdminError> {
        let taken = ask.ids("getApps").await?;
        let id = self.id.map_or_else(|| free_id(&taken), |id| id.to_string());
        if taken.contains(&id) {
            let said = format!("there is an app {id} already; change it with `guestlist admin app set {id}`");
            return Err(AdminError::Unfit(said));
        }
        let mut message = json!({"method": "setApp", "app_id": id, "name": self.name});
        self.settings.put_into(&mut message);
        let made = ask.change::<Record>(&message).await?;
        ask.remark("the app was made; its id:");
        ask.show(&made, |rows| rows.iter().map(|app| format!("{}\n", app.app_id)).collect())
    }
}

impl Errand for Set {
    fn admission(&self) -> &Admission {
        &self.admission
    }

    async fn done(&self, ask: &mut Ask) -> Result<(), AdminError> {
        standing(ask, self.id).await?;
        let mut message = json!({"method": "setApp", "app_id": self.id});
        if let Some(name) = &self.name {
            message["name"] = json!(name);
        }
        self.settings.put_into(&mut message);
        let set = ask.change::<IgnoredAny>(&message).await?;
        ask.remark(format_args!("app {} is as you asked", self.id));
        ask.show(&set, |_| String::new())
    }
}

impl Errand for Remove {
    fn admission(&self) -> &Admission {
        &self.admission
    }

    async fn done(&self, ask: &mut Ask) -> Result<(), AdminError> {
        let app = standing(ask, self.id).await?;
        if !self.with_lists && (app.whitelist.any() || app.blacklist.any()) {
            let lists = [("whitelist", &app.whitelist), ("blacklist", &app.blacklist)];
            let lists = lists.map(|(name, counts)| format!("the {name}: {}, {}", counts.signups, counts.patterns));
            let said = format!(
                "something is on the lists of app {} (people and patterns on {}); to lose that as well, add --with-lists",
                self.id,
                lists.join("; on ")
            );
            return Err(AdminError::Unfit(said));
        }
        let removed = ask.change::<IgnoredAny>(&json!({"method": "removeApp", "app_id": self.id})).await?;
        ask.remark(format_args!("app {} was removed", self.id));
        ask.show(&removed, |_| String::new())
    }
}

/// The app of an id, which there must be: `setApp` would make one.
async fn standing(ask: &mut Ask, id: AppId) -> Result<Record, AdminError> {
    let name = id.to_string();
    let app = ask.list::<Record>("getApps").await?.rows.into_iter().find(|app| app.app_id == name);
    app.ok_or_else(|| AdminError::Unfit(format!("there is no app {id}; `guestlist admin app list` lists them")))
}
