//! Events of Stripe's, as far as Keyward reads them. Stripe adds fields as it likes, so none is refused here.

use serde::{Deserialize, Serialize};

/// What every event has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StripeEventType {
    /// Such as `customer.subscription.updated`.
    #[serde(rename = "type")]
    pub type_: String,
}

/// An event about a subscription. It has more fields, which are passed over; of other types nothing but `type` is
/// read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StripeEvent {
    /// Its identifier.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "evt_1MqqbKLt4dXK03v5qaIbiNCC", min_length = 1, max_length = 255)
    )]
    pub id: String,
    /// What happened: `customer.subscription.created`, `customer.subscription.updated` or
    /// `customer.subscription.deleted`. Others are ignored.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(example = "customer.subscription.updated"))]
    pub type_: String,
    /// When it happened, in seconds since 1970.
    #[cfg_attr(feature = "openapi", schema(example = 1_794_873_600))]
    pub created: i64,
    /// What it happened to.
    pub data: StripeEventData,
}

/// What an event happened to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StripeEventData {
    /// The subscription as it is after the event.
    pub object: StripeSubscription,
}

/// A subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StripeSubscription {
    /// Its identifier.
    #[cfg_attr(
        feature = "openapi",
        schema(example = "sub_1MowQVLkdIwHu7ixeRlqHVzs", min_length = 1, max_length = 255)
    )]
    pub id: String,
    /// How it stands. `active`, `trialing` and `past_due` pay for the plan; `canceled`, `unpaid`, `paused` and
    /// `incomplete_expired` do not; `incomplete` changes nothing.
    #[cfg_attr(feature = "openapi", schema(example = "active"))]
    pub status: String,
    /// What was written on it.
    #[serde(default)]
    pub metadata: Option<StripeMetadata>,
    /// What it pays for.
    #[serde(default)]
    pub items: StripeItems,
}

/// What was written on a subscription.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StripeMetadata {
    /// The slug or the identifier of the workspace that it is for. Without it the event is none of Keyward's.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = "acme"))]
    pub keyward_workspace: Option<String>,
}

/// What a subscription pays for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StripeItems {
    /// Each thing. The first whose price buys a plan counts.
    pub data: Vec<StripeItem>,
}

/// One thing that a subscription pays for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StripeItem {
    /// Its price.
    pub price: StripePrice,
}

/// A price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StripePrice {
    /// Its identifier, as `billing.prices` names it.
    #[cfg_attr(feature = "openapi", schema(example = "price_1MowQULkdIwHu7ixraBm864M"))]
    pub id: String,
    /// The name of a plan, for a price that `billing.prices` does not name.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(example = "pro"))]
    pub lookup_key: Option<String>,
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BillingOutcome {
    /// `applied`: the plan follows it. `undecided`: it says nothing yet of what is paid for. `repeated`: it was
    /// applied before. `outdated`: something later was applied before it. `not_for_keyward`: it is about something
    /// else than the plan of a workspace.
    #[cfg_attr(feature = "openapi", schema(example = "applied"))]
    pub outcome: String,
}
