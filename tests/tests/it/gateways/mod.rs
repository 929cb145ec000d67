//! Each recipe of the documentation, run by the real gateway in front of the real binary: the page's own text is the
//! configuration. What every gateway must hold stands here once; a module each says how it is started.

mod caddy;
pub(crate) mod envoy;
mod haproxy;
mod nginx;

use keyward_tests::{
    Answer, Arrived, Caller, Key, Keyward, Places, Recipe, RunningGateway, Upstream, Value, eventually, json,
    unique,
};

const IDENTITY: [&str; 4] =
    ["x-keyward-key-id", "x-keyward-workspace", "x-keyward-subject", "x-keyward-scopes"];

const USABLE_FOR: &str = "x-keyward-usable-for-ms";

/// Starts one kind of gateway by its recipe.
type Start = fn(Places) -> RunningGateway;

/// A product behind a gateway that asks Keyward.
struct Product {
    keyward: Keyward,
    upstream: Upstream,
    gateway: RunningGateway,
}

impl Product {
    fn behind(start: Start, profile: &str) -> Self {
        // The gateway's own address alone is trusted: its clients come from `::1`, and are nobody.
        let keyward =
            Keyward::profile(profile).env("KEYWARD_DATA_PLANE__TRUSTED_PROXIES", "127.0.0.1/32").start();
        let upstream = Upstream::start();
        let gateway = start(Places { keyward: keyward.data_addr(), product: upstream.addr() });
        Self { keyward, upstream, gateway }
    }

    fn client(&self) -> Caller {
        self.gateway.client()
    }

    /// The answer of a request that passes, and what the product saw of it.
    #[track_caller]
    fn passes(&self, ask: impl FnOnce(&Caller) -> Answer) -> (Answer, Arrived) {
        let answer = ask(&self.client());
        assert_eq!(answer.status, 200, "{answer}\n{}", self.gateway.logs());
        assert_eq!(answer.text, "product");
        let mut arrived = self.upstream.take();
        assert_eq!(arrived.len(), 1, "one request came to the product");
        (answer, arrived.remove(0))
    }

    /// The answer of a request that does not come to the product.
    #[track_caller]
    fn refuses(&self, status: u16, ask: impl FnOnce(&Caller) -> Answer) -> Answer {
        let answer = ask(&self.client());
        let arrived = self.upstream.take();
        assert!(arrived.is_empty(), "it came to the product: {arrived:?}");
        assert_eq!(answer.status, status, "{answer}\n{}", self.gateway.logs());
        answer
    }
}

fn named(caller: &Caller, key: &Key) -> Caller {
    caller.bearer(&key.secret)
}

/// CVE-5 through a real gateway, and that the product never sees a request that was refused.
#[track_caller]
fn a_scope_that_the_key_lacks_is_403(product: &Product) {
    let workspace = product.keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    product.passes(|client| named(client, &key).get("/api/products"));
    product.passes(|client| named(client, &key).get("/api/products/7?page=2"));
    for (method, path) in [
        ("POST", "/api/products"),
        ("DELETE", "/api/products/7"),
        ("GET", "/api/releases"),
        ("GET", "/api/no-such-thing"),
        ("GET", "/api/products/../releases"),
    ] {
        product.refuses(403, |client| named(client, &key).send(method, path, None, b""));
    }
    let told = product.refuses(403, |client| named(client, &key).delete("/api/products/7"));
    let challenge = told.header("www-authenticate").unwrap_or_default();
    assert!(challenge.contains("insufficient_scope") && challenge.contains("products:write"), "{told}");
}

/// CYC-3 through a real gateway: some credentials of many.
#[track_caller]
fn entities_that_the_key_is_not_narrowed_to_are_403(product: &Product) {
    let workspace = product.keyward.workspace();
    let action = "organization:credential:read";
    let one = format!("organization:{}:credential:one", workspace.slug);
    let key = workspace.create_key(json!({"name": "one", "rules": [{"action": action, "resources": [one]}]}));
    let path = |canonical: &str| format!("/organizations/{}/credentials/{canonical}", workspace.slug);
    let forging = |client: &Caller| {
        IDENTITY.iter().fold(named(client, &key), |caller, name| caller.with(name, "forged"))
    };
    let (_, arrived) = product.passes(|client| forging(client).get(&path("one")));
    // A key that holds nothing on everything has no scope to name; what the client wrote must not fill the place.
    let scopes = arrived.headers("x-keyward-scopes");
    assert!(scopes.is_empty() || scopes == [""], "{}", arrived.head);
    product.refuses(403, |client| forging(client).get(&path("two")));
    product.refuses(403, |client| forging(client).delete(&path("one")));
    let other = format!("/organizations/{}/credentials/one", product.keyward.workspace().slug);
    product.refuses(403, |client| forging(client).get(&other));
}

