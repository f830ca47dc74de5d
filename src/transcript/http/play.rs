//! Plays the HTTP lines of a transcript: a request is sent when all that is expected before it has come, and its answer is
//! awaited at its line.

use super::super::came::Came;
use super::super::exchange::{CODE_NO_FRAME, Close, Frame, Way};
use super::super::failure::{Fault, ReplayError};
use super::super::replay::{Line, Replay};
use super::super::watch::Watch;
use super::RequestTemplate;

impl<W: Watch> Replay<'_, W> {
    /// Sends a request.
    pub async fn request(&mut self, line: &Line, template: &RequestTemplate) -> Result<(), Box<ReplayError>> {
        self.turn_from_others(&line.step.on).await;
        self.settle().await?;
        self.keep_time(line).await;
        if let Some(name) = template.unbound(&self.bindings) {
            return Err(self.failed(line, Fault::Unbound(name.to_owned())));
        }
        let request = template.fill(&self.bindings);
        let sent = self.http.send(&line.step.on, &request).await;
        sent.map_err(|fault| self.failed(line, fault))?;
        self.travelled(&line.step, Way::Sent, &Frame::Request(request));
        Ok(())
    }

    /// Waits for the answer to a request, and judges it.
    pub async fn response(&mut self, line: &Line) -> Result<(), Box<ReplayError>> {
        self.turn_from_others(&line.step.on).await;
        self.settle().await?;
        let came = match self.http.receive(&line.step.on).await {
            Ok(response) => Came::new(Frame::Response(response)),
            Err(fault) => return self.forgiven(line, fault),
        };
        match came.judged(&line.step, self.context()) {
            Ok(bound) => self.bindings.extend(bound),
            Err(fault) => {
                self.forgiven(line, fault)?;
                let (bound, _) = came.differences(&line.step, self.context());
                self.bindings.extend(bound);
            }
        }
        self.travelled(&line.step, Way::Received, &came.frame);
        Ok(())
    }

    /// Drops a connection.
    pub async fn end_http(&mut self, line: &Line) -> Result<(), Box<ReplayError>> {
        self.turn_from_others(&line.step.on).await;
        self.settle().await?;
        self.keep_time(line).await;
        self.travelled(&line.step, Way::Sent, &Frame::Close(Close { code: CODE_NO_FRAME, reason: String::new() }));
        self.http.close(&line.step.on).await;
        Ok(())
    }

    fn forgiven(&mut self, line: &Line, fault: Fault) -> Result<(), Box<ReplayError>> {
        if self.watch.forgives(&line.step, &fault) { Ok(()) } else { Err(self.failed(line, fault)) }
    }
}
