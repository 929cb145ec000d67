//! Keys that somebody should look at, each kind found along an index of its own.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::KeyId;

use super::PostgresTx;
use super::key_list::{allow_sorting, home_of, numbered};
use super::key_row::{NEVER_ENDS, NEVER_USED};
use super::keys::keys_by_id;
use super::link::Link;
use super::row::many;
use super::value::{Value, params};
use crate::bounds::WALK_MAX;
use crate::{
    Found, NewestNetwork, Page, Position, SortValue, StaleCount, StaleFilter, StaleKey, StaleKeys,
    StaleReason, StoreError,
};

/// How the keys of a reason are found.
struct Lead {
    home: &'static str,
    part: &'static str,
    values: Vec<Value>,
    order: [&'static str; 2],
    descending: bool,
}

impl Lead {
    fn of(filter: &StaleFilter) -> Self {
        let micros = |at: Timestamp| Value::from(at.as_microsecond());
        let by_use = |part, values| Self {
            home: "u.home_id",
            part,
            values,
            order: ["u.used_at", "u.key_id"],
            descending: false,
        };
        let by_end = |part, values| Self {
            home: "k.home_id",
            part,
            values,
            order: ["k.ends_at", "k.id"],
            descending: false,
        };
        match filter.reason {
            StaleReason::NeverUsed => by_use("u.used_at = ?", params![NEVER_USED]),
            StaleReason::Unused => by_use(
                "u.used_at > ? AND u.used_at < ?",
                vec![NEVER_USED.into(), micros(filter.unused_since)],
            ),
            StaleReason::NeverExpires => {
                by_end("k.revoked_at IS NULL AND k.ends_at = ?", params![NEVER_ENDS])
            }
            StaleReason::ExpiresSoon => by_end(
                "k.revoked_at IS NULL AND k.ends_at > ? AND k.ends_at <= ?",
                vec![micros(filter.now), micros(filter.ends_until)],
            ),
            StaleReason::NewNetwork => Self {
                home: "u.home_id",
                part: "u.network_at >= ?",
                values: vec![micros(filter.new_since)],
                order: ["u.network_at", "u.key_id"],
                descending: true,
            },
        }
    }

    /// Its keys in their order: what is theirs, and whether they fit.
    fn select(self, home_id: &str, filter: &StaleFilter, after: Option<&Position>) -> (String, Vec<Value>) {
        let Self { home, part, values: of_part, order: [order, id], descending } = self;
        let mut values = params![filter.now.as_microsecond()];
        let is_older = if filter.reason == StaleReason::NewNetwork {
            values.push(filter.new_since.as_microsecond().into());
            " AND k.created_at < ?"
        } else {
            ""
        };
        values.push(home_id.into());
        values.extend(of_part);
        let (beyond, direction) = if descending { ("<", "DESC") } else { (">", "ASC") };
        let mut behind = String::new();
        if let Some(Position { value, id: last }) = after {
            let (number, last) = match value {
                SortValue::Number(number) => (*number, *last),
                // A place in no list of this kind: nothing is behind it.
                SortValue::Text(_) if descending => (i64::MIN, [0; 16]),
                SortValue::Text(_) => (i64::MAX, [0xff; 16]),
            };
            behind = format!(" AND ({order}, {id}) {beyond} (?, ?)");
            values.extend(params![number, KeyId::from_bytes(last)]);
        }
        values.push(WALK_MAX.into());
        let sql = format!(
            "SELECT k.id, {order}, u.network, u.network_at,
                    (k.revoked_at IS NULL AND k.ends_at > ?{is_older}) IS TRUE
             FROM keys k JOIN key_uses u ON u.key_id = k.id WHERE {home} = ? AND {part}{behind}
             ORDER BY {order} {direction}, {id} {direction} LIMIT ?"
        );
        (numbered(&sql), values)
    }
}

/// A key that was found.
struct Place {
    id: KeyId,
    sorted_by: i64,
    network: Option<NewestNetwork>,
    fits: bool,
}

impl Place {
    fn position(&self) -> Position {
        Position { value: SortValue::Number(self.sorted_by), id: self.id.to_bytes() }
    }
}

/// Walks until there are so many that fit. Tells where to go on, if that may be worth it.
async fn walk(
    link: &Link,
    home: &str,
    filter: &StaleFilter,
    after: Option<&Position>,
    wanted: usize,
) -> Result<(Vec<Place>, Option<Position>), StoreError> {
    let (sql, values) = Lead::of(filter).select(home, filter, after);
    allow_sorting(link, "off").await?;
    let found = many(link, "keys", &sql, values, |columns| {
        let (id, sorted_by) = (columns.text()?, columns.take()?);
        let (network, at): (Option<String>, _) = (columns.take()?, columns.time_or_null()?);
        let network =
            network.zip(at).map(|(network, first_used_at)| NewestNetwork { network, first_used_at });
        Ok(Place { id, sorted_by, network, fits: columns.take()? })
    })
    .await?;
    allow_sorting(link, "on").await?;
    let (mut places, mut last, mut looked_at): (Vec<Place>, _, _) = (Vec::new(), None, 0);
    for place in found {
        looked_at += 1;
        if place.fits && places.len() >= wanted {
            let next = places.last().map(Place::position);
            return Ok((places, next));
        }
        last = Some(place.position());
        if place.fits {
            places.push(place);
        }
    }
    Ok((places, last.filter(|_| looked_at >= WALK_MAX)))
}

#[async_trait]
impl StaleKeys for PostgresTx {
    async fn stale_keys(&mut self, filter: &StaleFilter, page: &Page) -> Result<Found<StaleKey>, StoreError> {
        let Some(home) = home_of(self.view, filter.scope) else {
            return Ok(Found { rows: Vec::new(), next: None });
        };
        let link = self.read()?;
        let (places, next) = walk(link, &home, filter, page.after.as_ref(), page.limit as usize).await?;
        let ids: Vec<KeyId> = places.iter().map(|place| place.id).collect();
        let rows = keys_by_id(link, &ids).await?.into_iter().zip(places);
        let rows = rows.map(|(row, Place { network, sorted_by, .. })| StaleKey { row, network, sorted_by });
        Ok(Found { rows: rows.collect(), next })
    }

    async fn count_stale_keys(
        &mut self,
        filter: &StaleFilter,
        at_most: u32,
    ) -> Result<StaleCount, StoreError> {
        let Some(home) = home_of(self.view, filter.scope) else {
            return Ok(StaleCount { keys: 0, more: false });
        };
        let (places, next) = walk(self.read()?, &home, filter, None, at_most as usize).await?;
        Ok(StaleCount { keys: u32::try_from(places.len()).unwrap_or(u32::MAX), more: next.is_some() })
    }
}
