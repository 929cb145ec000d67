//! Open files: every connection is one, so that who may open how many is shared out before the first comes.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files beside connections: two listeners, the lock, logs, the runtime's own, and three for each of the
/// store's connections. Some thirty, with room to spare.
const OWN_FILES: usize = 128;
/// More is not asked for: it is many times what is ever open, and a kernel's table costs memory.
const LIMIT_MAX: u64 = 65_536;
/// What both planes may open where nothing holds them back.
pub(crate) const WANTED: usize = keyward_api::CONNECTIONS_MAX + keyward_gateway::CONNECTIONS_MAX + OWN_FILES;
/// Below this an ordinary day runs into it: five hundred people, and some hundred connections of each product.
pub(crate) const ADVISED_MIN: usize = 2_048;

/// How many connections each plane may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) control_plane: usize,
    pub(crate) data_plane: usize,
    /// Of gateway nodes. None, unless they may follow.
    pub(crate) feed: usize,
}

impl Room {
    /// Shares out a limit of open files. The control plane, which strangers reach, never gets more than a
    /// fourth: it cannot take from the data plane what that needs to decide.
    pub(crate) fn of(limit: usize) -> Self {
        let control_plane = (limit / 4).clamp(1, keyward_api::CONNECTIONS_MAX);
        let rest = limit.saturating_sub(control_plane).saturating_sub(OWN_FILES);
        Self { control_plane, data_plane: rest.clamp(1, keyward_gateway::CONNECTIONS_MAX), feed: 0 }
    }

    /// Leaves gateway nodes what nobody else wants of a limit, and a fourth of the data plane's part at least.
    fn with_feed(self, limit: usize) -> Self {
        let taken = self.control_plane + self.data_plane + OWN_FILES;
        let fourth = self.data_plane / 4;
        let (feed, data_plane) = match limit.saturating_sub(taken) {
            left if left >= fourth => (left, self.data_plane),
            _ => (fourth, self.data_plane - fourth),
        };
        Self { feed: feed.clamp(1, keyward_api::FEED_CONNECTIONS_MAX), data_plane, ..self }
    }
}

/// Raises the limit as far as this process may, and shares it out. `has_feed`: gateway nodes may follow.
pub(crate) fn make_room(has_feed: bool) -> Room {
    let limit = raise();
    let room = if has_feed { Room::of(limit).with_feed(limit) } else { Room::of(limit) };
    if limit < WANTED {
        tracing::warn!(
            limit,
            wanted = WANTED,
            control_plane = room.control_plane,
            data_plane = room.data_plane,
            "few files may be open, so that fewer connections are accepted at once; raise the hard limit of open files"
        );
    }
    room
}

fn raise() -> usize {
    let found = getrlimit(Resource::Nofile);
    let raised = target(found);
    if found.current.is_some_and(|current| current < raised) {
        let wanted = Rlimit { current: Some(raised), maximum: found.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, wanted) {
            tracing::warn!(%error, "the limit of open files cannot be raised");
        }
    }
    let now = getrlimit(Resource::Nofile).current;
    now.map_or(usize::MAX, whole)
}

/// The limit that a server of this user's would have once it has raised it.
pub(crate) fn attainable() -> usize {
    whole(target(getrlimit(Resource::Nofile)))
}

/// What is allowed and sensible. A limit that is higher already is left alone.
fn target(found: Rlimit) -> u64 {
    let allowed = found.maximum.unwrap_or(LIMIT_MAX).min(LIMIT_MAX);
    allowed.max(found.current.unwrap_or(LIMIT_MAX))
}

fn whole(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_planes_get_all_they_want_where_there_is_enough() {
        let room = Room { control_plane: 1_024, data_plane: 8_192, feed: 0 };
        assert_eq!(Room::of(WANTED), room);
        assert_eq!(Room::of(usize::MAX), room);
    }

    #[test]
    fn the_control_plane_leaves_the_data_plane_its_part() {
        assert_eq!(Room::of(1_024), Room { control_plane: 256, data_plane: 640, feed: 0 });
        let with_feed = Room::of(1_024).with_feed(1_024);
        assert_eq!(with_feed, Room { control_plane: 256, data_plane: 480, feed: 160 });
        assert_eq!(Room::of(WANTED + 4_096).with_feed(WANTED + 4_096).feed, 4_096);
        for limit in 256..WANTED {
            for room in [Room::of(limit), Room::of(limit).with_feed(limit)] {
                let all = room.control_plane + room.data_plane + room.feed + OWN_FILES;
                assert!(all <= limit, "{limit}: {room:?}");
            }
        }
    }

    #[test]
    fn nobody_is_left_without_any() {
        for limit in 0..256 {
            let room = Room::of(limit);
            assert!(room.control_plane > 0 && room.data_plane > 0, "{limit}: {room:?}");
            assert!(room.with_feed(limit).feed > 0 && room.with_feed(limit).data_plane > 0, "{limit}");
        }
    }

    #[test]
    fn the_limit_is_raised_to_what_is_allowed_and_never_lowered() {
        let of = |current, maximum| target(Rlimit { current, maximum });
        assert_eq!(of(Some(1_024), Some(4_096)), 4_096);
        assert_eq!(of(Some(1_024), Some(1_048_576)), LIMIT_MAX);
        assert_eq!(of(Some(1_024), None), LIMIT_MAX);
        assert_eq!(of(Some(100_000), Some(1_048_576)), 100_000);
    }
}
