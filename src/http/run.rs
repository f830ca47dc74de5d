//! This is where a request's method is run, as a WebSocket message would be: the gate, the bounds, the state, the engine.

use std::sync::Arc;

use serde::Serialize;

use super::credentials::Visitor;
use crate::counts::Asked;
use crate::engine::{Submission, perhaps_written};
use crate::methods::{Answer, Ask, Change, Listed, Method, Verdict, admit};
use crate::shared::Shared;
use crate::throttle::Origin;
use crate::traffic::{Frame, What};
use crate::wire::error::{Code, Error};

/// Answers a method that changes nothing.
pub fn query<M: Ask>(shared: &Shared, visitor: &Visitor, mut method: M) -> Result<M::Reply, Error> {
    let mut answer = || {
        visitor.take_credit(shared)?;
        shared.refuse_if_stale()?;
        visitor.still_stands(shared)?;
        let sender = visitor.sender(shared);
        admit(&mut method, sender)?;
        method.answer(sender.view)
    };
    let reply = answer();
    show(shared, visitor, M::CALL.method, reply.as_ref(), shown);
    shared.counts.requests.note(Asked::of(M::CALL.method), &reply);
    reply.inspect(|reply| M::count(reply, &shared.counts.decisions))
}

/// Makes a change, and gives its reply once it is durable.
pub async fn change<M: Listed>(
    shared: &Arc<Shared>,
    visitor: &Visitor,
    method: M,
) -> Result<<M as Method>::Reply, Error> {
    let answer = submit(shared, visitor, method.into_change()).await;
    let reply = answer.and_then(|answer| {
        M::reply_of(answer)
            .ok_or_else(|| Error::new(Code::Unexpected, "the gateway gave the answer to another request"))
    });
    show(shared, visitor, M::CALL.method, reply.as_ref(), shown);
    reply
}

/// A reply as it is shown.
fn shown(reply: &impl Serialize) -> Frame {
    Frame::of(&serde_json::to_string(reply).expect("replies have texts for names"))
}

/// Tells those who watch how a request was answered.
pub fn show<R>(
    shared: &Shared,
    visitor: &Visitor,
    method: &str,
    answered: Result<R, &Error>,
    frame: impl FnOnce(R) -> Frame,
) {
    if shared.traffic.is_watched() {
        let answer = answered.map(frame).map_err(|error| error.code);
        let what = What::Answered { method: method.into(), answer };
        shared.traffic.tell(shared.clock.now_ms(), None, visitor.caller, what);
    }
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
    let check = |change: &mut Change| {
        let sender = visitor.sender(shared);
        shared.admit(change, sender).and_then(|()| change.check(sender.view))
    };
    let mut checked = check(&mut change);
    if let Some(cluster) = shared.doubt(&checked) {
        cluster.refresh().await?;
        visitor.still_stands(shared)?;
        checked = check(&mut change);
    }
    if let Verdict::Unchanged(answer) = checked? {
        return Ok(answer);
    }
    {
        let sender = visitor.sender(shared);
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
