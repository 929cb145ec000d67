use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use keyward_core::catalogue::{Catalogue, Scope};
use keyward_core::change::Epoch;
use keyward_core::grace::GraceSeconds;
use keyward_core::grant::{Grant, Grants, Pattern, Rule};
use keyward_core::id::RequestId;
use keyward_core::network::Reach;
use keyward_core::plan::{Plan, PlanName};
use keyward_core::profile::{ExpiryChoice, ExpiryPolicy, KeyPolicy, Kinds, Product, Profile};
use keyward_core::rate::{OverLimit, Quota};
use keyward_core::role::{Role, RoleName};
use keyward_core::route::Routes;
use keyward_core::secret::{Encoding, SecretDigest, SecretFormat};
use keyward_core::usage::Use;
use keyward_service::Service;
use keyward_service::checkpoint_key::CheckpointKey;
use keyward_service::clock::SystemClock;
use keyward_service::limits::Limits;
use keyward_service::lockout::{FreeTries, Lockout};
use keyward_service::nodes::{NodeReport, Nodes};
use keyward_service::password::Passwords;
use keyward_service::sealing::{Sealing, SealingKey};
use keyward_service::session_use::SessionUse;
use keyward_service::set_up::{SetUpDoor, open_set_up};
use keyward_service::uses::Uses;
use keyward_storage::sqlite::SqliteStore;
use keyward_web::Peer;
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::form_token::FormToken;
use crate::shell::{Here, Shell, Tab, Who};
use crate::{Console, router};

pub(super) const PASSWORD: &str = "correct horse battery";

#[derive(Debug)]
struct NoNodes;

#[async_trait]
impl Nodes for NoNodes {
    async fn catch_up(&self, _: Epoch) {}

    async fn report(&self, _: Epoch, _: GraceSeconds) -> Vec<NodeReport> {
        Vec::new()
    }

    async fn settle(&self, _: Epoch, _: GraceSeconds, _: Duration) -> Vec<NodeReport> {
        Vec::new()
    }
}

impl Limits for NoNodes {
    fn take(&self, _: &SecretDigest, _: Timestamp) -> Result<Option<Quota>, OverLimit> {
        Ok(None)
    }
}

impl Uses for NoNodes {
    fn put(&self, _: Use) {}
}

/// A console on a store of its own.
pub(super) struct Bench {
    pub(super) service: Arc<Service>,
    router: Router,
    _folder: TempDir,
}

