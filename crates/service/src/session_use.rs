//! When sessions were last used, for their owners to see. Written beside the request, to the minute.

use std::sync::Arc;

use jiff::SignedDuration;
use keyward_storage::{Session, SystemReason};
use tokio::sync::Semaphore;

use crate::Service;

/// How exactly it is known: a write a minute for each session at the most.
const EXACT_TO: SignedDuration = SignedDuration::from_mins(1);
/// Writes under way at once. What does not fit is written with a later request of the session.
const AT_ONCE_MAX: usize = 4;

/// Bounds how many are written at once.
#[derive(Debug, Clone)]
pub struct SessionUse(Arc<Semaphore>);

impl Default for SessionUse {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE_MAX)))
    }
}

/// Notes that a session is used, unless that is known.
pub(crate) fn note(service: &Service, session: &Session) {
    let now = service.clock.now();
    let known = session.last_used_at.unwrap_or(session.created_at);
    if now.duration_since(known) < EXACT_TO {
        return;
    }
    let Ok(turn) = service.session_use.0.clone().try_acquire_owned() else { return };
    let (store, id) = (service.store.clone(), session.id);
    tokio::spawn(async move {
        let written = async {
            let mut tx = store.begin_system(SystemReason::Authenticate).await?;
            tx.touch_session(id, now).await?;
            tx.commit().await
        };
        if let Err(error) = written.await {
            tracing::warn!(%error, "when a session was last used could not be written");
        }
        drop(turn);
    });
}
