//! The reverse proxy of `keyward serve`: the same that every gateway must hold, and what a proxy is asked for beside it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use keyward_tests::{Answer, Arrived, Caller, Keyward, Upstream, free_port, json, unique};

struct Proxied {
    keyward: Keyward,
    upstream: Upstream,
    addr: SocketAddr,
}

impl Proxied {
    fn start() -> Self {
        Self::of("cveium")
    }

    fn of(profile: &str) -> Self {
        let upstream = Upstream::start();
        let (keyward, addr) = in_front_of(upstream.addr(), profile);
        Self { keyward, upstream, addr }
    }

    fn client(&self) -> Caller {
        Caller::to(self.addr)
    }

    #[track_caller]
    fn passes(&self, ask: impl FnOnce(&Caller) -> Answer) -> (Answer, Arrived) {
        let answer = ask(&self.client()).expect(200);
        let mut arrived = self.upstream.take();
        assert_eq!(arrived.len(), 1, "one request came to the product");
        (answer, arrived.remove(0))
    }

    #[track_caller]
    fn refuses(&self, status: u16, code: &str, ask: impl FnOnce(&Caller) -> Answer) -> Answer {
        let answer = ask(&self.client()).problem(status, code);
        assert!(self.upstream.take().is_empty(), "it came to the product");
        answer
    }
}

fn in_front_of(product: SocketAddr, profile: &str) -> (Keyward, SocketAddr) {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let keyward = Keyward::profile(profile)
        .env("KEYWARD_PROXY__UPSTREAM", &format!("http://{product}"))
        .env("KEYWARD_PROXY__LISTEN", &addr.to_string())
        .env("KEYWARD_DATA_PLANE__TRUSTED_PROXIES", "192.0.2.1")
        .start();
    (keyward, addr)
}

#[test]
fn cve_5_the_proxy_refuses_a_scope_that_the_key_lacks() {
    let proxied = Proxied::start();
    let workspace = proxied.keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let (answer, arrived) = proxied.passes(|client| client.bearer(&key.secret).get("/api/products/7?page=2"));
    assert_eq!(answer.text, "product");
    assert!(arrived.head.starts_with("GET /api/products/7?page=2 HTTP/1.1\r\n"), "{}", arrived.head);
    proxied.refuses(403, "insufficient_scope", |client| client.bearer(&key.secret).delete("/api/products/7"));
    proxied.refuses(403, "insufficient_scope", |client| client.api_key(&key.secret).get("/api/releases"));
    proxied
        .refuses(403, "forbidden", |client| client.bearer(&key.secret).get("/nowhere?scope=products:read"));
    proxied.refuses(401, "unauthenticated", |client| client.get("/api/products"));
    let in_address = format!("/api/products?key={}", key.secret);
    proxied.refuses(401, "invalid_key", |client| client.bearer(&key.secret).get(&in_address));
    workspace.revoke(&key);
    proxied.refuses(401, "invalid_key", |client| client.bearer(&key.secret).get("/api/products"));
}

#[test]
fn cyc_3_the_proxy_refuses_entities_that_the_key_is_not_narrowed_to() {
    let proxied = Proxied::of("cycloid");
    let workspace = proxied.keyward.workspace();
    let of = |canonical: &str| format!("organization:{}:credential:{canonical}", workspace.slug);
    let narrowed = json!([{"action": "organization:credential:read", "resources": [of("aws"), of("gcp")]}]);
    let key = workspace.create_key(json!({"name": "some of many", "rules": narrowed}));
    let path = |rest: &str| format!("/organizations/{}/{rest}", workspace.slug);
    for credential in ["credentials/aws", "credentials/gcp"] {
        let forging = |client: &Caller| client.bearer(&key.secret).with("X-Keyward-Scopes", "forged");
        let (_, arrived) = proxied.passes(|client| forging(client).get(&path(credential)));
        // It holds nothing on everything: there is no scope to name, and the client's must not fill the place.
        assert_eq!(arrived.headers("x-keyward-scopes"), [""], "{}", arrived.head);
    }
    for other in ["credentials/azure", "credentials/aws2", "credentials/AWS", "credentials", "projects/aws"] {
        proxied.refuses(403, "insufficient_scope", |client| client.bearer(&key.secret).get(&path(other)));
    }
    proxied.refuses(403, "insufficient_scope", |client| {
        client.bearer(&key.secret).delete(&path("credentials/aws"))
    });
    let elsewhere = format!("/organizations/{}/credentials/aws", proxied.keyward.workspace().slug);
    proxied.refuses(403, "forbidden", |client| client.bearer(&key.secret).get(&elsewhere));
}

