//! Those who ask about the workspace without any right to, and the workspaces that they have of their own.

use keyward_tests::{Caller, Keyward, Workspace, json, taker_url, unique};

use super::world::{World, sessions, somebody};

const OWNER: &str = "an owner elsewhere";
const ADMIN: &str = "an admin elsewhere";
const FORMER: &str = "a former member";
const FORMERS_KEY: &str = "a former member's personal key";
const KEY: &str = "a key elsewhere that may all";

pub(super) struct Attacker {
    pub(super) name: &'static str,
    pub(super) caller: Caller,
    /// The key that they present at the data plane.
    pub(super) secret: String,
    /// The key was the workspace's own. A product that asks about such a one is told whose it was.
    pub(super) is_of_the_workspace: bool,
    /// The same person is there in every round.
    pub(super) stays: bool,
    /// They may do much in a workspace of their own.
    pub(super) is_entitled: bool,
}

/// What the attackers may do with as they please, and mix into what they send.
pub(super) struct Own {
    pub(super) slugs: Vec<String>,
    pub(super) keys: Vec<String>,
    pub(super) personal_keys: Vec<String>,
    pub(super) people: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) service_accounts: Vec<String>,
    pub(super) webhooks: Vec<String>,
    pub(super) deliveries: Vec<String>,
    pub(super) invitations: Vec<String>,
    pub(super) sessions: Vec<String>,
    pub(super) vaults: Vec<String>,
    pub(super) vault_secrets: Vec<String>,
    pub(super) attackers: Vec<Attacker>,
}

/// Two fresh workspaces of one stranger, with people and keys.
pub(super) fn assemble(keyward: &Keyward, world: &World<'_>) -> Own {
    let owner = somebody(keyward);
    let (home, second) = (keyward.workspace_of(&owner), keyward.workspace_of(&owner));
    let (admin, viewer) = (home.member("admin"), home.member("viewer"));
    let all = home.create_key(json!({"name": unique("all"), "rules": [{"action": "**"}]}));
    let reads = home.key_with(&["api:read"]);
    let personal = |body: serde_json::Value| home.personal_key(&owner, body);
    let unlimited = personal(json!({"name": unique("laptop"), "scopes": ["api:read", "api:write"]}));
    let limited =
        personal(json!({"name": unique("phone"), "scopes": ["api:read"], "workspaces": [home.slug]}));
    let as_owner = (*owner).clone();
    let nobody = keyward.anonymous();
    let attacker = |name: &'static str, caller: Caller, secret: &str| Attacker {
        name,
        caller,
        secret: secret.to_owned(),
        stays: [FORMER, FORMERS_KEY].contains(&name),
        is_entitled: [OWNER, ADMIN, KEY].contains(&name),
        is_of_the_workspace: world.dead.iter().any(|(_, dead)| dead == secret),
    };
    let by_key = |name, secret: &str| attacker(name, keyward.with_key(secret), secret);
    let mut attackers = vec![
        attacker(OWNER, as_owner.clone(), &unlimited.secret),
        attacker(ADMIN, (*admin).clone(), &all.secret),
        attacker("a viewer elsewhere", (*viewer).clone(), &reads.secret),
        by_key(KEY, &all.secret),
        attacker("a key elsewhere that reads", nobody.api_key(&reads.secret), &reads.secret),
        by_key("a personal key of an owner elsewhere", &unlimited.secret),
        by_key("a personal key that is limited to one workspace", &limited.secret),
        attacker(FORMER, (*world.former).clone(), &world.formers_key),
        by_key(FORMERS_KEY, &world.formers_key),
        attacker("two keys at once", keyward.with_key(&all.secret).api_key(&unlimited.secret), &all.secret),
        attacker("a session and a key", as_owner.api_key(&reads.secret), &reads.secret),
        attacker("a key and another's session", (*world.former).bearer(&all.secret), &all.secret),
        attacker("nobody", nobody.clone(), "kw_nonsense"),
    ];
    for (name, secret) in world.dead.iter().map(|(name, secret)| (*name, secret)) {
        attackers.push(by_key(name, secret));
    }
    let (_, revoked) = &world.dead[0];
    attackers.push(attacker("a session and a dead key", as_owner.bearer(revoked), revoked));
    Own {
        slugs: vec![home.slug.clone(), second.slug.clone()],
        people: people(&home),
        attackers,
        ..things(&home, &owner)
    }
}

fn people(home: &Workspace<'_>) -> Vec<String> {
    let members = home.owner().get(&home.path("members")).expect(200).items();
    members.iter().filter_map(|member| member["id"].as_str().map(str::to_owned)).collect()
}

fn things(home: &Workspace<'_>, owner: &keyward_tests::Person) -> Own {
    let keys = (0..8).map(|_| home.key_with(&["api:read"]).id).collect();
    let body = || json!({"name": unique("own"), "scopes": ["api:read"]});
    let personal_keys = (0..4).map(|_| home.personal_key(owner, body()).id).collect();
    let make =
        |what: &str, body: serde_json::Value| owner.post(&home.path(what), body).expect(201).text_at("id");
    let roles = (0..2).map(|_| make("roles", body())).collect();
    let accounts = (0..2).map(|_| make("service-accounts", json!({"name": unique("own")})));
    let service_accounts = accounts.collect();
    let webhook = make("webhooks", json!({"url": taker_url()}));
    let test = home.path(&format!("webhooks/{webhook}/test"));
    let deliveries = (0..2).map(|_| owner.post_nothing(&test).expect(202).text_at("id")).collect();
    let webhooks = vec![webhook];
    let vaults: Vec<String> = (0..2).map(|_| make("vaults", json!({"name": unique("own")}))).collect();
    let keep = |vault: &String| {
        make(
            &format!("vaults/{vault}/secrets"),
            json!({"name": unique("own"), "secret": unique("own secret")}),
        )
    };
    let vault_secrets = vaults.iter().map(keep).collect();
    let invite = |_| home.invite(&format!("{}@example.com", unique("own")), "viewer").text_at("id");
    let invitations = (0..4).map(invite).collect();
    let (slugs, people, attackers) = (Vec::new(), Vec::new(), Vec::new());
    Own {
        slugs,
        keys,
        personal_keys,
        people,
        roles,
        service_accounts,
        webhooks,
        deliveries,
        invitations,
        sessions: sessions(&home.member("viewer")),
        vaults,
        vault_secrets,
        attackers,
    }
}
