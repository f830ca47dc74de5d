//! This is where the command line is described: one file a subcommand.

mod admin;
mod bench;
mod call;
mod completions;
mod config;
mod health;
mod journal;
mod lists;
mod man;
#[cfg(feature = "cluster")]
mod migrate;
mod mock;
mod record;
mod replay;
mod schema;
mod serve;
mod site;
mod snippet;
mod talk;

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use guestlist::tls::{TrustError, trusting};
use tokio_tungstenite::Connector;

/// A gateway through which bots and dashboards keep guest lists: who may sign up to an app, and why.
#[derive(Debug, Parser)]
#[command(name = "guestlist", version, max_term_width = 120, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  guestlist serve --demo
  guestlist config --limit connections_max=500
  guestlist admin app list --token demo-admin-token
  guestlist call '{\"method\":\"getApps\"}' --token demo-admin-token
  guestlist import --app 90090684293000559 --list whitelist guests.csv --token demo-admin-token
  guestlist bench --token 90091784056528980:0:DemoBotTokenForLocalUseOnly001
  guestlist record --upstream ws://127.0.0.1:5020/nandbox/api/ --out bot.jsonl
  guestlist replay fixtures/signups
  guestlist mock fixtures/signups/python_sdk.jsonl
  guestlist journal print ./guestlist-data
  guestlist snippet python --app 90090684293000559
  guestlist schema openapi --out openapi.json";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve(Box<serve::Serve>),
    /// Show how the gateway would run, and where each setting comes from
    Config(Box<config::Config>),
    /// Look after the apps and bots of a gateway
    Admin(admin::Admin),
    /// Send one message to a gateway and print the reply
    Call(call::Call),
    /// Ask a gateway whether it is ready
    Health(health::Health),
    /// Put the people of a file on a list
    Import(lists::Import),
    /// Write the people on a list into a file
    Export(lists::Export),
    /// Put a server under load and measure it
    Bench(Box<bench::Bench>),
    /// Stand in front of a gateway and write down what passes, as a transcript
    Record(record::Record),
    /// Run transcripts against a gateway and show what differs
    Replay(replay::Replay),
    /// Answer clients from transcripts alone
    Mock(mock::Mock),
    /// Look into a data directory, and mend it
    Journal(journal::Journal),
    /// Move a journal from a directory into etcd, or back
    #[cfg(feature = "cluster")]
    Migrate(migrate::Migrate),
    /// Print a bot that works, on an official SDK
    Snippet(snippet::Snippet),
    /// Print the documents of the API
    Schema(schema::Schema),
    /// Print the completions for a shell
    Completions(completions::Completions),
    /// Write the manual pages
    Man(man::Man),
}

/// Runs a subcommand. Exit codes: 0 well, 1 a refusal or a difference, 2 it could not be tried.
pub fn run() -> ExitCode {
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let ours = matches.subcommand().map_or(&matches, |(_, ours)| ours);
    run_command(cli.command, ours)
}

fn run_command(command: Command, matches: &ArgMatches) -> ExitCode {
    match command {
        Command::Serve(serve) => serve.run(),
        Command::Config(config) => config.run(matches),
        Command::Admin(admin) => admin.run(),
        Command::Call(call) => call.run(),
        Command::Health(health) => health.run(),
        Command::Import(import) => import.run(),
        Command::Export(export) => export.run(),
        Command::Bench(bench) => bench.run(),
        Command::Record(record) => record.run(),
        Command::Replay(replay) => replay.run(),
        Command::Mock(mock) => mock.run(),
        Command::Journal(journal) => journal.run(),
        #[cfg(feature = "cluster")]
        Command::Migrate(migrate) => migrate.run(),
        Command::Snippet(snippet) => snippet.run(),
        Command::Schema(schema) => schema.run(),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    }
}

/// Says what stopped a subcommand, and gives the exit code for it.
fn failed(error: impl Display) -> ExitCode {
    eprintln!("guestlist: {error}");
    ExitCode::from(2)
}

/// How to connect to an address: for `wss://`, whom to trust.
fn connector(url: &str, ca: Option<&Path>) -> Result<Option<Connector>, TrustError> {
    url.starts_with("wss://").then(|| trusting(ca).map(Connector::Rustls)).transpose()
}

/// A runtime for a subcommand that talks to a gateway.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