#[test]
fn the_product_gets_who_it_is_and_neither_the_key_nor_what_the_client_made_up() {
    let proxied = Proxied::start();
    let workspace = proxied.keyward.workspace();
    let key = workspace.key_with(&["products:read"]);
    let forging = |client: &Caller| {
        let made_up = [
            ("X-Keyward-Key-Id", "forged"),
            ("X-Keyward-Scopes", "forged"),
            ("X_Keyward_Workspace", "forged"),
            ("X-Keyward-Admin", "forged"),
            ("X-Keyward-Usable-For-Ms", "forged"),
            ("X-Forwarded-For", "203.0.113.7"),
            ("X-Forwarded-Proto", "gopher"),
            ("Forwarded", "for=203.0.113.7"),
            ("Connection", "X-Private"),
            ("X-Private", "forged"),
            ("TE", "trailers"),
            ("Keep-Alive", "timeout=5"),
        ];
        made_up.iter().fold(client.bearer(&key.secret).api_key(&key.secret), |caller, (name, value)| {
            caller.with(name, value)
        })
    };
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (answer, arrived) = proxied.passes(|client| {
        forging(client).with("traceparent", trace).with("Cookie", "a=b").get("/api/products")
    });
    assert!(!arrived.head.contains("forged"), "{}", arrived.head);
    assert!(!arrived.head.contains(&key.secret), "the key came to the product");
    for (name, value) in [
        ("x-keyward-key-id", key.id.as_str()),
        ("x-keyward-workspace", &workspace.slug),
        ("x-keyward-scopes", "products:read"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", &proxied.addr.to_string()),
        ("host", &proxied.addr.to_string()),
        ("traceparent", trace),
        ("cookie", "a=b"),
    ] {
        assert_eq!(arrived.headers(name), [value], "{name}: {}", arrived.head);
    }
    for gone in [
        "authorization",
        "x-api-key",
        "te",
        "keep-alive",
        "forwarded",
        "x-private",
        "x-keyward-usable-for-ms",
    ] {
        assert!(arrived.headers(gone).is_empty(), "{gone}: {}", arrived.head);
    }
    assert_eq!(arrived.headers("x-request-id"), [answer.header("x-request-id").expect("an id")]);
}

#[test]
fn bodies_of_both_ways_are_passed_on_as_they_come() {
    let proxied = Proxied::start();
    let key = proxied.keyward.workspace().key_with(&["products:write"]);
    let letters = (0..4 * 1024 * 1024_u32).map(|at| b'a' + u8::try_from(at % 26).expect("a letter"));
    let body: Vec<u8> = letters.collect();
    let (_, arrived) = proxied
        .passes(|client| client.bearer(&key.secret).send("POST", "/api/products", Some("text/plain"), &body));
    assert!(arrived.body == body, "{} of {} bytes came", arrived.body.len(), body.len());
    let (_, arrived) =
        proxied.passes(|client| client.bearer(&key.secret).post_chunked("/api/products", b"{\"a\":1}"));
    assert_eq!(arrived.body, b"{\"a\":1}");
    // One whose length is told beforehand and too long is refused before a byte of it has come.
    let head = format!(
        "POST /api/products HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-API-Key: {}\r\nContent-Length: 1073741825\r\n\r\n",
        key.secret
    );
    proxied.refuses(413, "payload_too_large", |client| client.raw(head.as_bytes()));
}

#[test]
fn an_upgrade_and_a_tunnel_are_refused_with_words() {
    let proxied = Proxied::start();
    let key = proxied.keyward.workspace().key_with(&["products:read"]);
    let told = proxied.refuses(501, "upgrade_refused", |client| {
        let caller = client.bearer(&key.secret).with("Upgrade", "websocket");
        caller.with("Sec-WebSocket-Version", "13").get("/api/products")
    });
    assert!(told.text_at("detail").contains("WebSocket"), "{told}");
    let tunnel = format!(
        "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nConnection: close\r\nX-API-Key: {}\r\n\r\n",
        key.secret
    );
    proxied.refuses(403, "forbidden", |client| client.raw(tunnel.as_bytes()));
}

#[test]
fn a_limited_key_hears_what_is_left() {
    let proxied = Proxied::start();
    let body = json!({"name": unique("limited"), "scopes": ["products:read"], "requests_per_minute": 1});
    let key = proxied.keyward.workspace().create_key(body);
    let (answer, _) = proxied.passes(|client| client.bearer(&key.secret).get("/api/products"));
    assert!(answer.header("ratelimit").is_some_and(|left| left.contains("r=0")), "{answer}");
    let told = proxied.refuses(429, "rate_limited", |client| client.bearer(&key.secret).get("/api/products"));
    assert!(told.header("retry-after").is_some(), "{told}");
}

#[test]
fn a_product_that_is_away_or_breaks_off_is_502() {
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let (keyward, addr) = in_front_of(nobody.local_addr().expect("its address"), "cveium");
    let key = keyward.workspace().key_with(&["products:read"]);
    let ask = || Caller::to(addr).bearer(&key.secret).get("/api/products");
    let breaking = std::thread::spawn(move || {
        // It reads what comes, and closes: each attempt, for the proxy may make a second one.
        for stream in nobody.incoming().take(1).flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Le");
        }
    });
    ask().problem(502, "upstream_unreachable");
    breaking.join().expect("the product ends");
    let asked = Instant::now();
    ask().problem(502, "upstream_unreachable");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    let metrics = keyward.data().get("/metrics").expect(200).text;
    assert!(metrics.contains("keyward_proxy_failures_total{reason=\"unreachable\"} 2\n"), "{metrics}");
}

#[test]
fn half_of_its_settings_is_refused_with_words() {
    let told =
        Keyward::profile("cveium").env("KEYWARD_PROXY__UPSTREAM", "http://127.0.0.1:9").refuses_to_start();
    assert!(told.contains("proxy.upstream: needs proxy.listen beside it"), "{told}");
    for upstream in ["https://127.0.0.1:9", "http://127.0.0.1", "http://127.0.0.1:9/path", "127.0.0.1:9"] {
        let builder = Keyward::profile("cveium").env("KEYWARD_PROXY__UPSTREAM", upstream);
        let told = builder.env("KEYWARD_PROXY__LISTEN", "127.0.0.1:0").refuses_to_start();
        assert!(told.contains("proxy.upstream") && told.contains("is no product"), "{told}");
    }
}
