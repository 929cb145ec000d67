//! Who asks, and by which rule they are answered.

use std::time::Duration;

use keyward_tests::{Caller, Key, Person, eventually, json, shared};

use super::stage::Stage;

/// Members can be suspended, by `PATCH …/members/{user_id} {"suspended": true}`. The grid fails while this says
/// otherwise than the document.
pub(super) const SUSPENSION: bool = true;

/// What needs no permission in a workspace.
const ANY_MEMBER: &[&str] = &["get_workspace", "whoami", "list_scopes", "get_plan"];
/// What the lowest role holds, and what is one's own.
const LOWEST_ROLE: &[&str] = &[
    "get_workspace",
    "whoami",
    "list_scopes",
    "get_plan",
    "list_workspace_keys",
    "get_workspace_key",
    "list_stale_workspace_keys",
    "list_workspace_key_notices",
    "list_workspace_key_usage",
    "summarize_workspace_key_usage",
    "list_members",
    "list_roles",
    "get_role",
    "list_service_accounts",
    "get_service_account",
    "me",
    "update_me",
    "list_sessions",
    "end_other_sessions",
    "list_workspaces",
    "create_workspace",
    "list_personal_keys",
    "list_stale_personal_keys",
    "create_personal_key",
    "bulk_revoke_personal_keys",
    "list_own_audit",
    "verify_own_audit",
    "checkpoint_own_audit",
];
const PERSONAL_KEY: &[&str] =
    &["get_workspace", "whoami", "list_scopes", "get_plan", "me", "list_workspaces"];
const OPERATOR: &[&str] = &["get_plan", "set_plan", "get_user", "update_user"];

/// How somebody is answered. Public operations answer everybody as they answer nobody, but for [`Rule::OtherSite`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// 401, whatever is asked about, the same for all who present a key and for all who present none.
    Stranger,
    /// What is asked about looks as if it were not there.
    Foreigner,
    /// 403, or 404 where it is about what is another person's, but for these operations, which succeed.
    Only(&'static [&'static str]),
    /// 403, and nothing else.
    Nothing,
    /// As [`Rule::Nothing`], unless it only looks.
    OtherSite,
    /// 403 `plan_required` in a workspace; elsewhere refused as well.
    PlanRequired,
    /// Nothing of the workspace.
    Suspended,
}

pub(super) struct Identity {
    pub(super) name: &'static str,
    /// What those are called together who are answered alike.
    pub(super) group: &'static str,
    pub(super) caller: Caller,
    pub(super) rule: Rule,
}

/// Everybody who asks on the main stage.
pub(super) fn all(stage: &Stage<'_>) -> Vec<Identity> {
    let mut all = strangers(stage);
    all.extend(foreigners(stage));
    all.extend(insiders(stage));
    if SUSPENSION {
        all.extend(suspended(stage));
    }
    all
}

fn session(person: &Person) -> Caller {
    (**person).clone()
}

fn identity(name: &'static str, caller: Caller, rule: Rule) -> Identity {
    Identity { name, group: "", caller, rule }
}

fn without_a_key(name: &'static str, caller: Caller) -> Identity {
    Identity { name, group: "everybody without a key or session", caller, rule: Rule::Stranger }
}

fn bad_key(name: &'static str, caller: Caller) -> Identity {
    Identity { name, group: "every bad key", caller, rule: Rule::Stranger }
}

fn foreigner(name: &'static str, caller: Caller) -> Identity {
    Identity { name, group: "everybody from elsewhere", caller, rule: Rule::Foreigner }
}

