//! Questions to the data plane about a workspace that the asker's key is not of.

use keyward_tests::json;

use super::attack::{Making, Question};
use super::attackers::Attacker;
use crate::surface::Request;

impl Making<'_> {
    pub(super) fn of_data_plane(&mut self, attacker: &Attacker) -> Question {
        let (names, own) = (self.names, self.own);
        let slug = self.pick(&[&names.slug], &own.slugs);
        // A product that asks about a key that was the workspace's own is told whose it was.
        if !attacker.is_of_the_workspace && self.dice.one_in(2) {
            self.verify(&slug, &attacker.secret)
        } else {
            self.authorize(&slug)
        }
    }

    fn verify(&mut self, slug: &str, secret: &str) -> Question {
        let mut body = json!({"key": secret});
        match self.dice.below(4) {
            0 => body["scopes"] = json!(["api:read"]),
            1 => body["action"] = json!("api:read"),
            _ => (body["method"], body["path"]) = (json!("GET"), json!(format!("/w/{slug}/things"))),
        }
        if !self.dice.one_in(4) {
            body["workspace"] = json!(slug);
        }
        match self.dice.below(3) {
            0 => body["resource"] = json!(slug),
            1 => {
                let name = self.any_name().replace(['@', ' '], "-");
                body["resource"] = json!(format!("workspace:{slug}:thing:{name}"));
            }
            _ => {}
        }
        let request = Request { method: "POST".to_owned(), path: "/v1/verify".to_owned(), body: Some(body) };
        Question { operation: "verify".to_owned(), request, headers: Vec::new(), has_twin: true }
    }

    fn authorize(&mut self, slug: &str) -> Question {
        let query = *self.dice.choose(&[&"", &"?workspace={}", &"?workspace={}&scope=api:read"]);
        let path = format!("/v1/authorize{}", query.replace("{}", slug));
        let uri = ("X-Forwarded-Uri", format!("/w/{slug}/things"));
        let headers = vec![("X-Forwarded-Method", "GET".to_owned()), uri];
        let request = Request { method: "GET".to_owned(), path, body: None };
        Question { operation: "authorize".to_owned(), request, headers, has_twin: true }
    }
}
