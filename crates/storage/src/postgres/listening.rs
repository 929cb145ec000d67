//! Being told that changes were numbered. It only wakes: whoever is not told finds the same with their next look. So
//! nothing is lost with a connection that was lost, nor behind a pool that hands on no such message.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{self, select};
use futures_util::{StreamExt as _, pin_mut};
use keyward_core::change::Epoch;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio_postgres::AsyncMessage;

use super::address::Address;
use super::pool::open;

/// Where `number_changes` and `tell_numbered` say up to which epoch they came.
const LISTEN: &str = "LISTEN keyward_changes";
/// How long to wait before another connection is tried. Meanwhile others look by themselves.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// A task that listens for as long as this is there.
#[derive(Debug)]
pub(super) struct Listening {
    heard: watch::Receiver<Epoch>,
    /// What was told last.
    told: AtomicU64,
    task: AbortHandle,
}

impl Listening {
    pub(super) fn begin(address: Address) -> Self {
        let (tell, heard) = watch::channel(Epoch::default());
        let listening = async move {
            loop {
                listen(&address, &tell).await;
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        };
        Self { heard, told: AtomicU64::default(), task: tokio::spawn(listening).abort_handle() }
    }

    /// Waits until it is heard that there are changes beyond an epoch, and tells up to where. What was told once is not told
    /// again: every role of the database may say anything, and nobody is to look again and again for what is not there.
    pub(super) async fn heard_beyond(&self, epoch: Epoch) -> Epoch {
        let told = Epoch(self.told.load(Ordering::Relaxed));
        let is_news = |heard: &Epoch| *heard > epoch && *heard != told;
        let heard = self.heard.clone().wait_for(is_news).await.map(|heard| *heard);
        match heard {
            Ok(heard) => {
                self.told.store(heard.0, Ordering::Relaxed);
                heard
            }
            // The task has ended: nothing will be heard.
            Err(_) => future::pending().await,
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Listens until the connection is lost.
async fn listen(address: &Address, tell: &watch::Sender<Epoch>) {
    let Ok((client, messages)) = open(address).await else { return };
    let hearing = messages.for_each(|message| {
        if let Ok(AsyncMessage::Notification(notification)) = message
            && let Ok(epoch) = notification.payload().parse().map(Epoch)
        {
            tell.send_if_modified(|heard| std::mem::replace(heard, epoch) != epoch);
        }
        future::ready(())
    });
    let asking = async {
        if client.batch_execute(LISTEN).await.is_ok() {
            future::pending::<()>().await;
        }
    };
    pin_mut!(hearing, asking);
    select(hearing, asking).await;
}
