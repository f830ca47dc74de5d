//! `guestlist import`: puts the people of a file on a list.
//!
//! What stands on the list already is not sent, so an import that was interrupted goes on by being run again.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use guestlist::rows::{self, Format, Row, RowsError};
use guestlist::state::patterns::fold;
use guestlist::state::signup_list::Tags;
use guestlist::wire::fields::Signup;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::list::{ListError, Which, walk};
use crate::cli::talk::{Gateway, Head, Talk, TalkError};
use crate::cli::{failed, runtime};

/// People that are sent in one message, at most: each of those is made durable as a whole.
const PEOPLE_PER_MESSAGE: usize = 1_000;

/// Bytes of their ids and tags, but for those of the last; a gateway takes 1,000,000 bytes.
const BYTES_PER_MESSAGE: usize = 256 << 10;

/// Messages that are under way at a time.
const AHEAD: usize = 8;

/// Lines that are wrong and are told one by one.
const TOLD_MAX: usize = 20;

const TEMPLATE: &str = "{bar:40} {pos}/{len} people, {per_sec}, {eta} to go";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Import {
    /// The file: CSV with a first line of `signup_id` or `signup_id,tags`, or JSON lines
    file: PathBuf,
    #[command(flatten)]
    which: Which,
    /// The file's form [default: by its name]
    #[arg(long)]
    format: Option<Format>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Pass over lines that are wrong; else nothing is done while there are any
    #[arg(long)]
    skip_invalid: bool,
    #[command(flatten)]
    gateway: Gateway,
}

const EXAMPLES: &str = "\
Tags in CSV have a semicolon between each two. Where the file says nothing of tags they stay as they are. Whoever is on the list
already, with these tags, is passed over: an import that was interrupted goes on when it is run again. Nobody is removed.
Exit code 0 when all is done, 1 where lines are wrong or the gateway refuses, 2 where file or gateway could not be had.

Examples:
  guestlist import --app 90090684293000559 --list whitelist guests.csv --dry-run
  guestlist import --app 90090684293000559 --list blacklist --skip-invalid spam.jsonl";

