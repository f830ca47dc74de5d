//! `guestlist config`: shows how `serve` would run, and why.

use std::fmt::Write;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory};
use guestlist::config::Limits;

use super::Cli;
use super::serve::{LIMITS_TOO, Serve, Settings, SettingsError};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Config {
    #[command(flatten)]
    serve: Serve,
}

const EXAMPLES: &str = "\
Takes what `serve` takes, and prints every setting and limit with where its value comes from, as a file that --config reads.
Nothing is started, read or written but that file.

Examples:
  guestlist config
  guestlist config --config guestlist.toml --limit connections_max=500
  guestlist config > guestlist.toml";

impl Config {
    /// The matches are those that this was made of: they tell a flag from a variable.
    pub fn run(self, matches: &ArgMatches) -> ExitCode {
        match self.shown(matches) {
            Ok(shown) => {
                print!("{shown}");
                ExitCode::SUCCESS
            }
            Err(error) => super::failed(error),
        }
    }

    fn shown(self, matches: &ArgMatches) -> Result<String, SettingsError> {
        let file =
            self.serve.config.as_deref().map(|path| Settings::read(path).map(|file| (path, file))).transpose()?;
        let in_file = file.as_ref().map(|(_, file)| names(file)).unwrap_or_default();
        let given = names(&self.serve.settings);
        let keys = file.as_ref().map(|(_, file)| table(file)).unwrap_or_default();
        let place = file.as_ref().map(|(path, _)| path.display().to_string()).unwrap_or_default();
        let settings = match file {
            Some((_, file)) => self.serve.settings.or(file),
            None => self.serve.settings,
        };
        let settings = settings.or(Settings::defaults());
        let limits = settings.limits()?;
        let values = table(&settings);
        let mut text = String::new();
        for flag in flags() {
            let key = flag.replace('-', "_");
            let origin = match matches.value_source(&key) {
                Some(ValueSource::CommandLine) => format!("--{flag}"),
                Some(ValueSource::EnvVariable) => format!("GUESTLIST_{}", key.to_ascii_uppercase()),
                _ if keys.contains_key(&key) => place.clone(),
                _ => "default".to_owned(),
            };
            match values.get(&key) {
                Some(value) => writeln!(text, "{key} = {value}  # {origin}"),
                None => writeln!(text, "# {key} =  # not set"),
            }
            .expect("a text can be written to");
        }
        text.push_str("\n[limit]\n");
        let given_by = match matches.value_source("limit") {
            Some(ValueSource::EnvVariable) => "GUESTLIST_LIMIT",
            _ => "--limit",
        };
        let usual = Limits::default();
        for (limit, usual) in limits.all().into_iter().zip(usual.all()) {
            let is_in = |names: &[String]| names.iter().any(|name| name == limit.name);
            let origin = match () {
                () if is_in(&given) => given_by,
                () if is_in(&in_file) => &place,
                () if limit.value == usual.value => "default",
                () => LIMITS_TOO.iter().find(|(_, name)| *name == limit.name).map_or("default", |(key, _)| key),
            };
            writeln!(text, "# {}\n{} = {}  # {origin}", limit.about, limit.name, limit.value)
                .expect("a text can be written to");
        }
        Ok(text)
    }
}

/// The limits that were given values.
fn names(settings: &Settings) -> Vec<String> {
    settings.given_limits().iter().map(|limit| limit.name.clone()).collect()
}

fn table(settings: &Settings) -> toml::Table {
    toml::Table::try_from(settings).expect("settings are what a file can say")
}

/// The flags of `serve` that are settings, in the order in which its help has them.
fn flags() -> Vec<String> {
    let command = Cli::command();
    let serve = command.find_subcommand("serve").expect("it can serve");
    let flags = serve.get_arguments().filter_map(|argument| argument.get_long());
    flags.filter(|flag| !["config", "help", "limit"].contains(flag)).map(str::to_owned).collect()
}
