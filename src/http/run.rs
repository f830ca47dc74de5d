//! This is where a request's method is run, as a WebSocket message would be: the gate, the bounds, the state, the engine.

use std::sync::Arc;

use super::credentials::Visitor;
use crate::counts::Asked;
use crate::engine::{Submission, perhaps_written};
use crate::methods::{Answer, Ask, Change, Listed, Method, Verdict, admit};
use crate::shared::Shared;
use crate::throttle::Origin;
use crate::wire::error::{Code, Error};

/// Answers a method that changes nothing.
pub fn query<M: Ask>(shared: &Shared, visitor: &Visitor, mut method: M) -> Result<M::Reply, Error> {
    let mut answer = || {
        visitor.take_credit(shared)?;
        visitor.still_stands(shared)?;
        let sender = visitor.sender(shared);
        admit(&mut method, sender)?;
        method.answer(sender.view)
    };
    let reply = answer();
    shared.counts.requests.note(Asked::of(M::CALL.method), &reply);
    reply.inspect(|reply| M::count(reply, &shared.counts.decisions))
}

/// Makes a change, and gives its reply once it is durable.
pub async fn change<M: Listed>(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    method: M,
) -> Result<<M as Method>::Reply, Error> {
    let answer = submit(shared, visitor, method.into_change()).await?;
    M::reply_of(answer).ok_or_else(|| Error::new(Code::Unexpected, "the gateway gave the answer to another request"))
}

/// Makes a change of any kind, and gives its answer once it is durable.
pub async fn submit(shared: &Arc<Shared>, visitor: &Visitor, change: Change) -> Result<Answer, Error> {
    let asked = Asked::Method(change.which());
    let outcome = make(shared, visitor, change).await;
    shared.counts.requests.note(asked, &outcome);
    outcome
}

/// The same, not counted among the requests yet.
pub async fn make(shared: &Arc<Shared>, visitor: &Visitor, mut change: Change) -> Result<Answer, Error> {
    visitor.take_credit(shared)?;
    visitor.still_stands(shared)?;
    {
        let sender = visitor.sender(shared);
        shared.admit(&mut change, sender)?;
        if let Verdict::Unchanged(answer) = change.check(sender.view)? {
            return Ok(answer);
        }
        if !change.is_heavy() {
            change.prepare(sender.view, &shared.random)?;
        }
    }
    if change.is_heavy() {
        change = shared.clone().prepare(visitor.caller, Origin::of(visitor.caller, visitor.address), change).await?;
        visitor.still_stands(shared)?;
    }
    // A stop waits for those who have a seat.
    let _seat = shared.hub.join_request();
    let mut submission = Submission::new(visitor.caller);
    submission.push(change);
    let outcomes = shared.engine.submit(submission).await.await;
    let outcome = outcomes.ok().and_then(|outcomes| outcomes.into_iter().next());
    outcome.unwrap_or_else(|| Err(perhaps_written()))
}
