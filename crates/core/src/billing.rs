//! Subscriptions: what a workspace pays for, as billing tells it in events. They come late, more than once and
//! in any order; a subscription remembers of its last event what it takes to tell which of two is the later.

use jiff::Timestamp;

use crate::id::WorkspaceId;
use crate::plan::{Plan, PlanName};

/// Most events of one second and stage that a subscription remembers by their identifiers. Each is a change of one
/// subscription within that second; past the bound the oldest is forgotten.
pub const EVENTS_OF_ONE_MOMENT_MAX: usize = 32;

/// Where in a subscription's life an event stands. It parts events of one second: a subscription is made, then
/// changed, then ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The subscription was made.
    Created,
    /// It was changed.
    Updated,
    /// It ended for good.
    Deleted,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 3] = [Self::Created, Self::Updated, Self::Deleted];

    /// `created`, `updated` or `deleted`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }

    /// The stage of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text)
    }
}

/// When something happened to a subscription: the second, and the stage within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The second.
    pub at: Timestamp,
    /// The stage.
    pub stage: Stage,
}

/// An event that says what a subscription pays for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its identifier: the same each time it is delivered.
    pub id: Box<str>,
    /// The subscription that it is about.
    pub subscription: Box<str>,
    /// When it happened.
    pub moment: Moment,
    /// The workspace that the subscription is for.
    pub workspace: WorkspaceId,
    /// What it pays for. `None`: nothing (any more).
    pub plan: Option<PlanName>,
}

/// What is known of a subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its identifier at the payment provider.
    pub id: Box<str>,
    /// The workspace that it is for.
    pub workspace: WorkspaceId,
    /// What it pays for. `None`: it has ended, or is not paid.
    pub plan: Option<PlanName>,
    /// When the last event happened.
    pub moment: Moment,
    /// The events of that moment, in the order in which they came.
    pub events: Vec<Box<str>>,
    /// When the last event came in.
    pub heard_at: Timestamp,
}

/// How an event relates to what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// It says something new.
    Newer,
    /// It was heard before.
    Repeated,
    /// Something later was heard before it.
    Outdated,
}

impl Subscription {
    /// How an event relates to what is known. Of two events of one moment the one that comes in later counts as
    /// the later: nothing else is known of their order.
    pub fn order(&self, event: &str, moment: Moment) -> Order {
        if self.moment == moment && self.events.iter().any(|heard| **heard == *event) {
            return Order::Repeated;
        }
        if moment < self.moment { Order::Outdated } else { Order::Newer }
    }

    /// What is known after an event that is newer than what was `known`, or the first.
    pub fn after(known: Option<Self>, event: Event, now: Timestamp) -> Self {
        let same_moment = known.filter(|known| known.moment == event.moment);
        let mut events = same_moment.map_or_else(Vec::new, |known| known.events);
        events.push(event.id);
        let forgotten = events.len().saturating_sub(EVENTS_OF_ONE_MOMENT_MAX);
        events.drain(..forgotten);
        let Event { subscription, moment, workspace, plan, .. } = event;
        Self { id: subscription, workspace, plan, moment, events, heard_at: now }
    }
}

