//! Telling people that their keys end: notices are given when they are due, and mails go out. What is due is in the store
//! alone, so a restart misses nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keyward_gateway::Measure;
use keyward_service::Service;
use keyward_service::give_notices::{LOOKED_AT_ONCE, give_notices};
use keyward_service::letter::Post;
use keyward_service::refusal::Refusal;
use keyward_service::send_mails::{Outcome, Sender, send_mail};

use super::stop::Stop;

/// Mails that are on their way at once: a slow mail server then takes some minutes for a thousand, and is not pressed.
pub(super) const SENDERS: usize = 4;
/// How often the store is asked what is due: a look into an index. Nobody waits for a notice by the second.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two rounds while much is due: others have their turn with the writer.
const BREATH: Duration = Duration::from_millis(20);
/// How long a mail that is on its way may still take when the server is asked to stop, as long as requests may. One that
/// takes longer is sent again later.
const DRAIN_MAX: Duration = Duration::from_secs(10);

/// What became of notices and mails since the start.
#[derive(Debug, Default)]
pub(super) struct Tally {
    given: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
    refused: AtomicU64,
    given_up: AtomicU64,
    dropped: AtomicU64,
    troubles: AtomicU64,
}

impl Tally {
    /// For `/metrics`.
    pub(super) fn measures(&self) -> Vec<Measure> {
        let counter = |name, help, value: &AtomicU64| Measure {
            name,
            kind: "counter",
            help,
            value: value.load(Ordering::Relaxed),
        };
        vec![
            counter("keyward_notices_total", "Notices of keys' ends that were given.", &self.given),
            counter("keyward_mails_sent_total", "Mails that a mail server took.", &self.sent),
            counter(
                "keyward_mail_failed_attempts_total",
                "Attempts to send a mail that failed.",
                &self.failed,
            ),
            counter(
                "keyward_mails_refused_total",
                "Mails that a mail server refused for good.",
                &self.refused,
            ),
            counter(
                "keyward_mails_given_up_total",
                "Mails that were given up after their last attempt.",
                &self.given_up,
            ),
            counter(
                "keyward_mails_dropped_total",
                "Mails that nobody needed any more when they were to be sent.",
                &self.dropped,
            ),
            counter(
                "keyward_notice_store_troubles_total",
                "How often the store could not be asked what is due, or told what became of it.",
                &self.troubles,
            ),
        ]
    }

    fn note(&self, outcome: Outcome) {
        let more: &[&AtomicU64] = match outcome {
            Outcome::Nothing => &[],
            Outcome::Sent => &[&self.sent],
            Outcome::Retried => &[&self.failed],
            Outcome::Refused => &[&self.failed, &self.refused],
            Outcome::GivenUp => &[&self.failed, &self.given_up],
            Outcome::Dropped => &[&self.dropped],
        };
        for counter in more {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Gives notices until the server stops.
pub(super) async fn give(service: Arc<Service>, tally: Arc<Tally>, by_mail: bool, stop: Stop) {
    let mut trouble = Trouble::new(&tally);
    loop {
        let round = trouble.seen("notices cannot be given", give_notices(&service, by_mail).await);
        tally.given.fetch_add(round.map_or(0, |round| round.given.into()), Ordering::Relaxed);
        let more = round.is_some_and(|round| round.looked_at >= LOOKED_AT_ONCE);
        if stopped_after(more, &stop).await {
            return;
        }
    }
}

/// Sends mails until the server stops.
pub(super) async fn send(
    service: Arc<Service>,
    tally: Arc<Tally>,
    post: Arc<dyn Post>,
    sender: Sender,
    stop: Stop,
) {
    let mut trouble = Trouble::new(&tally);
    loop {
        let sent = tokio::select! {
            sent = send_mail(&service, post.as_ref(), &sender) => sent,
            () = overdue(stop.clone()) => {
                tracing::warn!("a mail was on its way for too long; it is sent again after the next start");
                return;
            }
        };
        let outcome = trouble.seen("mails cannot be sent", sent);
        tally.note(outcome.unwrap_or(Outcome::Nothing));
        let more = outcome.is_some_and(|outcome| outcome != Outcome::Nothing);
        if stopped_after(more, &stop).await {
            return;
        }
    }
}

/// Pauses, shortly if there is more to do. `true`: the server was asked to stop.
async fn stopped_after(more: bool, stop: &Stop) -> bool {
    tokio::select! {
        () = tokio::time::sleep(if more { BREATH } else { LOOK_EVERY }) => false,
        () = stop.clone().asked() => true,
    }
}

async fn overdue(stop: Stop) {
    stop.asked().await;
    tokio::time::sleep(DRAIN_MAX).await;
}

/// Whether the last round failed: said when it begins and when it ends, not each second.
struct Trouble<'a> {
    tally: &'a Tally,
    is_there: bool,
}

impl<'a> Trouble<'a> {
    const fn new(tally: &'a Tally) -> Self {
        Self { tally, is_there: false }
    }

    fn seen<T>(&mut self, what: &str, result: Result<T, Refusal>) -> Option<T> {
        match result {
            Ok(done) => {
                if self.is_there {
                    tracing::info!("{what}: that is over");
                }
                self.is_there = false;
                Some(done)
            }
            Err(refusal) => {
                self.tally.troubles.fetch_add(1, Ordering::Relaxed);
                if !self.is_there {
                    tracing::error!(error = ?refusal, "{what} for now");
                }
                self.is_there = true;
                None
            }
        }
    }
}
