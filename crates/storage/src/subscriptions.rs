//! Subscriptions: what billing has said that workspaces pay for.

use async_trait::async_trait;
use jiff::Timestamp;
use keyward_core::billing::Subscription;
use keyward_core::id::WorkspaceId;
use keyward_core::plan::PlanName;

use crate::error::StoreError;

/// What a transaction can do with subscriptions. All of it is the system's work.
#[async_trait]
pub trait Subscriptions {
    /// Keeps a subscription, in place of what was known of it.
    async fn put_subscription(&mut self, subscription: &Subscription) -> Result<(), StoreError>;

    /// What is known of a subscription.
    async fn subscription(&mut self, id: &str) -> Result<Option<Subscription>, StoreError>;

    /// The plans that a workspace's subscriptions pay for, by name, each once.
    async fn paid_plans(&mut self, workspace: WorkspaceId) -> Result<Vec<PlanName>, StoreError>;

    /// Forgets those that pay for nothing and were last heard of before then. Returns how many.
    async fn forget_ended_subscriptions(&mut self, heard_before: Timestamp) -> Result<u32, StoreError>;
}