impl Bench {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let service = Arc::new(Service {
            store: Arc::new(SqliteStore::open(&folder.path().join("keyward.db")).unwrap()),
            profile: Arc::new(profile("Acme <Keys>", "team")),
            clock: Arc::new(SystemClock),
            nodes: Arc::new(NoNodes),
            limits: Arc::new(NoNodes),
            uses: Arc::new(NoNodes),
            passwords: Passwords::new().unwrap(),
            lockout: Lockout::new(FreeTries::default()).unwrap(),
            session_use: SessionUse::default(),
            operator: None,
            billing: None,
            checkpoint_key: CheckpointKey::from_seed(&[7; 32]).unwrap(),
            sealing: Sealing::new(SealingKey::new(&[7; 32]), Vec::new()),
            reach: Reach::default(),
            set_up: SetUpDoor::default(),
            public_url: "http://127.0.0.1:8080".to_owned(),
        });
        let console =
            Console { service: Arc::clone(&service), trusted_proxies: Vec::new(), upgrade_url: None };
        Self { service, router: router(Arc::new(console)), _folder: folder }
    }

    /// The token of an open set-up link.
    pub(super) async fn open(&self) -> String {
        open_set_up(&self.service).await.unwrap().unwrap().expose().to_owned()
    }

    /// With Ada as the owner of "acme"; her cookie.
    pub(super) async fn with_ada(&self) -> String {
        let form = set_up_form(&self.open().await);
        self.post("/setup", &form).await.went_home()
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send(browser("GET", path).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn get_as(&self, cookie: &str, path: &str) -> Answer {
        self.send(browser("GET", path).header(COOKIE, cookie).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, form: &str) -> Answer {
        let request = browser("POST", path).header("sec-fetch-site", "same-origin");
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// Sends a form of somebody signed in, with the token of their forms.
    pub(super) async fn post_as(&self, cookie: &str, path: &str, form: &str) -> Answer {
        let session = cookie.split_once('=').unwrap().1;
        let token = FormToken::of(session);
        let request = browser("POST", path).header("sec-fetch-site", "same-origin").header(COOKIE, cookie);
        let body = format!("form_token={}&{form}", token.as_str());
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    pub(super) async fn send(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(Peer(SocketAddr::from((Ipv4Addr::LOCALHOST, 1))));
        request.extensions_mut().insert(RequestId::new(0, [7; 10]));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let html = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, html }
    }
}

/// A request as browsers send it, without saying from where.
pub(super) fn browser(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "127.0.0.1:8080")
        .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
}

pub(super) fn set_up_form(token: &str) -> String {
    format!(
        "token={token}&name=Ada&email=ada%40example.com&password=correct+horse+battery&workspace_name=Acme&workspace_slug=acme"
    )
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) html: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// It leads to the front page with a cookie that browsers keep safe; the cookie's pair.
    pub(super) fn went_home(&self) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.html);
        assert_eq!(self.header(LOCATION.as_str()), "/");
        let cookie = self.header(SET_COOKIE.as_str());
        for part in ["__Host-", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(part), "{part} in the cookie");
        }
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The value of the first input of that name.
    pub(super) fn value(&self, name: &str) -> &str {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.html.split_once(&start).unwrap_or_else(|| panic!("no {name} in {}", self.html));
        rest.split('"').next().unwrap()
    }

    pub(super) fn assert_page(&self, status: u16, holds: &str) {
        assert_eq!(self.status.as_u16(), status, "{}", self.html);
        assert!(self.html.contains(holds), "no {holds:?} in {}", self.html);
    }
}

/// A profile with a few of everything.
pub(crate) fn profile(name: &str, workspace_word: &str) -> Profile {
    let scope = |name: &str| Scope {
        name: name.into(),
        title: name.into(),
        description: name.into(),
        implies: [].into(),
    };
    let catalogue = Catalogue::new(["products:read", "products:write"].map(scope).into()).unwrap();
    let role = |name: &str, actions: &[&str]| {
        let rule = |action: &&str| Rule { action: Pattern::parse(action).unwrap(), resources: [].into() };
        let grant = Grant { scopes: vec![], rules: actions.iter().map(rule).collect() };
        let grants = Grants::compile(&catalogue, &grant);
        Role { name: RoleName::new(name), title: format!("The {name}").into(), grants, grant }
    };
    let roles = vec![role("owner", &["**"]), role("writer", &["products:write"]), role("guest", &[])];
    let plan = |name: &str, api_keys| Plan {
        name: PlanName::new(name),
        title: name.into(),
        api_keys,
        keys_max: None,
        seats_max: None,
        requests_per_minute: None,
    };
    let expiry = ExpiryPolicy {
        menu: vec![ExpiryChoice { label: "never".into(), seconds: None }],
        default: 0,
        never: true,
        max_seconds: 1,
    };
    let keys = KeyPolicy {
        format: SecretFormat::new("kw_", Encoding::Base62).unwrap(),
        kinds: Kinds { personal: true, workspace: true },
        expiry,
        create_by_api: true,
        inherit: false,
        rotation_overlap_seconds: 1,
        requests_per_minute: None,
    };
    let product =
        Product { name: name.into(), workspace_word: workspace_word.into(), revoked_word: "Revoked".into() };
    let plans = vec![plan("pro", true), plan("starter", false)];
    Profile::new("test", product, keys, catalogue, roles, plans, Routes::default()).unwrap()
}

/// What stands around a page, with a script in every text.
pub(crate) fn nasty_shell() -> Shell {
    const NASTY: &str = "\"'><script>alert(1)</script>";
    let nasty = || NASTY.to_owned();
    Shell {
        profile: Arc::new(profile(NASTY, NASTY)),
        who: Some(Who { name: nasty(), token: FormToken::of("a session"), places: vec![(nasty(), nasty())] }),
        here: Some(Here { name: nasty(), slug: nasty() }),
        tab: Tab::Keys,
        note: None,
        stale: true,
    }
}
