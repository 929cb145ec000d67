//! Notices of a key's end: which there are, when each is due, and of which keys.

use jiff::{SignedDuration, Timestamp};

const HOURS_OF_A_DAY: i64 = 24;
/// How long after its end a key's people are still told that it has ended. Later the news is no help: a server that
/// was off for so long, or whose notices were, does not send a year of them.
const LATE_DAYS_MAX: i64 = 30;

/// Something that the people of a key are told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notice {
    /// The key ends within 30 days.
    Ahead30,
    /// The key ends within 7 days.
    Ahead7,
    /// The key ends within a day.
    Ahead1,
    /// The key has ended.
    Ended,
}

impl Notice {
    /// All of them, in the order in which they are due.
    pub const ALL: [Self; 4] = [Self::Ahead30, Self::Ahead7, Self::Ahead1, Self::Ended];

    /// How many days before the end it is due: none for the end itself.
    pub const fn days(self) -> u8 {
        match self {
            Self::Ahead30 => 30,
            Self::Ahead7 => 7,
            Self::Ahead1 => 1,
            Self::Ended => 0,
        }
    }

    /// Back from the number of days.
    pub fn from_days(days: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.days() == days)
    }

    /// When it is due of a key that ends at `expires_at`.
    pub fn due_at(self, expires_at: Timestamp) -> Timestamp {
        let ahead = SignedDuration::from_hours(i64::from(self.days()) * HOURS_OF_A_DAY);
        expires_at.checked_sub(ahead).unwrap_or(Timestamp::MIN)
    }
}

/// When the first notice is due that is due after an instant. `None`: the key has ended by then.
pub fn next_due(expires_at: Timestamp, after: Timestamp) -> Option<Timestamp> {
    Notice::ALL.into_iter().map(|notice| notice.due_at(expires_at)).find(|due_at| *due_at > after)
}

/// The one notice that is to be given at `now`: of those that are due, the nearest to the end. Those before it are
/// passed over, so that somebody whose server was off for a week is told once. A key that lives no longer than the
/// days of a notice is not given that one: its maker has just chosen its end.
pub fn due(created_at: Timestamp, expires_at: Timestamp, now: Timestamp) -> Option<Notice> {
    let late = SignedDuration::from_hours(LATE_DAYS_MAX * HOURS_OF_A_DAY);
    if now.duration_since(expires_at) >= late {
        return None;
    }
    let is_due = |notice: &Notice| {
        let due_at = notice.due_at(expires_at);
        created_at < due_at && due_at <= now
    };
    Notice::ALL.into_iter().rev().find(is_due)
}

/// How many days a key has left, a begun one counted whole.
pub fn days_left(expires_at: Timestamp, now: Timestamp) -> u32 {
    let day = SignedDuration::from_hours(HOURS_OF_A_DAY).as_millis();
    let left = expires_at.duration_since(now).as_millis().max(0);
    u32::try_from((left + day - 1) / day).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::Notice::{Ahead1, Ahead7, Ended};
    use super::*;

    const SECOND: i64 = 1;
    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    /// What a server gives that looks at the key at each of these instants, and when: each notice once.
    fn given(life: i64, looks: &[i64]) -> Vec<(i64, Notice)> {
        let mut given: Vec<(i64, Notice)> = Vec::new();
        for look in looks {
            let found = due(at(0), at(life), at(*look));
            if let Some(notice) = found.filter(|notice| given.iter().all(|(_, before)| before != notice)) {
                given.push((*look, notice));
            }
        }
        given
    }

    #[test]
    fn each_notice_is_due_at_its_time() {
        let life = 90 * DAY;
        for notice in Notice::ALL {
            let due_at = life - i64::from(notice.days()) * DAY;
            assert_eq!(notice.due_at(at(life)), at(due_at));
            assert_ne!(due(at(0), at(life), at(due_at - SECOND)), Some(notice));
            assert_eq!(due(at(0), at(life), at(due_at)), Some(notice));
            assert_eq!(Notice::from_days(notice.days()), Some(notice));
        }
        assert_eq!(due(at(0), at(life), at(0)), None);
        assert_eq!(Notice::from_days(2), None);
    }

    #[test]
    fn a_server_that_is_always_there_gives_all_four() {
        let hourly: Vec<i64> = (0..100 * 24).map(|hour| hour * HOUR).collect();
        let found: Vec<Notice> = given(90 * DAY, &hourly).into_iter().map(|(_, notice)| notice).collect();
        assert_eq!(found, Notice::ALL);
    }

    #[test]
    fn a_server_that_was_off_gives_the_nearest_alone() {
        // On until 31 days before the end, and again 3 days before it.
        assert_eq!(given(90 * DAY, &[59 * DAY, 87 * DAY, 90 * DAY]), [(87 * DAY, Ahead7), (90 * DAY, Ended)]);
        assert_eq!(given(90 * DAY, &[0, 90 * DAY + HOUR]), [(90 * DAY + HOUR, Ended)]);
    }

    #[test]
    fn a_short_life_has_fewer() {
        let hourly: Vec<i64> = (0..50 * 24).map(|hour| hour * HOUR).collect();
        let kinds = |life| given(life, &hourly).into_iter().map(|(_, notice)| notice).collect::<Vec<_>>();
        assert_eq!(kinds(30 * DAY), [Ahead7, Ahead1, Ended]);
        assert_eq!(kinds(5 * DAY), [Ahead1, Ended]);
        assert_eq!(kinds(DAY), [Ended]);
        assert_eq!(kinds(HOUR), [Ended]);
        assert_eq!(due(at(0), at(DAY + 2), at(2)), Some(Ahead1));
    }

    #[test]
    fn an_end_long_ago_is_no_news() {
        assert_eq!(due(at(0), at(DAY), at(31 * DAY - SECOND)), Some(Ended));
        assert_eq!(due(at(0), at(DAY), at(31 * DAY)), None);
    }

    #[test]
    fn the_next_is_due_after_the_present() {
        let life = 90 * DAY;
        for (after, next) in
            [(0, Some(60)), (60, Some(83)), (61, Some(83)), (83, Some(89)), (89, Some(90)), (90, None)]
        {
            assert_eq!(next_due(at(life), at(after * DAY)), next.map(|day| at(day * DAY)), "{after}");
        }
        assert_eq!(next_due(Timestamp::MIN, at(0)), None);
    }

    #[test]
    fn a_begun_day_counts_whole() {
        for (left, days) in [(-5, 0), (0, 0), (1, 1), (DAY - 1, 1), (DAY, 1), (DAY + 1, 2), (3 * DAY, 3)] {
            assert_eq!(days_left(at(left), at(0)), days, "{left}");
        }
    }
}
