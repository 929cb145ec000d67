//! Telling control planes of uses of keys.

use keyward_wire::feed::UsesTold;

use super::connection::{self, Connection};
use super::{ANSWER_WITHIN, Endpoint, Feed, NoAnswer, within_time};

/// Tells control planes of uses, over a connection that stays from batch to batch.
#[derive(Debug, Default)]
pub struct Telling {
    /// To which control plane, and the connection.
    kept: Option<(usize, Connection)>,
}

impl Telling {
    /// Tells one control plane of a batch. `Ok`: it has taken it. Otherwise it may have taken it all the same: tell the same
    /// batch again, as it is.
    pub async fn tell(&mut self, feed: &Feed, at: usize, uses: &UsesTold) -> Result<(), NoAnswer> {
        let Some(endpoint) = feed.endpoints.get(at) else {
            return Err(NoAnswer::Unreachable("there is no such control plane".to_owned()));
        };
        let body = serde_json::to_vec(uses).map_err(|error| NoAnswer::Unreadable(error.to_string()))?;
        // What a broken connection still holds belongs to no later batch: it is put back only where all went well.
        let mut kept = self.kept.take().filter(|(to, _)| *to == at).map(|(_, connection)| connection);
        within_time(ANSWER_WITHIN, async {
            if kept.is_some() {
                match post(&mut kept, feed, endpoint, body.clone()).await {
                    // The other end lets go of a connection that was not used for a while, and may do so right now.
                    Err(NoAnswer::Unreachable(_)) => kept = None,
                    told => return told,
                }
            }
            post(&mut kept, feed, endpoint, body).await
        })
        .await?;
        self.kept = kept.map(|connection| (at, connection));
        Ok(())
    }
}

async fn post(
    kept: &mut Option<Connection>,
    feed: &Feed,
    endpoint: &Endpoint,
    body: Vec<u8>,
) -> Result<(), NoAnswer> {
    connection::ready(kept, feed, endpoint).await?.post(feed, endpoint, "/feed/v1/uses", body).await.map(drop)
}
