//! `keyward webhooks …`

mod create;
mod delete;
mod deliveries;
mod edit;
mod list;
mod resend;
mod rotate_secret;
mod show;
mod show_delivery;
mod test;

use super::failure::Failure;
use super::names::{Slug, WebhookId};

pub(super) const EXAMPLES: &str = "\
Examples:
  keyward webhooks create https://hooks.example.com/keyward --event key.created --event key.revoked
  keyward webhooks test whk_01jd8xq2m0e6vt5r3n7k9c4wzb
  keyward webhooks deliveries whk_01jd8xq2m0e6vt5r3n7k9c4wzb --status failed";

/// Manage webhooks: addresses that are told what happens in a workspace
///
/// Each delivery is signed as the Standard Webhooks specification says, tried for three days, and kept for 30 days to be
/// looked at and sent again.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Webhooks {
    List(list::List),
    Show(show::Show),
    Create(create::Create),
    Edit(edit::Edit),
    RotateSecret(rotate_secret::RotateSecret),
    Test(test::Test),
    Deliveries(deliveries::Deliveries),
    ShowDelivery(show_delivery::ShowDelivery),
    Resend(resend::Resend),
    Delete(delete::Delete),
}

pub(super) fn run(webhooks: &Webhooks) -> Result<(), Failure> {
    match webhooks {
        Webhooks::List(list) => list::run(list),
        Webhooks::Show(show) => show::run(show),
        Webhooks::Create(create) => create::run(create),
        Webhooks::Edit(edit) => edit::run(edit),
        Webhooks::RotateSecret(rotate) => rotate_secret::run(rotate),
        Webhooks::Test(test) => test::run(test),
        Webhooks::Deliveries(deliveries) => deliveries::run(deliveries),
        Webhooks::ShowDelivery(show) => show_delivery::run(show),
        Webhooks::Resend(resend) => resend::run(resend),
        Webhooks::Delete(delete) => delete::run(delete),
    }
}

/// The path of the webhooks of a workspace.
fn path(slug: &Slug) -> String {
    format!("/api/v1/{slug}/webhooks")
}

/// The path of a webhook.
fn webhook_path(slug: &Slug, id: &WebhookId) -> String {
    format!("{}/{id}", path(slug))
}