fn strangers(stage: &Stage<'_>) -> Vec<Identity> {
    let (keyward, body) = (stage.keyward, json!({"name": "dead", "scopes": [stage.scope]}));
    let short = stage.key(json!({"name": "short", "scopes": [stage.scope], "expires_in_seconds": 1}));
    let (revoked, rotated) = (stage.key(body.clone()), stage.key(body));
    stage.workspace.revoke(&revoked);
    let of = |key: &Key, verb: &str| stage.workspace.path(&format!("keys/{}/{verb}", key.id));
    let new = stage.workspace.owner().post_nothing(&of(&rotated, "rotate")).expect(200).text_at("secret");
    stage.keep_secret(&new);
    stage.workspace.owner().post_nothing(&of(&rotated, "rotate/finish")).expect(200);
    // A secret of this form, rightly checked, that this deployment has never seen.
    let unknown = shared("default").workspace().any_key();
    let leaver = stage.member("viewer");
    leaver.delete("/api/v1/session").expect(204);
    eventually(Duration::from_secs(3), || keyward.verify_code(&short.secret), |code| code == "expired");
    let with = |secret: &str| keyward.with_key(secret);
    vec![
        without_a_key("nobody", keyward.anonymous()),
        without_a_key("a session that was ended", session(&leaver)),
        bad_key("a malformed key", with("kw_nonsense")),
        bad_key("an unknown key", with(&unknown.secret)),
        bad_key("an expired key", with(&short.secret)),
        bad_key("a revoked key", keyward.anonymous().api_key(&revoked.secret)),
        bad_key("a secret that was rotated away", with(&rotated.secret)),
        bad_key(
            "a revoked key beside a good session",
            session(stage.workspace.owner()).bearer(&revoked.secret),
        ),
    ]
}

fn foreigners(stage: &Stage<'_>) -> Vec<Identity> {
    let keyward = stage.keyward;
    let stranger = keyward.workspace().member("viewer");
    let elsewhere = keyward.workspace_of(&stranger);
    let key = elsewhere.create_key(json!({"name": "all", "rules": [{"action": "**"}]}));
    let personal = elsewhere.personal_key(&stranger, json!({"name": "laptop", "scopes": [stage.scope]}));
    let former = stage.member("admin");
    let formers = stage.personal_key(&former, json!({"name": "laptop", "scopes": [stage.scope]}));
    stage.workspace.remove(&former);
    vec![
        foreigner("the owner of another workspace", session(&stranger)),
        foreigner("a key of another workspace", keyward.with_key(&key.secret)),
        foreigner("a personal key of a stranger", keyward.with_key(&personal.secret)),
        foreigner("a former member", session(&former)),
        foreigner("a former member's personal key", keyward.with_key(&formers.secret)),
    ]
}

fn insiders(stage: &Stage<'_>) -> Vec<Identity> {
    let (keyward, owner) = (stage.keyward, stage.workspace.owner());
    let lowest = stage.member("viewer");
    let personal = stage.personal_key(&lowest, json!({"name": "laptop", "scopes": [stage.scope]}));
    let reads = stage.key(json!({"name": "reads", "scopes": [stage.scope]}));
    let limited = stage
        .key(json!({"name": "limited", "rules": [{"action": "**"}], "allowed_cidrs": ["203.0.113.0/24"]}));
    let other_site = owner.without_proof_of_origin().with("Sec-Fetch-Site", "cross-site");
    vec![
        identity("a member of the lowest role", session(&lowest), Rule::Only(LOWEST_ROLE)),
        identity("that member's personal key", keyward.with_key(&personal.secret), Rule::Only(PERSONAL_KEY)),
        identity("a key that only reads", keyward.with_key(&reads.secret), Rule::Only(ANY_MEMBER)),
        identity("a key of another network", keyward.with_key(&limited.secret), Rule::Nothing),
        identity("the owner, asked by another site", other_site, Rule::OtherSite),
        identity("the operator", keyward.operator(), Rule::Only(OPERATOR)),
    ]
}

/// Somebody who could do much, were they not suspended.
fn suspended(stage: &Stage<'_>) -> Vec<Identity> {
    let person = stage.member("admin");
    let key = stage.personal_key(&person, json!({"name": "laptop", "scopes": [stage.scope]}));
    let path = stage.workspace.path(&format!("members/{}", person.id_in(&stage.workspace.slug)));
    stage.workspace.owner().send_json("PATCH", &path, &json!({"suspended": true})).expect(200);
    vec![
        identity("a suspended member", session(&person), Rule::Suspended),
        identity("a suspended member's personal key", stage.keyward.with_key(&key.secret), Rule::Suspended),
    ]
}

/// Every operation that a rule names.
pub(super) fn named() -> impl Iterator<Item = &'static str> {
    [ANY_MEMBER, LOWEST_ROLE, PERSONAL_KEY, OPERATOR].into_iter().flatten().copied()
}