/// The plan of a workspace whose subscriptions pay for `paid`: of several the one that comes last in the profile,
/// without any the first, which a new workspace is on. A plan that the profile does not know counts as none.
pub fn plan_paid_for<'a>(plans: &'a [Plan], paid: &[PlanName]) -> Option<&'a Plan> {
    plans.iter().rev().find(|plan| paid.contains(&plan.name)).or(plans.first())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment(second: i64, stage: Stage) -> Moment {
        Moment { at: Timestamp::from_second(second).unwrap(), stage }
    }

    fn event(id: &str, moment: Moment, plan: Option<&str>) -> Event {
        Event {
            id: id.into(),
            subscription: "sub_1".into(),
            moment,
            workspace: WorkspaceId::from_bytes([1; 16]),
            plan: plan.map(PlanName::new),
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_000_000).unwrap()
    }

    /// What is known after these events, in that order.
    fn heard(events: &[Event]) -> Option<Subscription> {
        events.iter().cloned().fold(None, |known: Option<Subscription>, event| {
            let order = known.as_ref().map_or(Order::Newer, |known| known.order(&event.id, event.moment));
            if order == Order::Newer { Some(Subscription::after(known, event, now())) } else { known }
        })
    }

    fn plan_after(events: &[Event]) -> Option<String> {
        heard(events)?.plan.map(|plan| plan.to_string())
    }

    #[test]
    fn the_later_event_counts_whichever_comes_first() {
        let (pro, none) = (
            event("evt_1", moment(10, Stage::Updated), Some("pro")),
            event("evt_2", moment(11, Stage::Updated), None),
        );
        assert_eq!(plan_after(&[pro.clone(), none.clone()]), None);
        assert_eq!(plan_after(&[none, pro]), None);
    }

    #[test]
    fn within_a_second_a_subscription_is_made_then_changed_then_ended() {
        let made = event("evt_9", moment(10, Stage::Created), Some("starter"));
        let changed = event("evt_5", moment(10, Stage::Updated), Some("pro"));
        let ended = event("evt_1", moment(10, Stage::Deleted), None);
        assert_eq!(plan_after(&[changed.clone(), made.clone()]).as_deref(), Some("pro"));
        assert_eq!(plan_after(&[ended.clone(), changed.clone(), made.clone()]), None);
        assert_eq!(plan_after(&[made, ended, changed]), None);
    }

    #[test]
    fn of_two_changes_in_one_second_the_one_that_comes_later_counts_and_repeats_change_nothing() {
        let one = event("evt_1", moment(10, Stage::Updated), Some("pro"));
        let other = event("evt_2", moment(10, Stage::Updated), Some("enterprise"));
        let all = [one.clone(), other.clone(), one.clone(), one.clone()];
        assert_eq!(plan_after(&all).as_deref(), Some("enterprise"));
        let known = heard(&all).unwrap();
        assert_eq!(known.order(&one.id, one.moment), Order::Repeated);
        assert_eq!(known.order("evt_3", moment(9, Stage::Deleted)), Order::Outdated);
        assert_eq!(known.order("evt_3", one.moment), Order::Newer);
    }

    #[test]
    fn what_is_remembered_of_one_second_has_a_bound() {
        let of_one_second: Vec<Event> = (0..100)
            .map(|number| event(&format!("evt_{number}"), moment(10, Stage::Updated), Some("pro")))
            .collect();
        let known = heard(&of_one_second).unwrap();
        assert_eq!(known.events.len(), EVENTS_OF_ONE_MOMENT_MAX);
        assert_eq!(known.order("evt_99", known.moment), Order::Repeated);
    }

    #[test]
    fn of_several_plans_the_last_of_the_profile_counts_and_without_any_the_first() {
        let plan = |name: &str| Plan {
            name: PlanName::new(name),
            title: name.into(),
            api_keys: true,
            keys_max: None,
            seats_max: None,
            requests_per_minute: None,
        };
        let plans = [plan("starter"), plan("pro"), plan("enterprise")];
        let paid_for = |paid: &[&str]| {
            let paid: Vec<PlanName> = paid.iter().map(|name| PlanName::new(name)).collect();
            plan_paid_for(&plans, &paid).map(|plan| plan.name.to_string()).unwrap()
        };
        assert_eq!(paid_for(&[]), "starter");
        assert_eq!(paid_for(&["pro"]), "pro");
        assert_eq!(paid_for(&["enterprise", "pro"]), "enterprise");
        assert_eq!(paid_for(&["gone"]), "starter");
        assert_eq!(paid_for(&["gone", "pro"]), "pro");
        assert_eq!(plan_paid_for(&[], &[]), None);
    }

    proptest! {
        /// Events of different moments give the same end in whatever order and however often they come.
        #[test]
        fn the_order_of_arrival_does_not_matter(
            life in proptest::collection::vec((0_i64..3, 0_usize..3, 0_usize..3), 1..8),
            deliveries in proptest::collection::vec(any::<prop::sample::Index>(), 0..24),
        ) {
            let plans = [None, Some("pro"), Some("enterprise")];
            let mut events: Vec<Event> = Vec::new();
            for (number, (second, stage, plan)) in life.into_iter().enumerate() {
                let moment = moment(second, Stage::ALL[stage]);
                if !events.iter().any(|event| event.moment == moment) {
                    events.push(event(&format!("evt_{number}"), moment, plans[plan]));
                }
            }
            let mut shuffled: Vec<Event> = deliveries.iter().map(|pick| pick.get(&events).clone()).collect();
            // Each is delivered at last.
            shuffled.extend(events.iter().cloned());
            events.sort_by_key(|event| event.moment);
            prop_assert_eq!(heard(&shuffled), heard(&events));
        }
    }
}
