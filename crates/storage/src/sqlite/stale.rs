//! Keys that somebody should look at, each kind found along an index of its own.

use std::ops::ControlFlow;

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::id::KeyId;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::SqliteTx;
use super::connection::aside;
use super::key_lead::tenant;
use super::key_row::{NEVER_ENDS, NEVER_USED};
use super::keys::key_by_id;
use super::row::each_until;
use crate::bounds::WALK_MAX;
use crate::{
    Found, KeyScope, NewestNetwork, Page, Position, SortValue, StaleCount, StaleFilter, StaleKey, StaleKeys,
    StaleReason, StoreError,
};

const BY_USE: &str = "key_uses u INDEXED BY key_uses_by_time CROSS JOIN keys k ON k.id = u.key_id";
const BY_NETWORK: &str = "key_uses u INDEXED BY key_uses_by_network CROSS JOIN keys k ON k.id = u.key_id";
const BY_END: &str = "keys k INDEXED BY live_keys_by_end CROSS JOIN key_uses u ON u.key_id = k.id";

/// How the keys of a reason are found.
struct Lead {
    from: &'static str,
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
            from: BY_USE,
            home: "u.home_id",
            part,
            values,
            order: ["u.used_at", "u.key_id"],
            descending: false,
        };
        let by_end = |part, values| Self {
            from: BY_END,
            home: "k.home_id",
            part,
            values,
            order: ["k.ends_at", "k.id"],
            descending: false,
        };
        match filter.reason {
            StaleReason::NeverUsed => by_use("u.used_at = ?", vec![NEVER_USED.into()]),
            StaleReason::Unused => by_use(
                "u.used_at > ? AND u.used_at < ?",
                vec![NEVER_USED.into(), micros(filter.unused_since)],
            ),
            StaleReason::NeverExpires => {
                by_end("k.revoked_at IS NULL AND k.ends_at = ?", vec![NEVER_ENDS.into()])
            }
            StaleReason::ExpiresSoon => by_end(
                "k.revoked_at IS NULL AND k.ends_at > ? AND k.ends_at <= ?",
                vec![micros(filter.now), micros(filter.ends_until)],
            ),
            StaleReason::NewNetwork => Self {
                from: BY_NETWORK,
                home: "u.home_id",
                part: "u.network_at >= ?",
                values: vec![micros(filter.new_since)],
                order: ["u.network_at", "u.key_id"],
                descending: true,
            },
        }
    }

    /// Its keys in their order: what is theirs, and whether they fit.
    fn select(self, filter: &StaleFilter, after: Option<&Position>) -> (String, Vec<Value>) {
        let Self { from, home, part, values: of_part, order: [order, id], descending } = self;
        let kind = match filter.scope {
            KeyScope::OfWorkspace => "workspace",
            KeyScope::OfPerson => "personal",
        };
        let mut values = vec![Value::from(filter.now.as_microsecond())];
        let is_older = if filter.reason == StaleReason::NewNetwork {
            values.push(filter.new_since.as_microsecond().into());
            " AND k.created_at < ?"
        } else {
            ""
        };
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
            values.extend([Value::from(number), Value::from(last.to_vec())]);
        }
        values.push(WALK_MAX.into());
        let tenant = tenant(filter.scope);
        let sql = format!(
            "SELECT k.id, {order}, u.network, u.network_at,
                    (k.revoked_at IS NULL AND k.ends_at > ?{is_older}) IS TRUE
             FROM {from} WHERE {home} = {tenant} AND k.kind = '{kind}' AND {part}{behind}
             ORDER BY {order} {direction}, {id} {direction} LIMIT ?"
        );
        (sql, values)
    }
}

/// A key that was found.
struct Place {
    id: [u8; 16],
    sorted_by: i64,
    network: Option<NewestNetwork>,
}

impl Place {
    fn position(&self) -> Position {
        Position { value: SortValue::Number(self.sorted_by), id: self.id }
    }
}

/// Walks until there are so many that fit. Tells where to go on, if that may be worth it.
fn walk(
    connection: &Connection,
    filter: &StaleFilter,
    after: Option<&Position>,
    wanted: usize,
) -> Result<(Vec<Place>, Option<Position>), StoreError> {
    let (sql, values) = Lead::of(filter).select(filter, after);
    let (mut places, mut last, mut looked_at, mut is_full): (Vec<Place>, _, _, _) = (vec![], None, 0, false);
    each_until(connection, "keys", &sql, params_from_iter(values), |columns| {
        let (id, sorted_by) = (columns.take()?, columns.take()?);
        let (network, at): (Option<String>, _) = (columns.take()?, columns.time_or_null()?);
        let network =
            network.zip(at).map(|(network, first_used_at)| NewestNetwork { network, first_used_at });
        let place = Place { id, sorted_by, network };
        let fits: bool = columns.take()?;
        looked_at += 1;
        if fits && places.len() >= wanted {
            is_full = true;
            return Ok(ControlFlow::Break(()));
        }
        last = Some(place.position());
        if fits {
            places.push(place);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let next =
        if is_full { places.last().map(Place::position) } else { last.filter(|_| looked_at >= WALK_MAX) };
    Ok((places, next))
}

#[async_trait]
impl StaleKeys for SqliteTx {
    async fn stale_keys(&mut self, filter: &StaleFilter, page: &Page) -> Result<Found<StaleKey>, StoreError> {
        let connection = self.read()?;
        aside(|| {
            let (places, next) = walk(connection, filter, page.after.as_ref(), page.limit as usize)?;
            let gone = || StoreError::Corrupt {
                table: "keys",
                why: "a list has a key that is not there".to_owned(),
            };
            let row = |Place { id, sorted_by, network }: Place| {
                let row = key_by_id(connection, KeyId::from_bytes(id))?.ok_or_else(gone)?;
                Ok(StaleKey { row, network, sorted_by })
            };
            Ok(Found { rows: places.into_iter().map(row).collect::<Result<_, StoreError>>()?, next })
        })
    }

    async fn count_stale_keys(
        &mut self,
        filter: &StaleFilter,
        at_most: u32,
    ) -> Result<StaleCount, StoreError> {
        let connection = self.read()?;
        let (places, next) = aside(|| walk(connection, filter, None, at_most as usize))?;
        Ok(StaleCount { keys: u32::try_from(places.len()).unwrap_or(u32::MAX), more: next.is_some() })
    }
}
