//! What every engine must do. An engine's tests say `conformance!(bed)`, where `bed` is an expression that
//! makes a new, empty [`Bed`]; each case is then a test of its own.

pub(crate) mod audit;
pub(crate) mod changes;
pub(crate) mod durability;
pub(crate) mod idempotency;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod lists;
pub(crate) mod lives;
pub(crate) mod mails;
pub(crate) mod members;
pub(crate) mod nodes;
pub(crate) mod notices;
pub(crate) mod people;
pub(crate) mod roles;
pub(crate) mod sealed;
pub(crate) mod service_accounts;
pub(crate) mod sessions;
pub(crate) mod stale;
pub(crate) mod subscriptions;
pub(crate) mod tenancy;
pub(crate) mod town;
pub(crate) mod usage;
pub(crate) mod uses;
pub(crate) mod vaults;
pub(crate) mod webhooks;
pub(crate) mod workspaces;

use std::sync::Arc;

use async_trait::async_trait;

use crate::Store;

/// Where a test keeps its rows.
#[async_trait]
pub(crate) trait Bed: Sync {
    /// Opens the store. Again: the same rows, read from where they are kept.
    async fn open(&self) -> Arc<dyn Store>;
}

macro_rules! cases {
    ($bed:expr; $($module:ident: $($case:ident),+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::conformance::$module::$case(&$bed).await;
            }
        )+)+
    };
}
pub(crate) use cases;

/// The same cases, one after the other, within one test.
macro_rules! in_turn {
    ($bed:expr; $($module:ident: $($case:ident),+;)+) => {
        $($($crate::conformance::$module::$case(&$bed).await;)+)+
    };
}
pub(crate) use in_turn;

/// The cases about lists alone, for a bed whose bounds they reach.
macro_rules! conformance_of_lists {
    ($bed:expr) => {
        $crate::conformance::conformance_of_lists!($bed, cases);
    };
    ($bed:expr, $how:ident) => {
        $crate::conformance::$how! { $bed;
            lists:
                every_order_and_filter_agrees_with_a_plain_sort,
                a_key_is_found_by_its_present_texts,
                keys_that_stay_are_listed_once_while_others_come_and_go;
        }
    };
}
pub(crate) use conformance_of_lists;