#[derive(Debug, thiserror::Error)]
enum ImportError {
    #[error("{0} cannot be read: {1}")]
    File(PathBuf, #[source] RowsError),
    #[error("the name of {0} does not say what form it has; name it with --format csv or --format jsonl")]
    Form(PathBuf),
    #[error(transparent)]
    List(#[from] ListError),
    #[error("{0}; {1} people were put on the list; run it again to go on")]
    Interrupted(#[source] TalkError, usize),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What a file says, line by line.
#[derive(Default)]
struct Read {
    /// Who is in it, in the order of the file, by id; of two lines with the same the later counts.
    people: Vec<Signup>,
    places: HashMap<String, usize>,
    repeated: usize,
    invalid: Vec<(u64, String)>,
}

/// What there is to be done.
struct Work {
    send: Vec<Signup>,
    new: usize,
    changed: usize,
    same: usize,
}

impl Import {
    pub fn run(self) -> ExitCode {
        match self.import() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => failed(error),
        }
    }

    /// Whether all was well.
    fn import(&self) -> Result<bool, ImportError> {
        let read = self.read()?;
        runtime()?.block_on(async {
            let mut talk = self.gateway.sign_in().await.map_err(ListError::from)?;
            let mut standing = HashMap::new();
            let stand = |signup: Signup| {
                standing.insert(fold(&signup.signup_id).into_owned(), signup.tags.unwrap_or_default());
            };
            walk(&mut talk, &self.which, stand).await?;
            let (invalid, repeated) = (read.invalid.len(), read.repeated);
            let work = Work::of(read.people, &standing, self.which.list.has_tags());
            let Work { new, changed, same, .. } = work;
            println!("{new} new, {changed} changed, {same} same, {repeated} repeated, {invalid} invalid");
            for (line, what) in read.invalid.iter().take(TOLD_MAX) {
                eprintln!("{}:{line}: {what}", self.file.display());
            }
            if invalid > TOLD_MAX {
                eprintln!("and {} more", invalid - TOLD_MAX);
            }
            if self.dry_run {
                return Ok(invalid == 0);
            }
            if invalid > 0 && !self.skip_invalid {
                eprintln!("guestlist: nothing was done; mend these lines, or pass over them with --skip-invalid");
                return Ok(false);
            }
            let done = self.send(&mut talk, &work.send).await?;
            talk.close().await;
            Ok(done)
        })
    }

    fn read(&self) -> Result<Read, ImportError> {
        let format = self.format.or_else(|| Format::of(&self.file));
        let format = format.ok_or_else(|| ImportError::Form(self.file.clone()))?;
        let failed = |error: RowsError| ImportError::File(self.file.clone(), error);
        let file = File::open(&self.file).map_err(|error| failed(error.into()))?;
        let mut read = Read::default();
        rows::read(file, format, |row| read.take(row, self.which.list.has_tags())).map_err(failed)?;
        Ok(read)
    }

    /// Sends what there is to be sent; says whether all of it was accepted.
    async fn send(&self, talk: &mut Talk, people: &[Signup]) -> Result<bool, ImportError> {
        let bar = ProgressBar::new(u64::try_from(people.len()).unwrap_or(u64::MAX));
        bar.set_style(ProgressStyle::with_template(TEMPLATE).expect("the template is well formed"));
        let (mut waiting, mut done) = (people, 0);
        let mut sent = VecDeque::new();
        loop {
            while sent.len() < AHEAD && !waiting.is_empty() {
                let (chunk, rest) = waiting.split_at(fitting(waiting));
                waiting = rest;
                let message =
                    json!({"method": self.which.list.add(), "app_id": self.which.app, "signups": chunk}).to_string();
                talk.send(message).await.map_err(|error| ImportError::Interrupted(error, done))?;
                // Its answer ends those of the message, however many frames they take.
                talk.send(r#"{"method":"PING"}"#).await.map_err(|error| ImportError::Interrupted(error, done))?;
                sent.push_back(chunk.len());
            }
            let Some(people) = sent.front().copied() else { break };
            let frame = talk.receive().await.map_err(|error| ImportError::Interrupted(error, done))?;
            let head = Head::of(&frame);
            if head.error.is_some() {
                bar.abandon();
                eprintln!("guestlist: the gateway refused: {frame}");
                eprintln!("guestlist: {done} people at least were put on the list before; run it again to go on");
                return Ok(false);
            }
            if head.is("PONG") {
                sent.pop_front();
                done += people;
                bar.inc(u64::try_from(people).unwrap_or(u64::MAX));
            }
        }
        bar.finish_and_clear();
        Ok(true)
    }
}

/// How many of the first of these people go into one message.
fn fitting(people: &[Signup]) -> usize {
    let sizes = people.iter().scan(0, |bytes, signup| {
        let before = *bytes;
        let tags = signup.tags.as_deref().unwrap_or_default();
        *bytes += signup.signup_id.len() + tags.iter().map(|tag| tag.len()).sum::<usize>();
        Some(before)
    });
    sizes.take(PEOPLE_PER_MESSAGE).take_while(|before| *before < BYTES_PER_MESSAGE).count()
}

impl Read {
    fn take(&mut self, Row { line, signup }: Row, has_tags: bool) {
        let signup = match signup {
            Ok(signup) if !has_tags && signup.tags.as_ref().is_some_and(|tags| !tags.is_empty()) => {
                return self.invalid.push((line, "people on the blacklist have no tags".to_owned()));
            }
            Ok(signup) => signup,
            Err(what) => return self.invalid.push((line, what)),
        };
        let place = *self.places.entry(fold(&signup.signup_id).into_owned()).or_insert(self.people.len());
        if place == self.people.len() {
            self.people.push(signup);
        } else {
            self.people[place] = signup;
            self.repeated += 1;
        }
    }
}

impl Work {
    fn of(people: Vec<Signup>, standing: &HashMap<String, Tags>, has_tags: bool) -> Self {
        let mut work = Self { send: Vec::new(), new: 0, changed: 0, same: 0 };
        for mut signup in people {
            if !has_tags {
                signup.tags = None;
            }
            match standing.get(&*fold(&signup.signup_id)) {
                None => work.new += 1,
                Some(tags) if signup.tags.as_ref().is_none_or(|given| given == tags) => {
                    work.same += 1;
                    continue;
                }
                Some(_) => work.changed += 1,
            }
            work.send.push(signup);
        }
        work
    }
}
