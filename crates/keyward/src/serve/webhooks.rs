//! Sending events to webhooks while the server runs. What is due is in the store; here are the network and the pace.
//!
//! Nobody depends on having seen an event: the store is asked what is due, at each turn anew.

mod send;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keyward_gateway::Measure;
use keyward_service::Service;
use keyward_service::deliver::{self, Claimed, Outcome, claim_due, conclude};
use tokio::task::JoinSet;

use super::stop::Stop;
use crate::cli::Failure;
use send::Sender;

/// How often the store is asked what is due: an event is on its way within that time.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Deliveries under way at once, of all webhooks: each holds a connection and an event, some tens of KiB. Those whose
/// receivers hang are one each (`AT_ONCE_OF_FAILING`), so that it takes many of them to keep the others waiting.
const AT_ONCE_MAX: usize = 64;
/// How often what is old is swept away, and how the webhooks do is counted.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
const COUNT_EVERY: Duration = Duration::from_secs(5);

/// What became of attempts since the start, and how the webhooks do.
#[derive(Debug, Default)]
pub(super) struct Tally {
    delivered: AtomicU64,
    failed: AtomicU64,
    given_up: AtomicU64,
    under_way: AtomicU64,
    failing: AtomicU64,
    late_ms: AtomicU64,
    troubles: AtomicU64,
}

impl Tally {
    /// For `/metrics`.
    pub(super) fn measures(&self) -> Vec<Measure> {
        let measure = |name, kind, help, value: &AtomicU64| Measure {
            name,
            kind,
            help,
            value: value.load(Ordering::Relaxed),
        };
        vec![
            measure(
                "keyward_webhook_deliveries_total",
                "counter",
                "Events that webhooks took.",
                &self.delivered,
            ),
            measure(
                "keyward_webhook_failed_attempts_total",
                "counter",
                "Attempts to send an event that failed.",
                &self.failed,
            ),
            measure(
                "keyward_webhook_given_up_total",
                "counter",
                "Events that were given up after their last attempt.",
                &self.given_up,
            ),
            measure("keyward_webhook_under_way", "gauge", "Events that are being sent.", &self.under_way),
            measure(
                "keyward_webhooks_failing",
                "gauge",
                "Webhooks whose every attempt fails, up to 1,000.",
                &self.failing,
            ),
            measure(
                "keyward_webhook_late_milliseconds",
                "gauge",
                "For how long the event that is due first has been due.",
                &self.late_ms,
            ),
            measure(
                "keyward_webhook_store_troubles_total",
                "counter",
                "How often the store could not be asked what is due, or told what became of it.",
                &self.troubles,
            ),
        ]
    }

    fn trouble(&self, what: &str, error: &dyn std::fmt::Display) {
        self.troubles.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%error, "{what}");
    }
}

/// Sends what is due until the server stops, then lets what is under way end.
pub(super) async fn deliver(service: Arc<Service>, tally: Arc<Tally>, sender: Sender, stop: Stop) {
    let sender = Arc::new(sender);
    let mut stop = std::pin::pin!(stop.asked());
    let mut under_way = JoinSet::new();
    loop {
        let more = begin_due(&service, &tally, &sender, &mut under_way).await;
        let pause = if more { Duration::ZERO } else { LOOK_EVERY };
        tokio::select! {
            () = &mut stop => break,
            () = tokio::time::sleep(pause), if under_way.len() < AT_ONCE_MAX => {}
            // What has ended may let the next of its subject go.
            Some(_) = under_way.join_next() => {}
        }
        tally.under_way.store(under_way.len() as u64, Ordering::Relaxed);
    }
    // An attempt is short, and what is cut off is only sent again.
    while under_way.join_next().await.is_some() {}
}

/// Begins as many deliveries as there is room for. `true`: there may be more.
async fn begin_due(
    service: &Arc<Service>,
    tally: &Arc<Tally>,
    sender: &Arc<Sender>,
    under_way: &mut JoinSet<()>,
) -> bool {
    while under_way.try_join_next().is_some() {}
    let room = AT_ONCE_MAX.saturating_sub(under_way.len());
    if room == 0 {
        return false;
    }
    let claimed = match claim_due(service, u32::try_from(room).unwrap_or(1)).await {
        Ok(claimed) => claimed,
        Err(refusal) => {
            tally.trouble("the store cannot be asked which events are due", &refusal);
            return false;
        }
    };
    let more = !claimed.is_empty();
    for one in claimed {
        let (service, tally, sender) = (Arc::clone(service), Arc::clone(tally), Arc::clone(sender));
        under_way.spawn(async move { attempt(&service, &tally, &sender, &one).await });
    }
    more
}

async fn attempt(service: &Service, tally: &Tally, sender: &Sender, claimed: &Claimed) {
    let tried = sender.send(service, claimed).await;
    match conclude(service, claimed, &tried).await {
        Ok(Some(Outcome::Delivered)) => tally.delivered.fetch_add(1, Ordering::Relaxed),
        Ok(Some(Outcome::Again(_) | Outcome::Later { .. })) => tally.failed.fetch_add(1, Ordering::Relaxed),
        Ok(Some(Outcome::GivenUp)) => {
            tally.failed.fetch_add(1, Ordering::Relaxed);
            tally.given_up.fetch_add(1, Ordering::Relaxed)
        }
        Ok(None) => 0,
        // It is sent again once its claim has run out.
        Err(refusal) => {
            tally.trouble("what became of an event cannot be written down", &refusal);
            0
        }
    };
    tracing::debug!(webhook = %claimed.webhook.id, delivery = %claimed.id, status = ?tried.attempt.status, "event sent");
}

/// Sweeps away what is old, and counts how the webhooks do, until the server stops.
pub(super) async fn look_after(service: Arc<Service>, tally: Arc<Tally>, stop: Stop) {
    let mut stop = std::pin::pin!(stop.asked());
    let (mut sweep, mut count) = (tokio::time::interval(SWEEP_EVERY), tokio::time::interval(COUNT_EVERY));
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = sweep.tick() => sweep_all(&service, &tally).await,
            _ = count.tick() => count_all(&service, &tally).await,
        }
    }
}

async fn sweep_all(service: &Service, tally: &Tally) {
    loop {
        match deliver::sweep(service).await {
            Ok(true) => tokio::task::yield_now().await,
            Ok(false) => return,
            Err(refusal) => return tally.trouble("old deliveries cannot be swept away", &refusal),
        }
    }
}

async fn count_all(service: &Service, tally: &Tally) {
    match deliver::totals(service).await {
        Ok(totals) => {
            let now = service.clock.now();
            let late = totals.due_since.map_or(0, |due| now.duration_since(due).as_millis().max(0));
            tally.failing.store(totals.failing.into(), Ordering::Relaxed);
            tally.late_ms.store(u64::try_from(late).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        Err(error) => tally.trouble("how the webhooks do cannot be counted", &error),
    }
}

/// What sends, with the certificates that this machine trusts.
pub(super) fn sender() -> Result<Sender, Failure> {
    Sender::new()
}
