//! One request that nobody honest would send: any operation of the control plane, or a question to the data plane, with
//! names of the workspace anywhere in it.

use keyward_tests::{Caller, Dice, Value, json};

use super::attackers::Own;
use super::world::Names;
use crate::surface::{Document, Operation, Request, Targets};

/// Fields that hold any text.
const FREE_TEXTS: &[&str] = &["name", "description", "metadata", "reason", "secret"];

/// What is asked, on either plane.
pub(super) struct Question {
    pub(super) operation: String,
    pub(super) request: Request,
    /// Beside credentials.
    pub(super) headers: Vec<(&'static str, String)>,
    /// Whether the same question about what is not there must be answered alike.
    pub(super) has_twin: bool,
}

impl Question {
    /// The workspace that the data plane is to decide about.
    pub(super) fn is_verified_in(&self) -> Option<&str> {
        let body = self.request.body.as_ref().filter(|_| self.operation == "verify")?;
        body["workspace"].as_str()
    }
}

/// A question, by whom, and what it names.
pub(super) struct Attack {
    pub(super) question: Question,
    pub(super) is_of_data_plane: bool,
    pub(super) attacker: usize,
    /// What was taken from the names, in the order of its use, as it was written.
    pub(super) named: Vec<String>,
}

/// What attacks are made of.
pub(super) struct Arsenal<'a> {
    pub(super) document: &'a Document,
    pub(super) operations: &'a [Operation],
    pub(super) own: &'a Own,
}

/// Where the names stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Approach {
    /// Anywhere, the address above all.
    Frontal,
    /// In what would otherwise be granted: by those who may, about their own, with names in the query or the body.
    FromWithin,
}

/// One attack in the making.
pub(super) struct Making<'a> {
    pub(super) dice: &'a mut Dice,
    pub(super) names: &'a Names,
    pub(super) own: &'a Own,
    pub(super) named: Vec<String>,
}

impl Attack {
    /// The same dice make the same attack out of other names.
    pub(super) fn devise(arsenal: &Arsenal<'_>, names: &Names, dice: &mut Dice) -> Self {
        let mut making = Making { dice, names, own: arsenal.own, named: Vec::new() };
        let is_of_data_plane = making.dice.one_in(5);
        let approach = if making.dice.one_in(2) { Approach::FromWithin } else { Approach::Frontal };
        let attacker = making.attacker(approach);
        let question = if is_of_data_plane {
            making.of_data_plane(&arsenal.own.attackers[attacker])
        } else {
            making.of_control_plane(arsenal, approach)
        };
        let sent = format!("{:?} {:?}", question.request, question.headers);
        making.named.retain(|name| sent.contains(name));
        Self { question, is_of_data_plane, attacker, named: making.named }
    }

    pub(super) fn caller(&self, own: &Own, data: &Caller) -> Caller {
        let attacker = &own.attackers[self.attacker];
        let caller = match (self.is_of_data_plane, self.question.request.method.as_str()) {
            (true, "GET") => data.bearer(&attacker.secret),
            (true, _) => data.clone(),
            (false, _) => attacker.caller.clone(),
        };
        self.question.headers.iter().fold(caller, |caller, (name, value)| caller.with(name, value))
    }

    /// Everything that was sent, but for credentials.
    pub(super) fn sent(&self) -> String {
        format!("{:?} {:?} {:?}", self.question.request, self.question.headers, self.named)
    }
}

