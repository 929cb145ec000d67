//! Every door of one node: while it hears of its control plane, once it has been cut off for a lease, and when it hears again.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use keyward_tests::{
    Answer, Caller, Gateway, Key, Keyward, Places, Proxy, RunningGateway, Upstream, Way, eventually,
    free_port, json,
};

use crate::gateways::envoy::over_grpc;

const SOON: Duration = Duration::from_secs(20);
/// From the acknowledged revoke to the last question that is answered with a yes (CYB-10).
const PROMISE: Duration = Duration::from_secs(5);
const ASKER: &str = "a-secret-that-whoever-introspects-sends";
const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
/// What is asked for, wherever a request is decided about.
const PATH: &str = "/api/products";

#[derive(Clone, Copy, Debug)]
enum Door {
    Verify,
    Batch,
    Authorize,
    AuthorizeEnvoy,
    Introspect,
    /// Through the real Envoy, whose answer to a refusal is the node's.
    ExtAuthz,
    ReverseProxy,
}

const DOORS: [Door; 7] = [
    Door::Verify,
    Door::Batch,
    Door::Authorize,
    Door::AuthorizeEnvoy,
    Door::Introspect,
    Door::ExtAuthz,
    Door::ReverseProxy,
];

/// A node with all its doors open, and the product behind those that pass requests on.
struct House {
    node: Gateway,
    reverse_proxy: Caller,
    envoy: RunningGateway,
    product: Upstream,
}

impl House {
    fn following(control_plane: &Proxy) -> Self {
        let product = Upstream::start();
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let (listen, upstream) = (addr.to_string(), format!("http://{}", product.addr()));
        let env = [
            ("KEYWARD_DATA_PLANE__INTROSPECTION_SECRET", ASKER),
            ("KEYWARD_PROXY__LISTEN", &listen),
            ("KEYWARD_PROXY__UPSTREAM", &upstream),
        ];
        let control_planes = [format!("http://{}", control_plane.addr())];
        let node = Gateway::start_with("edge", "cveium", &control_planes, &env);
        let envoy = over_grpc(Places { keyward: node.addr(), product: product.addr() });
        Self { node, reverse_proxy: Caller::to(addr), envoy, product }
    }

    fn ask(&self, door: Door, key: &Key) -> Answer {
        let data = self.node.data();
        let with_key = data.bearer(&key.secret);
        match door {
            Door::Verify => data.post("/v1/verify", json!({"key": key.secret})),
            Door::Batch => data.post("/v1/verify/batch", json!({"questions": [{"key": key.secret}]})),
            Door::Authorize => {
                with_key.with("X-Forwarded-Method", "GET").with("X-Forwarded-Uri", PATH).get("/v1/authorize")
            }
            Door::AuthorizeEnvoy => with_key.get(&format!("/v1/authorize/envoy{PATH}")),
            Door::Introspect => {
                let form = format!("token={}", key.secret);
                data.bearer(ASKER).send("POST", "/oauth2/introspect", FORM, form.as_bytes())
            }
            Door::ExtAuthz => self.envoy.client().bearer(&key.secret).get(PATH),
            Door::ReverseProxy => self.reverse_proxy.bearer(&key.secret).get(PATH),
        }
    }

    /// Whether the door answers yes. Anything else has to be a 503, or a no that is about the key: with this status, where the
    /// door has no words for it.
    fn accepts(&self, door: Door, key: &Key, refused: u16) -> bool {
        let answer = self.ask(door, key);
        if answer.status == 503 {
            return false;
        }
        let (said, no) = match door {
            Door::Verify => (&answer.body["valid"], 200),
            Door::Batch => (&answer.body["results"][0]["answer"]["valid"], 200),
            Door::Introspect => (&answer.body["active"], 200),
            _ => (&json!(answer.status == 200), refused),
        };
        let yes = said.as_bool().unwrap_or_else(|| panic!("{door:?}: {answer}"));
        assert!(answer.status == if yes { 200 } else { no }, "{door:?}: {answer}");
        yes
    }