macro_rules! conformance {
    ($bed:expr) => {
        $crate::conformance::conformance!($bed, cases);
    };
    ($bed:expr, $how:ident) => {
        $crate::conformance::$how! { $bed;
            people:
                a_person_is_found_by_id_and_by_address,
                two_people_cannot_have_one_address,
                a_person_gets_another_address_name_and_password,
                a_person_is_renamed_and_their_password_replaced_once;
            workspaces:
                a_workspace_is_found_by_id_and_by_slug,
                two_workspaces_cannot_have_one_slug,
                a_workspace_is_written_over_its_previous_version_only,
                what_bounds_the_keys_of_a_workspace_is_told_to_those_who_follow;
            members:
                a_member_joins_changes_role_and_leaves,
                members_come_in_the_order_they_joined_page_by_page,
                service_accounts_are_never_among_members,
                a_suspended_member_is_no_place_and_not_counted,
                members_are_counted_without_service_accounts,
                places_come_by_name;
            roles:
                a_role_is_kept_edited_and_deleted,
                a_deleted_role_keeps_its_name_and_holds_nothing;
            service_accounts:
                a_service_account_is_kept_edited_and_deleted,
                several_keys_act_as_one_service_account,
                service_accounts_come_page_by_page;
            sessions:
                a_session_is_found_until_it_ends,
                a_new_session_forgets_those_that_have_ended,
                a_persons_sessions_are_listed_used_and_ended,
                the_session_unused_for_longest_ends_where_there_are_too_many;
            subscriptions:
                a_subscription_comes_back_as_it_was_kept_last,
                the_plans_that_are_paid_for_are_a_workspaces_own,
                ended_subscriptions_are_forgotten_after_a_while;
            invitations:
                an_invitation_works_once_and_until_its_time_is_over,
                open_invitations_are_listed_found_and_taken_back,
                a_second_invitation_replaces_the_first;
            keys:
                a_key_comes_back_as_it_was_kept,
                a_key_is_written_over_its_previous_version_only,
                a_keys_limit_is_set_changed_and_taken_away,
                a_revoked_key_stays_revoked,
                a_rotation_comes_back_as_it_was_kept,
                a_restriction_to_no_workspace_is_not_no_restriction,
                a_key_is_restricted_only_to_workspaces_of_its_owner,
                the_shortest_lifetime_of_a_key_counts_workspaces_that_its_owner_has_left,
                secrets_and_service_accounts_are_unique,
                a_known_secret_is_told_of_every_tenant_and_its_key_of_ones_own,
                keys_that_come_together_are_all_kept_or_none,
                a_refused_key_leaves_nothing_behind,
                a_key_that_nobody_waited_for_is_kept_like_any_other,
                what_is_wrong_with_a_key_that_nobody_waited_for_is_told_by_the_commit_at_the_latest,
                a_deleted_service_account_leaves_its_name_free,
                keys_are_left_without_an_owner_who_goes,
                live_keys_are_neither_revoked_nor_expired;
            lists:
                every_order_and_filter_agrees_with_a_plain_sort,
                a_key_is_found_by_its_present_texts,
                keys_that_stay_are_listed_once_while_others_come_and_go;
            uses:
                later_uses_replace_earlier_ones,
                the_old_secret_has_a_last_use_of_its_own;
            usage:
                a_use_comes_back_as_it_was_written,
                uses_are_found_by_each_filter_newest_first,
                uses_are_counted_by_hour_and_day,
                use_is_told_to_those_who_see_the_key,
                old_uses_are_forgotten_in_parts,
                it_is_known_how_far_a_nodes_log_is_whole,
                a_batch_of_uses_is_taken_once,
                gaps_that_touch_are_one;
            nodes:
                a_server_sees_the_nodes_of_all_others,
                nodes_come_further_and_new_ones_join,
                a_server_that_was_struck_off_has_to_enrol_anew;
            stale:
                keys_to_look_at_are_found_by_their_reason,
                a_persons_keys_to_look_at_are_theirs_alone,
                a_network_is_new_once_while_it_is_remembered;
            lives:
                a_new_store_has_a_life_of_its_own,
                another_life_counts_once_it_is_confirmed,
                what_came_back_is_counted_over_all_tenants;
            notices:
                keys_come_when_their_notice_is_due,
                a_notice_is_given_once,
                a_notice_is_of_one_end_of_a_key,
                a_revoked_key_has_no_notice_to_come,
                the_notices_of_a_key_are_seen_with_it;
            mails:
                a_mail_is_claimed_by_one_at_a_time,
                a_claim_that_was_lost_changes_nothing,
                a_mail_ends_as_it_was_said,
                mails_that_ended_are_forgotten_after_a_while,
                a_notice_makes_one_mail_to_each;
            audit:
                an_entry_is_kept,
                entries_are_chained_in_each_log,
                many_entries_and_changes_of_one_transaction_keep_their_order,
                a_part_of_a_chain_is_as_long_as_memory_allows,
                an_undone_operation_leaves_the_chain_whole,
                entries_are_found_by_each_filter_newest_first;
            idempotency:
                a_claim_is_found_by_its_actor_and_name,
                a_claim_is_started_once_and_replaced_by_its_id,
                only_a_claim_that_stands_is_committed,
                an_answer_comes_back_as_it_was_kept,
                a_committed_claim_is_not_released,
                claims_are_counted_and_forgotten_when_their_time_is_over;
            webhooks:
                a_webhook_comes_back_as_it_was_kept,
                webhooks_come_page_by_page_and_without_deleted_ones,
                events_of_one_subject_are_due_one_after_the_other,
                what_fails_is_due_again_and_its_followers_wait,
                a_claim_runs_out_and_what_it_held_is_due_again,
                no_more_of_a_webhook_are_under_way_than_may_be,
                too_many_waiting_events_are_dropped_and_counted,
                a_disabled_webhook_gets_nothing_until_it_is_enabled,
                what_waits_goes_at_once_when_a_webhook_is_back,
                a_receiver_that_asked_for_it_is_left_alone,
                one_workspace_does_not_take_every_place,
                deliveries_are_found_by_each_filter_newest_first,
                ended_deliveries_and_those_of_deleted_webhooks_are_swept_away;
            vaults:
                a_vault_is_kept_edited_and_deleted,
                vaults_of_a_workspace_differ_in_more_than_case,
                vaults_and_secrets_come_page_by_page,
                a_secret_comes_back_sealed_as_it_was_kept,
                a_secret_says_what_it_opens_of_its_key,
                a_secret_is_of_no_key_of_another_workspace;
            sealed:
                all_that_is_sealed_is_found_in_parts,
                what_is_sealed_otherwise_is_no_edit;
            changes:
                changes_are_numbered_in_the_order_of_commits,
                changes_come_in_parts_without_a_gap,
                a_service_account_is_told_by_itself,
                what_was_changed_often_is_told_once_and_at_its_first_change,
                replayed_changes_give_the_snapshot,
                a_snapshot_does_not_move;
            tenancy:
                another_tenant_reads_nothing,
                another_tenant_writes_nothing,
                a_tenant_does_no_work_of_the_system,
                a_transaction_without_tenant_sees_nothing,
                a_view_is_only_read;
            durability:
                committed_rows_are_there_after_reopening,
                a_dropped_transaction_never_happened,
                a_failed_statement_leaves_the_transaction_usable;
        }
    };
}
pub(crate) use conformance;
