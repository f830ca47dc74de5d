//! What goes wrong in the share API that this one is modelled on, and must not go wrong here: one test, or a few, for each
//! defect in the list that was made of it, under its number there.

#[path = "share_defects/lists.rs"]
mod lists;
#[path = "share_defects/opening.rs"]
mod opening;
#[path = "share_defects/people.rs"]
mod people;
mod support;

use std::future::Future;
use std::sync::Arc;

use futures::future::join_all;
use tokio::sync::Barrier;

/// How often a race is run.
const ROUNDS: usize = 25;

/// How many run in a race.
const CROWD: usize = 8;

/// Starts all of them together, each on a task of its own, and returns what they return, in their order.
async fn at_once<F>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let futures: Vec<F> = futures.into_iter().collect();
    let start = Arc::new(Barrier::new(futures.len()));
    let tasks = futures.into_iter().map(|future| {
        let start = start.clone();
        tokio::spawn(async move {
            start.wait().await;
            future.await
        })
    });
    let ended = join_all(tasks.collect::<Vec<_>>()).await;
    ended.into_iter().map(|output| output.expect("no task panics")).collect()
}
