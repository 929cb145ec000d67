//! Billing says what a workspace pays for: the plan follows its subscriptions.
//!
//! Events come late, twice and in any order; `keyward_core::billing` tells which is the later. What the operator set
//! by hand holds until the next event that says something new.

use jiff::{SignedDuration, Timestamp};
use keyward_core::billing::{Event, Moment, Order, Stage, Subscription, plan_paid_for};
use keyward_core::field::{FieldCode, FieldError};
use keyward_core::id::WorkspaceId;
use keyward_core::key::{Principal, PrincipalId};
use keyward_core::plan::PlanName;
use keyward_core::workspace::{Slug, Workspace};
use keyward_storage::{SystemReason, Tx};
use serde_json::json;

use crate::Service;
use crate::billing::{Billing, Price};
use crate::ctx::Ctx;
use crate::refusal::Refusal;
use crate::set_plan::put_on;

/// How long a subscription is remembered that pays for nothing. Stripe delivers an event again for three days, and
/// by hand for thirty: one from before the end must not find it forgotten.
const ENDED_KEPT: SignedDuration = SignedDuration::from_hours(35 * 24);
/// Longest identifier of Stripe's, as its documentation says.
const ID_LEN_MAX: usize = 255;

const EVENT_ID: &str = "id";
const CREATED: &str = "created";
const SUBSCRIPTION_ID: &str = "data.object.id";
const STATUS: &str = "data.object.status";
const WORKSPACE: &str = "data.object.metadata.keyward_workspace";
const PRICE: &str = "data.object.items.data[0].price.id";

/// What happened to a subscription, as its provider tells it. Nothing is checked yet but the signature.
#[derive(Debug, Clone)]
pub struct BillingEvent {
    /// The event's identifier: the same each time it is delivered.
    pub id: String,
    /// When it happened, in seconds since 1970.
    pub created: i64,
    /// Whether the subscription was made, changed or ended.
    pub stage: Stage,
    /// The subscription's identifier.
    pub subscription: String,
    /// How it stands, such as `active`.
    pub status: String,
    /// The slug or the identifier of the workspace that it is for.
    pub workspace: Option<String>,
    /// What it pays for.
    pub prices: Vec<Price>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The plan of the workspace follows it.
    Applied,
    /// It says nothing yet of what is paid for.
    Undecided,
    /// It was applied before.
    Repeated,
    /// Something later was applied before it.
    Outdated,
    /// It is about something else than the plan of a workspace.
    NotForKeyward,
}

impl Outcome {
    /// `applied`, `undecided`, `repeated`, `outdated` or `not_for_keyward`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Undecided => "undecided",
            Self::Repeated => "repeated",
            Self::Outdated => "outdated",
            Self::NotForKeyward => "not_for_keyward",
        }
    }
}

/// Applies an event whose signature was checked. Keys of the workspace stop or work again at once.
pub async fn apply_billing_event(
    service: &Service,
    ctx: &Ctx,
    event: BillingEvent,
) -> Result<Outcome, Refusal> {
    let billing = service.billing.as_ref().ok_or(Refusal::NotFound("a payment provider"))?;
    let moment = parse_moment(&event)?;
    let mut tx = service.store.begin_system(SystemReason::Bill).await?;
    let known = tx.subscription(&event.subscription).await?;
    match known.as_ref().map(|known| known.order(&event.id, moment)) {
        Some(Order::Repeated) => return leave(tx, Outcome::Repeated).await,
        Some(Order::Outdated) => return leave(tx, Outcome::Outdated).await,
        Some(Order::Newer) | None => {}
    }
    let Some(workspace) = find_workspace(tx.as_mut(), &event, known.as_ref()).await? else {
        return leave(tx, Outcome::NotForKeyward).await;
    };
    let plan = match standing(event.stage, &event.status)? {
        Standing::Undecided => return leave(tx, Outcome::Undecided).await,
        Standing::Pays => Some(bought(service, billing, &event.prices)?),
        Standing::Ended => None,
    };
    let event = Event {
        id: event.id.into(),
        subscription: event.subscription.into(),
        moment,
        workspace: workspace.id,
        plan,
    };
    follow(service, ctx, tx.as_mut(), known, event, workspace).await?;
    let epoch = tx.commit().await?;
    service.nodes.catch_up(epoch).await;
    Ok(Outcome::Applied)
}

/// Ends where nothing is written.
async fn leave(tx: Box<dyn Tx>, outcome: Outcome) -> Result<Outcome, Refusal> {
    tx.commit().await?;
    Ok(outcome)
}

fn parse_moment(event: &BillingEvent) -> Result<Moment, Refusal> {
    for (field, id) in [(EVENT_ID, &event.id), (SUBSCRIPTION_ID, &event.subscription)] {
        if id.is_empty() || id.len() > ID_LEN_MAX {
            let message = format!("give an identifier of 1 to {ID_LEN_MAX} bytes");
            return Err(FieldError::new(field, FieldCode::Invalid, message).into());
        }
    }
    let at = Timestamp::from_second(event.created)
        .map_err(|_| FieldError::new(CREATED, FieldCode::Invalid, "give the seconds since 1970"))?;
    Ok(Moment { at, stage: event.stage })
}

