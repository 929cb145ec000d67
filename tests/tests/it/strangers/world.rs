//! The workspace that nobody else may touch, what is known of it, and what has become of it.

use std::collections::BTreeSet;
use std::time::Duration;

use keyward_tests::{
    Answer, Dice, Key, Keyward, Person, Value, Workspace, eventually, json, taker_url, unique,
};

use crate::store::Store;
use crate::surface::{Document, Place, ghost};

/// What strangers use against a workspace: all that it is known by.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) slug: String,
    pub(super) workspace: String,
    pub(super) keys: Vec<String>,
    pub(super) personal_keys: Vec<String>,
    pub(super) people: Vec<String>,
    pub(super) service_accounts: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) webhooks: Vec<String>,
    pub(super) deliveries: Vec<String>,
    pub(super) vaults: Vec<String>,
    pub(super) vault_secrets: Vec<String>,
    pub(super) invitations: Vec<String>,
    pub(super) sessions: Vec<String>,
    /// Names, descriptions, addresses, labels.
    pub(super) words: Vec<String>,
    /// Where a list of its keys goes on.
    pub(super) cursor: String,
}

impl Names {
    /// The names of a workspace that does not exist, each of the same shape as its counterpart. What goes on in a list
    /// cannot be made up: it is given.
    pub(super) fn ghosts(&self, dice: &mut Dice, cursor: String) -> Self {
        let mut like = |text: &String| ghost::like(text, dice);
        Self {
            slug: like(&self.slug),
            workspace: like(&self.workspace),
            keys: self.keys.iter().map(&mut like).collect(),
            personal_keys: self.personal_keys.iter().map(&mut like).collect(),
            people: self.people.iter().map(&mut like).collect(),
            service_accounts: self.service_accounts.iter().map(&mut like).collect(),
            roles: self.roles.iter().map(&mut like).collect(),
            webhooks: self.webhooks.iter().map(&mut like).collect(),
            deliveries: self.deliveries.iter().map(&mut like).collect(),
            vaults: self.vaults.iter().map(&mut like).collect(),
            vault_secrets: self.vault_secrets.iter().map(&mut like).collect(),
            invitations: self.invitations.iter().map(&mut like).collect(),
            sessions: self.sessions.iter().map(&mut like).collect(),
            words: self.words.iter().map(&mut like).collect(),
            cursor,
        }
    }

    /// Addresses of people.
    pub(super) fn emails(&self) -> Vec<String> {
        self.words.iter().filter(|word| word.contains('@')).cloned().collect()
    }

    /// Every identifier.
    pub(super) fn ids(&self) -> Vec<&str> {
        let lists = [
            &self.keys,
            &self.personal_keys,
            &self.people,
            &self.service_accounts,
            &self.roles,
            &self.webhooks,
            &self.deliveries,
            &self.vaults,
            &self.vault_secrets,
            &self.invitations,
        ];
        let listed = lists.into_iter().flatten().map(String::as_str);
        listed.chain([self.workspace.as_str()]).collect()
    }
}

