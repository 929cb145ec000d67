use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{Answer, Keyward, now, unique};

const BLOCK_LEN: usize = 64;

/// Stripe, as the endpoint of a server sees it: it has a signing secret, and tells of subscriptions.
#[derive(Debug)]
pub struct Stripe<'a> {
    keyward: &'a Keyward,
    secret: &'a str,
}

/// A subscription, as an event tells of it.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub id: String,
    pub workspace: Option<String>,
    pub price: String,
    pub lookup_key: Option<String>,
    pub status: String,
}

impl Subscription {
    /// An active one of that workspace, whose price has the lookup key of that plan.
    pub fn of(workspace: &str, plan: &str) -> Self {
        Self {
            id: unique("sub_"),
            workspace: Some(workspace.to_owned()),
            price: unique("price_"),
            lookup_key: Some(plan.to_owned()),
            status: "active".to_owned(),
        }
    }

    /// The same subscription, with another plan.
    pub fn on(&self, plan: &str) -> Self {
        Self { lookup_key: Some(plan.to_owned()), ..self.clone() }
    }

    /// The same subscription, in that status.
    pub fn now(&self, status: &str) -> Self {
        Self { status: status.to_owned(), ..self.clone() }
    }

    /// An event about it: `created`, `updated` or `deleted`, so many seconds from now.
    pub fn event(&self, what: &str, seconds: i64) -> Value {
        let metadata = self.workspace.as_ref().map_or(json!({}), |name| json!({"keyward_workspace": name}));
        let price =
            json!({"id": self.price, "object": "price", "lookup_key": self.lookup_key, "unit_amount": 900});
        json!({
            "id": unique("evt_"),
            "object": "event",
            "api_version": "2026-09-30.dahlia",
            "created": now().as_second() + seconds,
            "type": format!("customer.subscription.{what}"),
            "livemode": false,
            "pending_webhooks": 1,
            "request": {"id": null, "idempotency_key": null},
            "data": {
                "object": {
                    "id": self.id,
                    "object": "subscription",
                    "status": self.status,
                    "metadata": metadata,
                    "customer": "cus_1",
                    "items": {"object": "list", "has_more": false, "data": [
                        {"id": "si_1", "object": "subscription_item", "quantity": 1, "price": price},
                    ]},
                },
                "previous_attributes": {"status": "incomplete"},
            },
        })
    }
}

impl<'a> Stripe<'a> {
    pub const PATH: &'static str = "/api/v1/billing/stripe";

    /// With the signing secret of that server's endpoint, or another one.
    pub fn new(keyward: &'a Keyward, secret: &'a str) -> Self {
        Self { keyward, secret }
    }

    /// Delivers an event, signed now.
    #[track_caller]
    pub fn deliver(&self, event: &Value) -> Answer {
        self.deliver_raw(event.to_string().as_bytes(), now().as_second())
    }

    /// Delivers an event, and asserts what becomes of it.
    #[track_caller]
    pub fn tell(&self, event: &Value, outcome: &str) -> Answer {
        let answer = self.deliver(event).expect(200);
        assert_eq!(answer.body["outcome"], outcome, "{answer}");
        answer
    }

    /// Delivers bytes, signed at that time.
    #[track_caller]
    pub fn deliver_raw(&self, body: &[u8], at: i64) -> Answer {
        self.deliver_with(&[&self.header(body, at)], body)
    }

    /// Delivers bytes with these signature headers.
    #[track_caller]
    pub fn deliver_with(&self, headers: &[&str], body: &[u8]) -> Answer {
        let caller =
            self.keyward.anonymous().with("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)");
        let caller = headers.iter().fold(caller, |caller, header| caller.with("Stripe-Signature", header));
        caller.send("POST", Self::PATH, Some("application/json; charset=utf-8"), body)
    }

    /// What Stripe puts into the header.
    pub fn header(&self, body: &[u8], at: i64) -> String {
        format!("t={at},v1={}", self.signature(body, at))
    }

    pub fn signature(&self, body: &[u8], at: i64) -> String {
        let signed = [format!("{at}.").as_bytes(), body].concat();
        hmac_sha256(self.secret.as_bytes(), &signed).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// RFC 2104, by hand: what checks the server must not be what the server uses.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK_LEN];
    let key = if key.len() > BLOCK_LEN { Sha256::digest(key).to_vec() } else { key.to_vec() };
    block[..key.len()].copy_from_slice(&key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 2 and 6.
    #[test]
    fn the_hmac_is_that_of_the_rfc() {
        let hex = |mac: [u8; 32]| mac.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(hmac_sha256(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