/// What the client makes up of who it is does not reach the product, and the key does not either.
#[track_caller]
fn forged_identities_and_the_key_itself_end_at_the_gateway(product: &Product) {
    let workspace = product.keyward.workspace();
    let key = workspace.key_with(&["products:read", "vex:read"]);
    let forged = [
        "X-Keyward-Key-Id",
        "x-keyward-workspace",
        "X_Keyward_Subject",
        "X_KEYWARD_SCOPES",
        "X-Keyward-Grace-Seconds",
        "X-Keyward-Usable-For-Ms",
    ];
    for present in [Caller::bearer, Caller::api_key] {
        let (_, arrived) = product.passes(|client| {
            let forging = IDENTITY
                .iter()
                .chain(&forged)
                .fold(client.clone(), |caller, name| caller.with(name, "forged").with(name, "forged again"));
            present(&forging, &key.secret).get("/api/products")
        });
        let value = |name: &str| match arrived.headers(name)[..] {
            [only] => only.to_owned(),
            ref other => panic!("{name}: {other:?} in {}", arrived.head),
        };
        assert_eq!([value(IDENTITY[0]), value(IDENTITY[1])], [key.id.clone(), workspace.slug.clone()]);
        assert!(value(IDENTITY[2]).starts_with("sa_"), "{}", arrived.head);
        assert_eq!(value(IDENTITY[3]), "products:read vex:read");
        // Over gRPC what Keyward tells the gateway comes along.
        assert!(matches!(arrived.headers(USABLE_FOR)[..], [] | ["250"]), "{}", arrived.head);
        let names = arrived.names();
        let ours = names.iter().filter(|name| name.replace('_', "-").starts_with("x-keyward-"));
        let alike = ours.filter(|name| *name != USABLE_FOR).count();
        assert_eq!(alike, 4, "{}", arrived.head);
        assert!(!arrived.head.contains("forged"), "{}", arrived.head);
        assert!(!arrived.head.contains(&key.secret), "the key came to the product");
        assert!(arrived.headers("authorization").is_empty() && arrived.headers("x-api-key").is_empty());
    }
    assert!(!product.gateway.logs().contains(&key.secret), "the key stands in the gateway's log");
}

/// Neither headers nor the query of the client say what its request is.
#[track_caller]
fn a_client_cannot_say_what_its_request_is(product: &Product) {
    let workspace = product.keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let lying = |client: &Caller| {
        let headers = [
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-Uri", "/api/products"),
            ("X-Original-Method", "GET"),
            ("X-Original-URI", "/api/products"),
            ("X-HTTP-Method-Override", "GET"),
        ];
        headers.iter().fold(named(client, &key), |caller, (name, value)| caller.with(name, value))
    };
    product.refuses(403, |client| lying(client).delete("/api/products/7"));
    product.refuses(403, |client| lying(client).get("/api/releases"));
    for query in [
        "scope=products:read",
        &format!("workspace={}&scope=products:read", workspace.slug),
        "mode=nginx&scope=products:read",
    ] {
        product.refuses(403, |client| named(client, &key).delete(&format!("/api/products/7?{query}")));
    }
    // What it may do, it may do with any query.
    product.passes(|client| named(client, &key).get("/api/products?scope=products:write"));
    let in_address = format!("/api/products?api_key={}", key.secret);
    product.refuses(401, |client| named(client, &key).get(&in_address));
}

/// Networks that hold every address but those that the client claims below.
const ELSEWHERE: [&str; 7] =
    ["::/0", "0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/5", "200.0.0.0/7", "202.0.0.0/8", "204.0.0.0/6"];