impl Making<'_> {
    fn attacker(&mut self, approach: Approach) -> usize {
        let attackers = &self.own.attackers;
        loop {
            let chosen = self.dice.below(attackers.len());
            let is_wanted =
                approach == Approach::Frontal || attackers[chosen].is_entitled || self.dice.one_in(8);
            if is_wanted {
                return chosen;
            }
        }
    }

    fn of_control_plane(&mut self, arsenal: &Arsenal<'_>, approach: Approach) -> Question {
        let operation = self.operation(arsenal, approach);
        let targets = match approach {
            Approach::Frontal => self.targets(),
            Approach::FromWithin => self.own_targets(),
        };
        let mut request = arsenal.document.request(operation, &targets);
        let mut has_twin = true;
        if let Some(query) = self.query(operation, approach, &mut has_twin) {
            request.path = format!("{}?{query}", request.path);
        }
        let spoils = approach == Approach::FromWithin || self.dice.one_in(2);
        if let Some(body) = request.body.as_mut().filter(|_| spoils) {
            self.spoil(body, &arsenal.document.fields(operation));
        }
        let headers = self.headers();
        // Under one name a thing of one's own is done, under the other it is done already.
        has_twin &= headers.iter().all(|(name, _)| *name != "Idempotency-Key");
        Question { operation: operation.name(), request, headers, has_twin }
    }

    /// Signing out ends the attackers' own sessions only, and signing in is slow on purpose.
    fn operation<'o>(&mut self, arsenal: &Arsenal<'o>, approach: Approach) -> &'o Operation {
        loop {
            let operation = &arsenal.operations[self.dice.below(arsenal.operations.len())];
            let has_room = !operation.queries.is_empty() || !arsenal.document.fields(operation).is_empty();
            let is_wanted = match operation.id.as_str() {
                "sign_out" | "end_other_sessions" | "change_password" => false,
                "sign_in" => self.dice.one_in(20),
                _ => approach == Approach::Frontal || has_room,
            };
            if is_wanted {
                return operation;
            }
        }
    }

    fn targets(&mut self) -> Targets {
        let (names, own) = (self.names, self.own);
        Targets {
            slug: self.pick(&[&names.slug], &own.slugs),
            key: self.pick_id(&names.keys, &own.keys),
            personal_key: self.pick_id(&names.personal_keys, &own.personal_keys),
            member: self.pick_id(&names.people, &own.people),
            own_role: self.pick_id(&names.roles, &own.roles),
            service_account: self.pick_id(&names.service_accounts, &own.service_accounts),
            webhook: self.pick_id(&names.webhooks, &own.webhooks),
            delivery: self.pick_id(&names.deliveries, &own.deliveries),
            session: self.pick_id(&names.sessions, &own.sessions),
            invitation: self.pick_id(&names.invitations, &own.invitations),
            vault: self.pick_id(&names.vaults, &own.vaults),
            vault_secret: self.pick_id(&names.vault_secrets, &own.vault_secrets),
            ..own_profile()
        }
    }

    fn own_targets(&mut self) -> Targets {
        let own = self.own;
        let mut one_of = |own: &[String]| own[self.dice.below(own.len())].clone();
        Targets {
            slug: own.slugs[0].clone(),
            key: one_of(&own.keys),
            personal_key: one_of(&own.personal_keys),
            member: one_of(&own.people),
            own_role: one_of(&own.roles),
            service_account: one_of(&own.service_accounts),
            webhook: one_of(&own.webhooks),
            delivery: one_of(&own.deliveries),
            session: one_of(&own.sessions),
            invitation: one_of(&own.invitations),
            vault: one_of(&own.vaults),
            vault_secret: one_of(&own.vault_secrets),
            ..own_profile()
        }
    }

    fn query(&mut self, operation: &Operation, approach: Approach, has_twin: &mut bool) -> Option<String> {
        let common = ["workspace", "slug", "owner", "user_id", "fields"].map(str::to_owned);
        let is_apt = approach == Approach::FromWithin || self.dice.one_in(2);
        let known = !operation.queries.is_empty() && is_apt;
        if !known && !self.dice.one_in(10) {
            return None;
        }
        let among = if known { &operation.queries[..] } else { &common[..] };
        let name = among[self.dice.below(among.len())].clone();
        let value = match name.as_str() {
            "limit" => "200".to_owned(),
            "status" => "revoked".to_owned(),
            "kind" => "workspace".to_owned(),
            "sort" => "name".to_owned(),
            "last_used_before" => "2030-01-01T00:00:00Z".to_owned(),
            "cursor" => {
                // Whose list a cursor goes on in can be told from the cursor alone.
                *has_twin = false;
                self.names.cursor.clone()
            }
            "fields" => {
                // What is no field is told back, and not whole.
                *has_twin = false;
                self.any_name()
            }
            "owner" | "user_id" => {
                self.name(&self.names.people.iter().map(String::as_str).collect::<Vec<_>>())
            }
            _ => self.any_name(),
        };
        Some(format!("{name}={}", value.replace(' ', "%20")))
    }

    /// Puts references into a body that would otherwise do. Not where any text will do: what strangers call their own
    /// things would be told to them ever after.
    fn spoil(&mut self, body: &mut Value, fields: &[String]) {
        let common =
            ["owner", "workspace", "workspace_id", "workspaces", "service_account"].map(str::to_owned);
        let among = if fields.is_empty() || self.dice.one_in(4) { &common[..] } else { fields };
        let field = among[self.dice.below(among.len())].clone();
        // Nor do they take a slug that is free, as that of a workspace that does not exist is.
        if [FREE_TEXTS, &["slug"]].concat().contains(&field.as_str()) || !body.is_object() {
            return;
        }
        let name = self.reference_for(&field);
        let plain = if field.ends_with('s') { 1 } else { 3 };
        body[field] = match self.dice.below(5) {
            choice if choice < plain => json!(name),
            4 => json!({"id": name}),
            _ => json!([name, self.any_reference(), self.own.keys[0]]),
        };
    }

    fn headers(&mut self) -> Vec<(&'static str, String)> {
        if !self.dice.one_in(6) {
            return Vec::new();
        }
        let header = *self.dice.choose(&[
            &"X-Keyward-Workspace",
            &"X-Workspace",
            &"X-Forwarded-Prefix",
            &"X-Original-URI",
            &"X-Api-Key",
            &"Cookie",
            &"If-Match",
            &"Idempotency-Key",
        ]);
        let name = self.any_name();
        let value = match header {
            "X-Original-URI" => format!("/api/v1/{name}/keys"),
            "Cookie" => format!("__Host-keyward_session={}", name.replace(' ', "")),
            "If-Match" => format!("\"{name}\""),
            _ => name,
        };
        vec![(header, value)]
    }
}

/// What the profile has, which is everybody's.
fn own_profile() -> Targets {
    Targets {
        scope: "api:read".to_owned(),
        role: "viewer".to_owned(),
        plan: "standard".to_owned(),
        ..Targets::default()
    }
}
