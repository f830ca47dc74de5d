//! This is where the work on passwords is done: on threads of its own, few at a time, the rest waiting in order.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::config::Limits;
use crate::world::Threads;

/// The threads that work on passwords, and the queue before them.
///
/// Hashing one is slow on purpose; without a bound a crowd that logs in would take every core and gigabytes of memory.
#[derive(Clone, Debug)]
pub struct Passwords {
    threads: Arc<Semaphore>,
    places: Arc<Semaphore>,
    on: Threads,
}

/// Why work was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// Too much waits already.
    #[error("too many passwords are waiting to be checked; try again in a few seconds")]
    QueueFull,
    /// The gateway stops.
    #[error("the gateway stops; try again when it is back")]
    Stopping,
}

impl Passwords {
    /// Threads with nothing to do yet.
    pub fn new(limits: &Limits) -> Self {
        Self {
            threads: Arc::new(Semaphore::new(limits.password_threads_max)),
            places: Arc::new(Semaphore::new(limits.password_threads_max + limits.password_queue_max)),
            on: Threads::Own,
        }
    }

    /// The same, on other threads or none: then all others wait while one is worked on.
    pub fn on(self, threads: Threads) -> Self {
        Self { on: threads, ..self }
    }

    /// Does a piece of work when its turn has come. One who no longer waits for it gives up the place, but work that has begun
    /// is ended first.
    ///
    /// # Panics
    /// If the work does.
    pub async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NotDone> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| NotDone::QueueFull)?;
        let thread = Arc::clone(&self.threads).acquire_owned().await.map_err(|_| NotDone::Stopping)?;
        if self.on == Threads::None {
            return Ok(work());
        }
        let task = tokio::task::spawn_blocking(move || {
            let _until_done = (place, thread);
            work()
        });
        task.await.map_err(|error| match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => NotDone::Stopping,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::future::join_all;
    use futures::poll;

    use super::*;

    fn passwords(threads: usize, queue: usize) -> Passwords {
        Passwords::new(&Limits { password_threads_max: threads, password_queue_max: queue, ..Limits::default() })
    }

    #[tokio::test]
    async fn no_more_than_so_many_are_worked_on_at_once_and_the_others_in_order() {
        let passwords = passwords(1, 8);
        let (gate, open) = mpsc::channel();
        let (done, order) = mpsc::channel();
        let mut first = Box::pin(passwords.work(move || open.recv()));
        assert!(poll!(&mut first).is_pending());
        let mut waiting: Vec<_> = (0..8)
            .map(|turn| {
                let done = done.clone();
                Box::pin(passwords.work(move || done.send(turn).is_ok()))
            })
            .collect();
        for work in &mut waiting {
            assert!(poll!(work).is_pending());
        }
        assert!(order.try_recv().is_err(), "one went ahead of the first");
        gate.send(()).expect("the first piece of work waits for this");
        assert_eq!(first.await, Ok(Ok(())));
        assert!(join_all(waiting).await.into_iter().all(|done| done == Ok(true)));
        assert_eq!(order.try_iter().collect::<Vec<i32>>(), (0..8).collect::<Vec<i32>>());
    }

    #[tokio::test]
    async fn two_are_worked_on_at_once() {
        let passwords = passwords(2, 0);
        let (ping, pinged) = mpsc::channel();
        let (pong, ponged) = mpsc::channel();
        // Each waits for the other.
        let one = passwords.work(move || ping.send(()).is_ok() && ponged.recv().is_ok());
        let other = passwords.work(move || pinged.recv().is_ok() && pong.send(()).is_ok());
        assert_eq!(futures::join!(one, other), (Ok(true), Ok(true)));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_until_somebody_gives_up() {
        let passwords = passwords(1, 1);
        let (gate, open) = mpsc::channel();
        let mut first = Box::pin(passwords.work(move || open.recv()));
        assert!(poll!(&mut first).is_pending());
        let mut second = Box::pin(passwords.work(|| ()));
        assert!(poll!(&mut second).is_pending());
        assert_eq!(passwords.work(|| ()).await, Err(NotDone::QueueFull));
        drop(second);
        let mut third = Box::pin(passwords.work(|| ()));
        assert!(poll!(&mut third).is_pending());
        gate.send(()).expect("the first piece of work waits for this");
        assert_eq!((first.await, third.await), (Ok(Ok(())), Ok(())));
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_any_more_keeps_its_thread_until_it_ends() {
        let passwords = passwords(1, 1);
        let (gate, open) = mpsc::channel();
        let mut first = Box::pin(passwords.work(move || open.recv()));
        assert!(poll!(&mut first).is_pending());
        drop(first);
        let mut second = Box::pin(passwords.work(|| ()));
        assert!(poll!(&mut second).is_pending());
        assert_eq!(passwords.threads.available_permits(), 0);
        gate.send(()).expect("the first piece of work waits for this");
        assert_eq!(second.await, Ok(()));
    }
}