/// A key that is limited to a network is not let in by an address that the client wrote.
#[track_caller]
fn a_client_cannot_say_where_it_comes_from(product: &Product, seen_as: Option<&str>) {
    let workspace = product.keyward.workspace();
    let made = |networks: &[&str]| {
        let name = unique("near");
        workspace.create_key(json!({"name": name, "scopes": ["products:read"], "allowed_cidrs": networks}))
    };
    let (claimed, elsewhere) = (made(&["203.0.113.0/24"]), made(&ELSEWHERE));
    for chain in ["203.0.113.7", "203.0.113.7, 127.0.0.1"] {
        let claiming = |client: &Caller, key: &Key| {
            named(client, key).with("X-Forwarded-For", chain).with("X-Real-IP", "203.0.113.7")
        };
        product.refuses(403, |client| claiming(client, &claimed).get("/api/products"));
        product.passes(|client| claiming(client, &elsewhere).get("/api/products"));
    }
    let last = || workspace.get_key(&elsewhere.id).body["last_used_ip"].clone();
    let within = std::time::Duration::from_secs(3);
    let is_it = |ip: &Value| ip.as_str().is_some_and(|ip| seen_as.is_none_or(|expected| ip == expected));
    eventually(within, last, is_it);
}

/// A limited key's 429 comes through, with when to come back.
#[track_caller]
fn too_many_requests_are_429(product: &Product) {
    let workspace = product.keyward.workspace();
    let body = json!({"name": unique("limited"), "scopes": ["products:read"], "requests_per_minute": 2});
    let key = workspace.create_key(body);
    for _ in 0..2 {
        product.passes(|client| named(client, &key).get("/api/products"));
    }
    let told = product.refuses(429, |client| named(client, &key).get("/api/products"));
    let seconds = told.header("retry-after").and_then(|text| text.parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| (1..=60).contains(&seconds)), "{told}");
    assert!(told.header("ratelimit").is_some_and(|left| left.contains("r=0")), "{told}");
}

/// Missing, wrong and revoked keys are 401; a revoke is in force with the next request.
#[track_caller]
fn only_a_live_key_lets_anybody_in(product: &Product) {
    let workspace = product.keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let missing = product.refuses(401, |client| client.get("/api/products"));
    assert!(missing.header("www-authenticate").is_some_and(|told| told.starts_with("Bearer")), "{missing}");
    product.refuses(401, |client| client.bearer("garbage").get("/api/products"));
    let other = workspace.key_with(&["products:read"]);
    product.refuses(401, |client| client.bearer(&key.secret).api_key(&other.secret).get("/api/products"));
    product.passes(|client| named(client, &key).get("/api/products"));
    workspace.revoke(&key);
    product.refuses(401, |client| named(client, &key).get("/api/products"));
}

/// Bodies go to the product as they are, and to Keyward not at all: it would refuse one of this length.
#[track_caller]
fn bodies_pass_by(product: &Product) {
    let workspace = product.keyward.workspace();
    let key = workspace.key_with(&["products:write"]);
    let body: Vec<u8> =
        (0..2 * 1024 * 1024_u32).map(|at| b'a' + u8::try_from(at % 26).expect("a letter")).collect();
    let (_, arrived) =
        product.passes(|client| named(client, &key).send("POST", "/api/products", Some("text/plain"), &body));
    assert!(arrived.body == body, "{} of {} bytes came", arrived.body.len(), body.len());
    let (_, arrived) =
        product.passes(|client| named(client, &key).post_chunked("/api/products", b"{\"a\":1}"));
    assert_eq!(arrived.body, b"{\"a\":1}");
}

/// A Keyward that does not answer lets nobody in.
#[track_caller]
fn nobody_gets_in_while_keyward_is_away(start: Start) {
    let upstream = Upstream::start();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    // It takes connections and never answers.
    let gateway =
        start(Places { keyward: nobody.local_addr().expect("its address"), product: upstream.addr() });
    let asked = || gateway.client().bearer("cvk_x").get("/api/products");
    // Which of the three depends on the gateway, and means the same to a client: not now.
    let refused = |answer: Answer| assert!([502, 503, 504].contains(&answer.status), "{answer}");
    refused(asked());
    drop(nobody);
    refused(asked());
    assert!(upstream.take().is_empty(), "it came to the product");
}

/// All of it but the rows of the acceptance list, on the profile `cveium`. The client is `seen_as` that address.
#[track_caller]
fn holds_what_every_gateway_must(product: &Product, seen_as: Option<&str>) {
    forged_identities_and_the_key_itself_end_at_the_gateway(product);
    a_client_cannot_say_what_its_request_is(product);
    a_client_cannot_say_where_it_comes_from(product, seen_as);
    too_many_requests_are_429(product);
    only_a_live_key_lets_anybody_in(product);
    bodies_pass_by(product);
}

fn recipe(page: &str) -> Recipe {
    Recipe::of(page)
}