/// The workspace that an event names; without a name the one that its subscription was for.
async fn find_workspace(
    tx: &mut dyn Tx,
    event: &BillingEvent,
    known: Option<&Subscription>,
) -> Result<Option<Workspace>, Refusal> {
    let Some(name) = event.workspace.as_deref() else {
        let Some(known) = known else { return Ok(None) };
        return Ok(tx.workspace(known.workspace).await?);
    };
    let found = match (name.parse::<WorkspaceId>(), Slug::parse(name)) {
        (Ok(id), _) => tx.workspace(id).await?,
        (Err(_), Some(slug)) => tx.workspace_by_slug(&slug).await?,
        (Err(_), None) => None,
    };
    let unknown = || {
        let message = "no workspace has this slug or identifier; correct the subscription's metadata and send the event again";
        FieldError::new(WORKSPACE, FieldCode::NotFound, message)
    };
    Ok(Some(found.ok_or_else(unknown)?))
}

/// Whether a subscription pays for its price.
enum Standing {
    Pays,
    Ended,
    /// The first payment is still to come.
    Undecided,
}

/// The statuses of <https://docs.stripe.com/api/subscriptions/object>.
fn standing(stage: Stage, status: &str) -> Result<Standing, Refusal> {
    match (stage, status) {
        // `past_due`: Stripe is still trying to collect, and says `unpaid` or `canceled` when it gives up.
        (Stage::Created | Stage::Updated, "active" | "trialing" | "past_due") => Ok(Standing::Pays),
        (Stage::Created | Stage::Updated, "incomplete") => Ok(Standing::Undecided),
        (Stage::Deleted, _) | (_, "canceled" | "unpaid" | "incomplete_expired" | "paused") => {
            Ok(Standing::Ended)
        }
        _ => {
            let message = "this version of Keyward does not know this status; set the plan by hand";
            Err(FieldError::new(STATUS, FieldCode::NotFound, message).into())
        }
    }
}

/// The plan that the first price buys that buys any. A subscription may have others beside it.
fn bought(service: &Service, billing: &Billing, prices: &[Price]) -> Result<PlanName, Refusal> {
    let mut plans = prices.iter().filter_map(|price| billing.plan_of(&service.profile, price));
    plans.next().map(|plan| plan.name.clone()).ok_or_else(|| {
        let message = "no plan has this price; add it to billing.prices, or give it the name of a plan as its lookup key";
        FieldError::new(PRICE, FieldCode::NotFound, message).into()
    })
}

/// Writes down what is known now, and lets the plans follow: of the workspace, and of the one that the
/// subscription was for before.
async fn follow(
    service: &Service,
    ctx: &Ctx,
    tx: &mut dyn Tx,
    known: Option<Subscription>,
    event: Event,
    workspace: Workspace,
) -> Result<(), Refusal> {
    let left = known.as_ref().map(|known| known.workspace).filter(|left| *left != workspace.id);
    let cause = json!({ "event": &*event.id, "subscription": &*event.subscription });
    tx.put_subscription(&Subscription::after(known, event, ctx.now)).await?;
    tx.forget_ended_subscriptions(ctx.now - ENDED_KEPT).await?;
    let left = match left {
        Some(left) => tx.workspace(left).await?,
        None => None,
    };
    for workspace in [Some(workspace), left].into_iter().flatten() {
        let paid = tx.paid_plans(workspace.id).await?;
        let Some(plan) = plan_paid_for(service.profile.plans(), &paid) else { continue };
        let by = Principal { id: PrincipalId::Billing, name: "billing".into() };
        let after = put_on(ctx, tx, workspace, &plan.name, by, Some(cause.clone())).await?;
        tracing::info!(workspace = %after.id, plan = after.plan.as_str(), "the plan follows billing");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_the_price_is_paid() {
        for (stage, status, pays) in [
            (Stage::Created, "active", Some(true)),
            (Stage::Created, "trialing", Some(true)),
            (Stage::Updated, "past_due", Some(true)),
            (Stage::Created, "incomplete", None),
            (Stage::Updated, "incomplete_expired", Some(false)),
            (Stage::Updated, "unpaid", Some(false)),
            (Stage::Updated, "paused", Some(false)),
            (Stage::Updated, "canceled", Some(false)),
            (Stage::Deleted, "canceled", Some(false)),
            (Stage::Deleted, "active", Some(false)),
            (Stage::Deleted, "what is to come", Some(false)),
        ] {
            let said = match standing(stage, status).unwrap() {
                Standing::Pays => Some(true),
                Standing::Ended => Some(false),
                Standing::Undecided => None,
            };
            assert_eq!(said, pays, "{stage:?} {status}");
        }
        for unknown in ["", "Active", "active ", "what is to come"] {
            assert!(matches!(standing(Stage::Updated, unknown), Err(Refusal::Invalid(_))), "{unknown}");
        }
    }
}
