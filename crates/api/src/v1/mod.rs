//! `/api/v1/…`: one file an operation, laid out as the addresses are.

mod accept_invitation;
mod account;
mod audit;
mod billing;
mod get_plan;
mod invitations;
mod invite_member;
pub(crate) mod keys;
mod me;
mod members;
mod nodes;
mod roles;
mod scopes;
mod service_accounts;
mod session;
mod set_plan;
mod set_up;
mod users;
mod vaults;
mod webhooks;
mod whoami;
mod workspaces;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::Api;

pub(crate) fn routes() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::new()
        .routes(routes!(session::sign_in, session::sign_out))
        .routes(routes!(set_up::set_up))
        .routes(routes!(me::me, account::update_me))
        .routes(routes!(account::change_password))
        .routes(routes!(account::list_sessions))
        .routes(routes!(account::end_other_sessions))
        .routes(routes!(account::end_session))
        .routes(routes!(keys::list::list_personal_keys, keys::create::create_personal_key))
        .routes(routes!(
            keys::get::get_personal_key,
            keys::update::update_personal_key,
            keys::revoke::delete_personal_key
        ))
        .routes(routes!(keys::revoke::revoke_personal_key))
        .routes(routes!(keys::bulk_revoke::bulk_revoke_personal_keys))
        .routes(routes!(keys::rotate::rotate_personal_key))
        .routes(routes!(keys::rotate::finish_personal_key_rotation))
        .routes(routes!(keys::rotate::cancel_personal_key_rotation))
        .routes(routes!(keys::stale::list_stale_personal_keys))
        .routes(routes!(keys::usage::list_personal_key_usage))
        .routes(routes!(keys::usage::summarize_personal_key_usage))
        .routes(routes!(keys::notices::list_personal_key_notices))
        .routes(routes!(keys::notices::list_workspace_key_notices))
        .routes(routes!(keys::stale::list_stale_workspace_keys))
        .routes(routes!(keys::usage::list_workspace_key_usage))
        .routes(routes!(keys::usage::summarize_workspace_key_usage))
        .routes(routes!(keys::rotate::rotate_workspace_key))
        .routes(routes!(keys::rotate::finish_workspace_key_rotation))
        .routes(routes!(keys::rotate::cancel_workspace_key_rotation))
        .routes(routes!(workspaces::list_workspaces, workspaces::create_workspace))
        .routes(routes!(workspaces::get_workspace, workspaces::update_workspace))
        .routes(routes!(whoami::whoami))
        .routes(routes!(scopes::list_scopes))
        .routes(routes!(nodes::list_nodes))
        .routes(routes!(keys::list::list_workspace_keys, keys::create::create_workspace_key))
        .routes(routes!(
            keys::get::get_workspace_key,
            keys::update::update_workspace_key,
            keys::revoke::delete_workspace_key
        ))
        .routes(routes!(keys::revoke::revoke_workspace_key))
        .routes(routes!(keys::bulk_revoke::bulk_revoke_workspace_keys))
        .routes(routes!(keys::import::import_keys))
        .routes(routes!(members::list::list_members))
        .routes(routes!(members::update::update_member, members::remove::remove_member))
        .routes(routes!(invitations::list_invitations, invite_member::invite_member))
        .routes(routes!(invitations::withdraw_invitation))
        .routes(routes!(accept_invitation::accept_invitation))
        .routes(routes!(roles::list_roles, roles::create_role))
        .routes(routes!(roles::get_role, roles::update_role, roles::delete_role))
        .routes(routes!(service_accounts::list_service_accounts, service_accounts::create_service_account))
        .routes(routes!(
            service_accounts::get_service_account,
            service_accounts::update_service_account,
            service_accounts::delete_service_account
        ))
        .routes(routes!(vaults::list_vaults, vaults::create_vault))
        .routes(routes!(vaults::get_vault, vaults::update_vault, vaults::delete_vault))
        .routes(routes!(vaults::secrets::list_vault_secrets, vaults::secrets::store_vault_secret))
        .routes(routes!(vaults::secrets::get_vault_secret, vaults::secrets::delete_vault_secret))
        .routes(routes!(vaults::secrets::reveal_vault_secret))
        .routes(routes!(webhooks::list_webhooks, webhooks::create_webhook))
        .routes(routes!(webhooks::get_webhook, webhooks::update_webhook, webhooks::delete_webhook))
        .routes(routes!(webhooks::rotate_webhook_secret))
        .routes(routes!(webhooks::deliveries::test_webhook))
        .routes(routes!(webhooks::deliveries::list_deliveries))
        .routes(routes!(webhooks::deliveries::get_delivery))
        .routes(routes!(webhooks::deliveries::resend_delivery))
        .routes(routes!(get_plan::get_plan, set_plan::set_plan))
        .routes(routes!(audit::list_audit))
        .routes(routes!(audit::verify_audit))
        .routes(routes!(audit::checkpoint_audit))
        .routes(routes!(audit::list_own_audit))
        .routes(routes!(audit::verify_own_audit))
        .routes(routes!(audit::checkpoint_own_audit))
        .routes(routes!(users::get_user, users::update_user))
        .routes(routes!(billing::take_stripe_event))
}