/// The workspace, full of things, and those whom it has already sent away.
pub(super) struct World<'a> {
    keyward: &'a Keyward,
    document: Document,
    pub(super) workspace: Workspace<'a>,
    pub(super) names: Names,
    /// Was a member once, and made a personal key then.
    pub(super) former: Person,
    pub(super) formers_key: String,
    /// Secrets that have ended.
    pub(super) dead: [(&'static str, String); 3],
    /// Keys that work, and must go on working.
    alive: Vec<Key>,
}

/// Somebody with an account and no workspace.
pub(super) fn somebody(keyward: &Keyward) -> Person {
    let lobby = keyward.first_workspace();
    let person = lobby.member("viewer");
    lobby.remove(&person);
    person
}

impl<'a> World<'a> {
    pub(super) fn build(keyward: &'a Keyward) -> Self {
        let workspace = keyward.workspace_of(&somebody(keyward));
        let make = |more: Value| workspace.create_key(described(&more));
        let expired = make(json!({"expires_in_seconds": 1}));
        let (revoked, rotated, rotating) = (make(json!({})), make(json!({})), make(json!({})));
        workspace.revoke(&revoked);
        for verb in [of(&rotated, "rotate"), of(&rotated, "rotate/finish"), of(&rotating, "rotate")] {
            workspace.owner().post_nothing(&workspace.path(&verb)).expect(200);
        }
        let (former, member) = (workspace.member("admin"), workspace.member("member"));
        workspace.member("viewer");
        let formers_key = workspace.personal_key(&former, described(&json!({}))).secret;
        workspace.remove(&former);
        let personal =
            [workspace.owner(), &member].map(|person| workspace.personal_key(person, described(&json!({}))));
        let alive = vec![
            make(json!({"rules": [{"action": "**"}]})),
            make(json!({"allowed_cidrs": ["203.0.113.0/24"]})),
            rotating,
        ];
        // Not by asking the data plane, which would be a use.
        let status = || workspace.get_key(&expired.id).body["status"].clone();
        eventually(Duration::from_secs(3), status, |status| status == "expired");
        // The server writes down that it told of the end, a moment after it.
        let notices = workspace.path(&format!("keys/{}/notices", expired.id));
        let told = || workspace.owner().get(&notices).expect(200).items().len();
        eventually(Duration::from_secs(10), told, |told| *told > 0);
        let dead = [
            ("a revoked key of the workspace", revoked.secret.clone()),
            ("an expired key of the workspace", expired.secret.clone()),
            ("a secret that the workspace rotated away", rotated.secret.clone()),
        ];
        let keys = [&expired, &revoked, &rotated].into_iter().chain(&alive).map(|key| key.created.clone());
        let names = names(&workspace, &keys.collect::<Vec<_>>(), &personal.map(|key| key.created));
        let document = Document::of(keyward);
        Self { keyward, document, workspace, names, former, formers_key, dead, alive }
    }

    /// What must not be in any answer to a stranger who did not send it.
    pub(super) fn markers(&self) -> Vec<String> {
        let Names { slug, words, .. } = &self.names;
        let ids = self.names.ids().into_iter().map(str::to_owned);
        let secrets = self.alive.iter().map(|key| key.secret.clone());
        ids.chain(words.iter().cloned()).chain([slug.clone()]).chain(secrets).collect()
    }

    /// All that its owner sees of it, use included, and every row that the store has of it.
    pub(super) fn state(&self) -> BTreeSet<String> {
        let owner = self.workspace.owner();
        let rows = Store::of(self.keyward).rows_about(&self.names.ids());
        // Who gives a wrong password for somebody is written down, and should be.
        let mut state: BTreeSet<String> = rows
            .into_iter()
            .filter(|row| !row.contains("session.refused") && !row.starts_with("audit_heads:"))
            // When its people were there is not the strangers' doing.
            .filter(|row| !row.starts_with("sessions:"))
            // So is who tries a key that is dead.
            .filter(|row| {
                !row.starts_with("usage_") || row.contains("| valid |") || row.contains("\"valid\"")
            })
            // An answer about many keys repeats what was asked, and is kept for who asked it.
            .filter(|row| !(row.starts_with("idempotency:") && row.contains("results")))
            .collect();
        for operation in self.document.operations().iter().filter(|of| {
            of.is_safe() && !of.tells_of_the_door() && !of.tells_of_use() && !of.tells_of_nodes()
        }) {
            let path = operation.template.replace("{slug}", &self.workspace.slug);
            let mut places = operation.places.iter().map(|(_, place)| *place);
            let paths = match places.find(|place| *place != Place::Workspace) {
                None => vec![path],
                Some(Place::Key) => self.names.keys.iter().map(|id| path.replace("{id}", id)).collect(),
                Some(_) => Vec::new(),
            };
            state.extend(paths.iter().map(|path| {
                let mut seen = owner.get(path).expect(200).body;
                if operation.id == "list_sessions" {
                    forget_times(&mut seen);
                }
                format!("{path}: {seen}")
            }));
        }
        state
    }

    /// Whether its keys still do what they did.
    #[track_caller]
    pub(super) fn check_alive(&self) {
        for key in &self.alive {
            let asked = self.keyward.verify(json!({"key": key.secret, "ip": "203.0.113.7"}));
            assert_eq!(asked["code"], "valid", "{asked}");
        }
        for (_, secret) in &self.dead {
            assert_ne!(self.keyward.verify_code(secret), "valid");
        }
    }
}

/// Takes out when sessions were last used.
fn forget_times(sessions: &mut Value) {
    for session in sessions["items"].as_array_mut().into_iter().flatten() {
        session["last_used_at"] = Value::Null;
    }
}

fn of(key: &Key, verb: &str) -> String {
    format!("keys/{}/{verb}", key.id)
}

/// A key's body with a name, a description and a label that nothing else has.
fn described(more: &Value) -> Value {
    let mut body = json!({"name": unique("planted-name"), "description": unique("planted description"),
        "scopes": ["api:read"], "metadata": {"team": unique("planted-label")}});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    body
}

/// The sessions of somebody.
pub(super) fn sessions(person: &Person) -> Vec<String> {
    let listed = person.get("/api/v1/me/sessions").expect(200).items();
    listed.iter().filter_map(|session| session["id"].as_str().map(str::to_owned)).collect()
}

/// A role holds something; a service account does not.
fn body_with_scope(what: &str, mut body: Value) -> Value {
    if what == "roles" {
        body["scopes"] = json!(["api:read"]);
    }
    body
}

fn names(workspace: &Workspace<'_>, keys: &[Answer], personal: &[Answer]) -> Names {
    let (owner, slug) = (workspace.owner(), workspace.slug.clone());
    let emails = [unique("invited"), unique("invited")].map(|name| format!("{name}@example.com"));
    let invitations = emails.each_ref().map(|email| workspace.invite(email, "admin"));
    let members = owner.get(&workspace.path("members")).expect(200).items();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut words = vec![workspace.name.clone()];
    words.extend(emails);
    words.extend(members.iter().flat_map(|member| [text(&member["name"]), text(&member["email"])]));
    for key in keys.iter().chain(personal).map(|answer| &answer.body) {
        words.extend([&key["name"], &key["description"], &key["metadata"]["team"]].map(text));
    }
    words.extend(keys.iter().map(|key| text(&key.body["service_account"]["name"])));
    let named = |what: &str| {
        let body = json!({"name": unique("planted-name"), "description": unique("planted description")});
        body_with_scope(what, body)
    };
    let make = |what: &str| owner.post(&workspace.path(what), named(what)).expect(201);
    let (role, bot) = (make("roles"), make("service-accounts"));
    let body = json!({"url": taker_url(), "events": ["plan.changed"],
        "description": unique("planted description")});
    let webhook = owner.post(&workspace.path("webhooks"), body).expect(201);
    words.push(webhook.text_at("description"));
    let webhook = webhook.text_at("id");
    let try_it = workspace.path(&format!("webhooks/{webhook}/test"));
    let delivery = owner.post_nothing(&try_it).expect(202).text_at("id");
    let look =
        || owner.get(&workspace.path(&format!("webhooks/{webhook}"))).expect(200).body["waiting"].clone();
    eventually(Duration::from_secs(10), look, |waiting| *waiting == 0);
    let deliveries = vec![delivery];
    let vault = owner.post(&workspace.path("vaults"), named("vaults")).expect(201);
    let secret = json!({"name": unique("planted-name"), "secret": unique("planted secret")});
    words.extend(
        [&vault.body["name"], &vault.body["description"], &secret["name"], &secret["secret"]].map(text),
    );
    let secrets = workspace.path(&format!("vaults/{}/secrets", vault.text_at("id")));
    let vault_secret = owner.post(&secrets, secret).expect(201);
    words.extend(
        [&role, &bot].iter().flat_map(|made| [text(&made.body["name"]), text(&made.body["description"])]),
    );
    let accounts = keys.iter().map(|key| text(&key.body["service_account"]["id"]));
    let page = owner.get(&workspace.path("keys?limit=1")).expect(200);
    Names {
        workspace: text(&owner.get(&format!("/api/v1/{slug}")).expect(200).body["id"]),
        slug,
        keys: keys.iter().map(|key| key.text_at("id")).collect(),
        personal_keys: personal.iter().map(|key| key.text_at("id")).collect(),
        people: members.iter().map(|member| text(&member["id"])).collect(),
        service_accounts: accounts.chain([bot.text_at("id")]).collect(),
        roles: vec![role.text_at("id")],
        webhooks: vec![webhook],
        deliveries,
        vaults: vec![vault.text_at("id")],
        vault_secrets: vec![vault_secret.text_at("id")],
        invitations: invitations.iter().map(|invitation| invitation.text_at("id")).collect(),
        sessions: sessions(owner),
        words,
        cursor: page.text_at("next_cursor"),
    }
}
