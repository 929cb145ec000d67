//! Plans: what they allow, what becomes of a workspace that changes its plan, and who changes it.

mod billing;
mod limits;
mod signatures;

use std::sync::OnceLock;

use keyward_tests::{Key, Keyward, Stripe, Value, Workspace, json, project_root, unique};

const WEBHOOK_SECRET: &str = "whsec_of_the_tests_0123456789abcdef";
/// Stripe signs with it as well, until it is retired.
const OTHER_WEBHOOK_SECRET: &str = "whsec_that_is_being_replaced_0123";
/// Buys the plan `team`, by the settings; another price buys what its lookup key says.
const PRICE_OF_TEAM: &str = "price_of_team";

/// The server that these tests share: of a profile whose plans differ in everything, with a payment provider.
fn keyward() -> &'static Keyward {
    static SHARED: OnceLock<Keyward> = OnceLock::new();
    SHARED.get_or_init(|| {
        let profile = project_root().join("tests/fixtures/plans.toml");
        Keyward::profile(profile.to_str().expect("a path in UTF-8"))
            .env(
                "KEYWARD_BILLING__STRIPE_WEBHOOK_SECRET",
                &format!("{WEBHOOK_SECRET},{OTHER_WEBHOOK_SECRET}"),
            )
            .env("KEYWARD_BILLING__PRICES", &format!("{PRICE_OF_TEAM}=team"))
            .start()
    })
}

fn stripe() -> Stripe<'static> {
    Stripe::new(keyward(), WEBHOOK_SECRET)
}

/// A fresh workspace on that plan, put there by the operator.
fn workspace_on(plan: &str) -> Workspace<'static> {
    let workspace = keyward().workspace_of(keyward().owner());
    workspace.set_plan(plan);
    workspace
}

fn key_of(workspace: &Workspace<'_>) -> Key {
    workspace.key_with(&["parcels:read"])
}

/// What a new key is made of, where its making is refused.
fn a_key() -> Value {
    json!({"name": unique("key"), "scopes": ["parcels:read"]})
}

/// The plan, as a member of the workspace reads it.
#[track_caller]
fn plan_of(workspace: &Workspace<'_>) -> String {
    workspace.owner().get(&workspace.path("plan")).expect(200).text_at("plan")
}

/// What the data plane says of a key in that workspace.
#[track_caller]
fn code_in(workspace: &Workspace<'_>, key: &Key) -> String {
    let question = json!({"key": key.secret, "workspace": workspace.slug});
    keyward().verify(question)["code"].as_str().expect("a code").to_owned()
}