    /// Which of the doors answer yes.
    fn accepting(&self, key: &Key) -> Vec<String> {
        self.accepting_or(key, 401)
    }

    /// The same, where a no has another status.
    fn accepting_or(&self, key: &Key, refused: u16) -> Vec<String> {
        let accepting = DOORS.into_iter().filter(|door| self.accepts(*door, key, refused));
        accepting.map(|door| format!("{door:?}")).collect()
    }
}

#[test]
fn cyb_10_past_its_lease_a_node_accepts_at_no_door_and_at_every_door_when_it_hears_again() {
    let keyward = Keyward::profile("cveium").with_feed().start();
    let workspace = keyward.workspace();
    let (kept, revoked) = (workspace.key_with(&["products:read"]), workspace.key_with(&["products:read"]));
    let proxy = Proxy::to(keyward.feed_addr());
    let house = House::following(&proxy);
    for key in [&kept, &revoked] {
        eventually(SOON, || house.accepting(key).len(), |accepting| *accepting == DOORS.len());
    }

    proxy.set(Way::Cut);
    let cut_at = Instant::now();
    workspace.revoke(&revoked);
    let revoked_at = Instant::now();
    assert_eq!(house.accepting(&revoked).len(), DOORS.len(), "within its lease it cannot know better");
    let mut accepted = true;
    while accepted || cut_at.elapsed() < PROMISE {
        accepted = false;
        for (door, key) in DOORS.into_iter().flat_map(|door| [(door, &kept), (door, &revoked)]) {
            let asked_at = Instant::now();
            if house.accepts(door, key, 401) {
                accepted = true;
                let (since_cut, since_revoke) = (asked_at - cut_at, asked_at - revoked_at);
                assert!(since_cut < PROMISE && since_revoke < PROMISE, "{door:?} at {since_cut:?}");
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    house.product.take();
    for door in DOORS {
        let refused = house.ask(door, &kept);
        let told = (refused.status, refused.text_at("code"), refused.header("retry-after"));
        assert_eq!(told, (503, "stale_authority".to_owned(), Some("1")), "{door:?}: {refused}");
    }
    assert!(house.product.take().is_empty(), "a request that nobody could decide about came to the product");

    proxy.set(Way::Open);
    eventually(SOON, || house.accepting(&kept).len(), |accepting| *accepting == DOORS.len());
    assert_eq!(house.accepting(&revoked), [] as [&str; 0]);
}

#[test]
fn every_door_keeps_to_the_networks_that_a_workspace_allows() {
    let keyward = Keyward::profile("cveium").with_feed().start();
    let workspace = keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let proxy = Proxy::to(keyward.feed_addr());
    let house = House::following(&proxy);
    let allow = |networks: &[&str]| {
        let workspace_path = format!("/api/v1/{}", workspace.slug);
        workspace.owner().patch(&workspace_path, json!({"allowed_cidrs": networks})).expect(200);
    };
    let accepting = |wanted: &[Door]| {
        let wanted: Vec<String> = wanted.iter().map(|door| format!("{door:?}")).collect();
        eventually(SOON, || house.accepting_or(&key, 403), |accepting| *accepting == wanted);
    };
    accepting(&DOORS);
    allow(&["198.51.100.0/24"]);
    accepting(&[]);
    for door in [Door::Authorize, Door::AuthorizeEnvoy, Door::ExtAuthz, Door::ReverseProxy] {
        let refused = house.ask(door, &key);
        let told = (refused.status, refused.text_at("detail"));
        assert_eq!(told, (403, "the key is not allowed from this address".to_owned()), "{door:?}: {refused}");
    }
    assert_eq!(house.ask(Door::Verify, &key).body["code"], "ip_not_allowed", "nobody said where from");
    assert_eq!(house.ask(Door::Introspect, &key).body, json!({"active": false}));
    // Where the request itself comes from, wherever that is, is seen by those that pass it on.
    allow(&["0.0.0.0/0", "::/0"]);
    accepting(&[Door::Authorize, Door::AuthorizeEnvoy, Door::ExtAuthz, Door::ReverseProxy]);
    allow(&[]);
    accepting(&DOORS);
}
