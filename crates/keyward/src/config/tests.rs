//! Which value wins, where it is said to be from, and what is said about those that are wrong.

use std::ffi::OsString;

use clap::{Args as _, Command};
use serde_json::Value;
use tempfile::TempDir;

use super::data_plane::ForwardedHeaders;
use super::environment::Environment;
use super::flags::Flags;
use super::load::{Loaded, Surroundings, load_from};
use super::log::LogFormat;
use super::mail::MailTls;
use super::reference::reference;
use super::secret::SecretText;
use super::setting::ALL;
use super::settings::Settings;
use super::show::{json_text, summary, table};
use super::store::StoreUrl;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const WEBHOOK_SECRET: &str = "whsec_0123456789abcdef";

/// A folder with files in it, an environment and flags.
struct Start {
    folder: TempDir,
    variables: Vec<(OsString, OsString)>,
    flags: Flags,
}

impl Start {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new(), flags: Flags::default() }
    }

    fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    fn flags(mut self, change: impl FnOnce(&mut Flags)) -> Self {
        change(&mut self.flags);
        self
    }

    fn load(self) -> Result<Loaded, String> {
        let environment = Environment::new(self.variables);
        let around = Surroundings { environment, folder: self.folder.path().to_owned() };
        load_from(&self.flags, &around).map_err(|error| error.to_string())
    }

    /// What is said about a configuration that is wrong.
    #[track_caller]
    fn said(self) -> String {
        self.load().expect_err("a mistake")
    }
}

/// The line of `keyward config show` about one setting, with single spaces.
#[track_caller]
fn shown(loaded: &Loaded, name: &str) -> String {
    let table = table(loaded);
    let line = table.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let loaded = Start::new().load().unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.data_plane.listen.to_string(), "127.0.0.1:8081");
    assert_eq!(settings.data_plane.forwarded, ForwardedHeaders::XForwarded);
    assert_eq!(settings.data_plane.node, "local");
    assert_eq!(settings.server.trusted_proxies.len(), 2);
    assert_eq!(settings.store.url, StoreUrl::Sqlite("keyward.sqlite".into()));
    assert_eq!((settings.log.filter.as_str(), settings.log.format), ("info", LogFormat::Text));
    assert!(settings.bootstrap.is_none() && settings.operator.token.is_none());
    assert!(settings.server.public_url.is_none() && loaded.file.is_none());
    assert_eq!(&*loaded.profile.name, "default");
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\n";
    let start = || Start::new().file("keyward.toml", file);
    let shown_listen = |start: Start| shown(&start.load().unwrap(), "server.listen");

    assert_eq!(shown_listen(Start::new()), "server.listen 127.0.0.1:8080 default");
    assert_eq!(shown_listen(start()), "server.listen 127.0.0.1:1 keyward.toml:2");
    let with_env = || start().env("KEYWARD_SERVER__LISTEN", "127.0.0.1:2");
    assert_eq!(shown_listen(with_env()), "server.listen 127.0.0.1:2 environment KEYWARD_SERVER__LISTEN");
    let with_flag = with_env().flags(|flags| flags.listen = Some("127.0.0.1:3".to_owned()));
    assert_eq!(shown_listen(with_flag), "server.listen 127.0.0.1:3 flag --listen");
}

fn check_feed_and_gateway(settings: &Settings) {
    let feed = settings.feed.as_ref().unwrap();
    assert_eq!((feed.listen.to_string().as_str(), feed.tls.is_some()), ("10.0.0.5:8082", true));
    assert_eq!(feed.client_authority.as_deref(), Some("nodes.pem".as_ref()));
    assert_eq!(settings.gateway.control_planes[0].host, "keys.internal");
    assert_eq!(settings.gateway.copy.as_deref(), Some("node.copy".as_ref()));
    assert_eq!(settings.gateway.tls.as_ref().unwrap().key.to_str(), Some("node.key"));
    assert_eq!(settings.gateway.credential.as_ref().unwrap().expose(), TOKEN);
}

/// A file with every setting in it.
const EVERY_SETTING: &str = r#"
profile = "cveium"
log = "warn,keyward=debug"
log_format = "json"
[server]
listen = "[::1]:80"
public_url = "https://keys.example.com/"
trusted_proxies = ["10.0.0.0/8", "::1"]
[data_plane]
listen = "0.0.0.0:0"
forwarded = "x-original"
trusted_proxies = []
node = "eu-1"
introspection_secret = "0123456789abcdef0123456789abcdef"
[proxy]
upstream = "http://127.0.0.1:9090"
listen = "127.0.0.1:8090"
[sign_in]
account_free_tries = 5
address_free_tries = 20
[feed]
listen = "10.0.0.5:8082"
credentials = "0123456789abcdef0123456789abcdef"
tls_certificate_file = "feed.pem"
tls_key_file = "feed.key"
tls_client_authority_file = "nodes.pem"
[gateway]
control_planes = ["https://keys.internal:8082"]
credential = "0123456789abcdef0123456789abcdef"
copy_file = "node.copy"
usage_spool_folder = "spool"
usage_spool_mib_max = 128
tls_certificate_file = "node.pem"
tls_key_file = "node.key"
[store]
url = "postgres://server:a-password@db.example.com/keyward"
system_url = "postgres://system:a-password@db.example.com/keyward"
owner_url = "postgres://owner:a-password@db.example.com/keyward"
prepared = false
[audit]
signing_key_file = "/run/secrets/audit-key"

[webhooks]
allow_http = true
allowed_networks = ["10.0.0.0/8"]

[sealing]
key_file = "/run/secrets/sealing-key"
other_key_files = ["/run/secrets/sealing-key-of-last-year"]
[usage]
retention_days = 30
counts_retention_days = 60
entries_max = 5_000
[bootstrap]
owner_email = "Ada@Example.com"
owner_password = "a long enough passphrase"
workspace_name = "Acme"
workspace_slug = "acme"
[operator]
token = "0123456789abcdef0123456789abcdef"
[billing]
stripe_webhook_secret = "whsec_0123456789abcdef"
upgrade_url = "https://shop.example.com/plans?workspace={slug}"
[billing.prices]
price_1Mow = "standard"
"price.old" = "standard"
[notices]
enabled = false
[mail]
host = "smtp.example.com"
port = 2525
tls = "tls"
username = "keyward"
password = "a password of the mail server"
from = "Keys of Acme <keys@example.com>"
"#;

#[test]
fn every_setting_of_a_file_is_read() {
    let flags = |flags: &mut Flags| flags.config = Some("own.toml".into());
    let loaded = Start::new().file("own.toml", EVERY_SETTING).flags(flags).load().unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.server.public_url.as_deref(), Some("https://keys.example.com"));
    assert_eq!(settings.server.trusted_proxies[1].to_string(), "::1/128");
    assert!(settings.data_plane.trusted_proxies.is_empty());
    assert_eq!(settings.data_plane.forwarded, ForwardedHeaders::XOriginal);
    assert_eq!(settings.audit.signing_key_file.as_deref(), Some("/run/secrets/audit-key".as_ref()));
    assert_eq!(settings.data_plane.introspection_secret.as_ref().unwrap().expose(), TOKEN);
    let proxy = settings.proxy.as_ref().unwrap();
    assert_eq!((proxy.upstream.as_str(), proxy.listen.port()), ("127.0.0.1:9090", 8090));
    assert_eq!((settings.sign_in.free.account, settings.sign_in.free.address), (5, 20));
    assert_eq!(settings.webhooks.other_sealing_key_files.len(), 1);
    check_feed_and_gateway(settings);
    assert!(settings.webhooks.reach.allow_http);
    assert_eq!(settings.webhooks.reach.allowed.len(), 1);
    assert_eq!(settings.webhooks.sealing_key_file.as_deref(), Some("/run/secrets/sealing-key".as_ref()));
    let retention = settings.usage.retention;
    assert_eq!((retention.entries.as_hours(), retention.counts.as_hours()), (30 * 24, 60 * 24));
    assert_eq!(retention.entries_max, 5_000);
    let bootstrap = settings.bootstrap.as_ref().unwrap();
    assert_eq!(bootstrap.owner_email.as_str(), "ada@example.com");
    let workspace = bootstrap.workspace.as_ref().unwrap();
    assert_eq!(workspace.slug.as_ref().map(ToString::to_string).as_deref(), Some("acme"));
    assert_eq!(settings.operator.token.as_ref().unwrap().expose(), TOKEN);
    let billing = settings.billing.as_ref().unwrap();
    assert_eq!(billing.secrets.iter().map(SecretText::expose).collect::<Vec<_>>(), [WEBHOOK_SECRET]);
    assert_eq!(settings.upgrade_url.as_deref(), Some("https://shop.example.com/plans?workspace={slug}"));
    let prices = billing.prices.iter().map(|(price, plan)| (&**price, plan.as_str()));
    assert_eq!(prices.collect::<Vec<_>>(), [("price.old", "standard"), ("price_1Mow", "standard")]);
    assert!(!settings.notices.enabled);
    let mail = settings.mail.as_ref().unwrap();
    assert_eq!((mail.host.as_str(), mail.port, mail.tls), ("smtp.example.com", 2525, MailTls::Tls));
    let (username, password) = mail.account.as_ref().unwrap();
    assert_eq!((username.as_str(), password.expose()), ("keyward", "a password of the mail server"));
    let from = (mail.from.name.as_deref(), mail.from.email.to_string());
    assert_eq!(from, (Some("Keys of Acme"), "keys@example.com".to_owned()));
    assert_eq!(&*loaded.profile.name, "cveium");
    assert!(
        summary(&loaded).contains("(own.toml) and the profile \"cveium\" are in order (scopes: 15, roles: 3")
    );
    assert!(ALL.iter().all(|setting| shown(&loaded, setting.name).contains("own.toml:")));
}

#[test]
fn a_secret_may_be_in_a_file_of_its_own() {
    for ending in ["", "\n", "\r\n"] {
        let start = Start::new().file("token", &format!("{TOKEN}{ending}"));
        let loaded = start.env("KEYWARD_OPERATOR__TOKEN_FILE", "token").load().unwrap();
        assert_eq!(loaded.settings.operator.token.as_ref().unwrap().expose(), TOKEN);
        assert_eq!(
            shown(&loaded, "operator.token"),
            "operator.token (set) token (named by environment KEYWARD_OPERATOR__TOKEN_FILE)"
        );
    }
    let start =
        Start::new().file("token", TOKEN).file("keyward.toml", "[operator]\ntoken_file = \"token\"\n");
    let loaded = start.load().unwrap();
    assert_eq!(shown(&loaded, "operator.token"), "operator.token (set) token (named by keyward.toml:2)");
}

#[test]
fn a_secret_said_twice_or_nowhere_is_refused() {
    let both = Start::new().file("token", TOKEN).env("KEYWARD_OPERATOR__TOKEN", TOKEN);
    assert_eq!(
        both.env("KEYWARD_OPERATOR__TOKEN_FILE", "token").said(),
        "environment KEYWARD_OPERATOR__TOKEN_FILE: operator.token: KEYWARD_OPERATOR__TOKEN is set too; keep one of the two"
    );
    let in_file = format!("[operator]\ntoken = \"{TOKEN}\"\ntoken_file = \"token\"\n");
    assert_eq!(
        Start::new().file("keyward.toml", &in_file).said(),
        "keyward.toml:3: operator.token_file: operator.token is here too; keep one of the two"
    );
    let missing = Start::new().env("KEYWARD_OPERATOR__TOKEN_FILE", "none").said();
    assert!(
        missing
            .starts_with("environment KEYWARD_OPERATOR__TOKEN_FILE: operator.token: none: cannot be opened")
    );
}

#[test]
fn secrets_are_never_shown() {
    let password = "a long enough passphrase";
    let start = Start::new().env("KEYWARD_OPERATOR__TOKEN", TOKEN);
    let start = start.env("KEYWARD_BOOTSTRAP__OWNER_EMAIL", "ada@example.com");
    let start = start.env("KEYWARD_BILLING__STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET);
    let loaded = start.env("KEYWARD_BOOTSTRAP__OWNER_PASSWORD", password).load().unwrap();
    let all = format!("{}{}{}{loaded:?}", table(&loaded), json_text(&loaded), summary(&loaded));
    assert!(!all.contains(TOKEN) && !all.contains(password) && !all.contains(WEBHOOK_SECRET));
    assert!(all.contains("(set)"));

    let short = Start::new().env("KEYWARD_OPERATOR__TOKEN", "hunter2").said();
    assert!(short.contains("must have 8 to 512 visible ASCII characters") && !short.contains("hunter2"));
    let alone = Start::new().env("KEYWARD_STORE__URL", "postgres://keyward:hunter2@db/keyward");
    let said = alone.said();
    assert!(said.contains("store.system_url") && !said.contains("hunter2"), "{said}");
    let both = Start::new().env("KEYWARD_STORE__URL", "postgres://keyward:hunter2@db/keyward");
    let both = both.env("KEYWARD_STORE__SYSTEM_URL", "postgres://system:hunter2@db/keyward").load().unwrap();
    let all = format!("{}{}{}{both:?}", table(&both), json_text(&both), summary(&both));
    assert!(all.contains("system") && !all.contains("hunter2"), "{all}");
    let broken = Start::new().file("keyward.toml", "[operator]\ntoken = \"hunter2\n").said();
    assert!(broken.starts_with("keyward.toml:2: not TOML: ") && !broken.contains("hunter2"), "{broken}");
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    for (name, near) in [
        ("KEYWARD_SERVER__LISTN", "KEYWARD_SERVER__LISTEN"),
        ("KEYWARD_SERVER_LISTEN", "KEYWARD_SERVER__LISTEN"),
        ("KEYWARD_PROFIL", "KEYWARD_PROFILE"),
        ("KEYWARD_OPERATOR__TOKEN_FIL", "KEYWARD_OPERATOR__TOKEN_FILE"),
        ("KEYWARD_LOG__FORMAT", "KEYWARD_LOG_FORMAT"),
    ] {
        let expected = format!(
            "environment {name}: there is no such setting; correct or unset it. Did you mean \"{near}\"?"
        );
        assert_eq!(Start::new().env(name, "x").said(), expected);
    }
    let short = Start::new().env("KEYWARD_X__Y", "x").said();
    assert_eq!(short, "environment KEYWARD_X__Y: there is no such setting; correct or unset it.");
    let far = Start::new().env("KEYWARD_ELSEWHERE__ALTOGETHER", "x").said();
    assert_eq!(
        far,
        "environment KEYWARD_ELSEWHERE__ALTOGETHER: there is no such setting; correct or unset it."
    );
    let not_secret = Start::new().env("KEYWARD_SERVER__LISTEN_FILE", "x").said();
    assert!(not_secret.contains("there is no such setting"), "{not_secret}");
}

#[test]
fn variables_of_others_are_left_alone() {
    let start = Start::new().env("KEYWARD_BIN", "x").env("KEYWARD_KILL_ROUNDS", "20");
    // What the commands that call a server read.
    let start =
        start.env("KEYWARD_SERVER_URL", "x").env("KEYWARD_API_KEY", "x").env("KEYWARD_WORKSPACE", "x");
    // What Kubernetes sets for services named keyward and keyward-server.
    let start =
        start.env("KEYWARD_PORT_8080_TCP_ADDR", "10.0.0.1").env("KEYWARD_SERVER_SERVICE_HOST", "10.0.0.1");
    start.load().unwrap();
}

#[test]
fn mistakes_in_a_file_name_its_line() {
    for (text, expected) in [
        (
            "[server]\nlisn = \"x\"",
            "keyward.toml:2: server.lisn: there is no such key. Did you mean \"listen\"?",
        ),
        ("[sever]\nlisten = \"x\"", "keyward.toml:1: sever: there is no such key. Did you mean \"server\"?"),
        ("server = 7", "keyward.toml:1: server: is of the type integer; write a table"),
        (
            "[keys]\nprefix = \"x_\"",
            "keyward.toml:1: keys: is part of a profile; put it into a file of its own",
        ),
        (
            "[server]\nlisten = 8080",
            "keyward.toml:2: server.listen: is of the type integer; write a text in quotes",
        ),
        (
            "[server]\nlisten = \"8080\"",
            "keyward.toml:2: server.listen: \"8080\" is no address with a port; write",
        ),
        ("[server]\npublic_url = \"keys.example.com\"", "is no public address; write one such as https://"),
        ("[server]\npublic_url = \"https://a.example/x\"", "is no public address"),
        (
            "[server]\ntrusted_proxies = \"10.0.0.0/8\"",
            "trusted_proxies: is of the type string; write an array",
        ),
        (
            "[server]\ntrusted_proxies = [\"ten\"]",
            "keyward.toml:2: server.trusted_proxies: \"ten\" is no network",
        ),
        ("[data_plane]\nforwarded = \"both\"", "is \"both\"; write \"x-forwarded\" or \"x-original\""),
        ("[data_plane]\nnode = \"a b\"", "\"a b\" is no node name"),
        (
            "[data_plane]\nlisten = \"127.0.0.1:8080\"",
            "data_plane.listen: is the address of server.listen too",
        ),
        ("[store]\nurl = \"mysql:x\"", "store.url: is no address of a store; write sqlite:PATH"),
        ("[store]\nurl = \"sqlite:\"", "store.url: names no file"),
        ("[mail]\nport = 25", "mail.port: does nothing without mail.host; set that too (KEYWARD_MAIL__HOST)"),
        ("[mail]\nhost = \"h:25/\"", "mail.host: \"h:25/\" is no host"),
        ("[mail]\nhost = \"h\"\nport = 0\nfrom = \"a@b.c\"", "mail.port: \"0\" is no port"),
        ("[mail]\nhost = \"h\"", "mail.from: is missing"),
        ("[mail]\nhost = \"h\"\nfrom = \"nobody\"", "mail.from: \"nobody\" is no address"),
        (
            "[mail]\nhost = \"h\"\nfrom = \"a@b.c\"\ntls = \"ssl\"",
            "mail.tls: is \"ssl\"; write \"starttls\" or",
        ),
        ("[mail]\nhost = \"h\"\nfrom = \"a@b.c\"\nusername = \"k\"", "mail.password: is missing"),
        ("[mail]\nhost = \"h\"\nfrom = \"a@b.c\"\npassword = \"k\"", "mail.username: is missing"),
        (
            "[mail]\nhost = \"h\"\nfrom = \"a@b.c\"\ntls = \"none\"\nusername = \"k\"\npassword = \"p\"",
            "mail.tls: would send the password",
        ),
        ("[notices]\nenabled = \"perhaps\"", "notices.enabled: is \"perhaps\"; write"),
        ("[notices]\nenabled = []", "notices.enabled: is of the type array"),
        ("[audit]\nsigning_key_file = \"keys/\"", "audit.signing_key_file: names no file"),
        ("[sealing]\nkey_file = \"keys/\"", "sealing.key_file: names no file"),
        ("[webhooks]\nallow_http = \"maybe\"", "webhooks.allow_http: "),
        ("[usage]\nretention_days = 0", "usage.retention_days: \"0\" will not do"),
        ("[usage]\nretention_days = 401", "usage.counts_retention_days: is less than the 401 days"),
        ("[usage]\nretention_days = -1", "usage.retention_days: \"-1\" will not do"),
        ("[usage]\nentries_max = 999", "usage.entries_max: \"999\" will not do"),
        ("[store]\nurl = \"sqlite::memory:\"", "store.url: a store in memory would forget revoked keys"),
        ("[store]\nurl = \"sqlite:x?mode=ro\"", "has options behind its path"),
        ("log = \"keyward=loud\"", "keyward.toml:1: log: \"keyward=loud\" is no filter"),
        ("log_format = \"xml\"", "log_format: is \"xml\"; write \"text\" or \"json\""),
        (
            "profile = \"cvium\"",
            "keyward.toml:1: profile: \"cvium\" is no profile of Keyward's. Did you mean \"cveium\"?",
        ),
        ("[bootstrap]\nowner_email = \"ada\"", "bootstrap.owner_email: give an e-mail address"),
        (
            "[bootstrap]\nowner_email = \"a@b.c\"",
            "does nothing without bootstrap.owner_password; set that too",
        ),
        (
            "[bootstrap]\nowner_password = \"short\"",
            "bootstrap.owner_password: a password has at least 8 characters",
        ),
        ("[bootstrap]\nworkspace_slug = \"api\"", "bootstrap.workspace_slug: \"api\" is reserved"),
    ] {
        let said = Start::new().file("keyward.toml", text).said();
        assert!(said.contains(expected), "{text}\nsaid:     {said}\nexpected: {expected}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let start =
        Start::new().file("keyward.toml", "[server]\nlisten = \"x\"\n[operator]\ntoken = \"y\"\nz = 1\n");
    let said = start.env("KEYWARD_LOG_FORMAT", "xml").env("KEYWARD_PROFILE", "none").said();
    assert_eq!(said.lines().count(), 5, "{said}");
}

#[test]
fn an_empty_variable_is_no_value_but_an_empty_list() {
    let said = Start::new().env("KEYWARD_OPERATOR__TOKEN", "").said();
    assert_eq!(
        said,
        "environment KEYWARD_OPERATOR__TOKEN: operator.token: is empty; give a value, or leave the setting out"
    );
    let loaded = Start::new().env("KEYWARD_SERVER__TRUSTED_PROXIES", "").load().unwrap();
    assert!(loaded.settings.server.trusted_proxies.is_empty());
    let two = Start::new().env("KEYWARD_SERVER__TRUSTED_PROXIES", "10.0.0.1, 10.1.0.0/16").load().unwrap();
    assert_eq!(two.settings.server.trusted_proxies.len(), 2);
}

#[test]
fn prices_come_from_a_table_or_from_the_environment_and_buy_plans_that_there_are() {
    let start = || {
        let start = Start::new().env("KEYWARD_PROFILE", "cybrium");
        start.env("KEYWARD_BILLING__STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
    };
    let prices = |prices: &str| start().env("KEYWARD_BILLING__PRICES", prices);
    let loaded = prices(" price_1 = pro, price_2=enterprise,").load().unwrap();
    assert_eq!(
        shown(&loaded, "billing.prices"),
        "billing.prices price_1=pro, price_2=enterprise environment KEYWARD_BILLING__PRICES"
    );
    let json: Value = serde_json::from_str(&json_text(&loaded)).unwrap();
    let settings = json["settings"].as_array().unwrap();
    let shown = settings.iter().find(|setting| setting["name"] == "billing.prices").unwrap();
    assert_eq!(shown["value"], serde_json::json!({"price_1": "pro", "price_2": "enterprise"}));
    assert!(start().load().unwrap().settings.billing.unwrap().prices.is_empty());

    for (wrong, problem) in [
        ("price_1", "\"price_1=\" lacks a name or a value; write name=value"),
        ("=pro", "\"=pro\" lacks a name or a value"),
        ("price_1=pro,price_1=starter", "\"price_1\" is there twice; keep one"),
        (
            "price_1=gold",
            "\"price_1\" buys \"gold\", which is no plan of the profile \"cybrium\"; there are starter, pro, enterprise",
        ),
    ] {
        let said = prices(wrong).said();
        assert!(said.starts_with("environment KEYWARD_BILLING__PRICES: billing.prices: "), "{said}");
        assert!(said.contains(problem), "{said}");
    }
    let alone = Start::new().file("keyward.toml", "[billing.prices]\nprice_1 = \"standard\"\n").said();
    assert!(alone.contains("billing.prices: does nothing without billing.stripe_webhook_secret"), "{alone}");
    let mistyped = Start::new().file("keyward.toml", "[billing.prices]\nprice_1 = 7\n").said();
    assert!(
        mistyped.starts_with("keyward.toml:2: billing.prices.price_1: is of the type integer"),
        "{mistyped}"
    );
}

#[test]
fn a_webhook_secret_may_be_followed_by_the_one_that_it_replaces() {
    let load = |text: &str| Start::new().env("KEYWARD_BILLING__STRIPE_WEBHOOK_SECRET", text);
    let other = "whsec_fedcba9876543210";
    for text in [format!("{WEBHOOK_SECRET},{other}"), format!(" {WEBHOOK_SECRET}\r\n{other}\n")] {
        let billing = load(&text).load().unwrap().settings.billing.unwrap();
        let secrets: Vec<&str> = billing.secrets.iter().map(SecretText::expose).collect();
        assert_eq!(secrets, [WEBHOOK_SECRET, other]);
    }
    for (text, problem) in [
        ("whsec_short", "must have 16 to 512 visible ASCII characters"),
        (&format!("{WEBHOOK_SECRET},whsec_0123456789äöü"), "must have 16 to 512 visible ASCII characters"),
        (",", "holds no secret"),
        (&[WEBHOOK_SECRET; 5].join(","), "holds more than 4 secrets"),
    ] {
        let said = load(text).said();
        assert!(said.contains(problem) && !said.contains("whsec_0") && !said.contains("short"), "{said}");
    }
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let said = Start::new().flags(|flags| flags.config = Some("none.toml".into())).said();
    assert!(said.starts_with("flag --config: none.toml: cannot be opened: "), "{said}");
}

#[test]
fn json_has_every_setting_with_its_origin() {
    let loaded = Start::new().env("KEYWARD_LOG", "debug").load().unwrap();
    let json: Value = serde_json::from_str(&json_text(&loaded)).unwrap();
    let settings = json["settings"].as_array().unwrap();
    assert_eq!(settings.len(), ALL.len());
    let log = settings.iter().find(|setting| setting["name"] == "log").unwrap();
    assert_eq!((&log["value"], &log["origin"]), (&Value::from("debug"), &Value::from("environment")));
    assert_eq!(log["from"], "environment KEYWARD_LOG");
}

#[test]
fn every_flag_of_the_table_is_one_of_the_command_line() {
    let command = Flags::augment_args(Command::new("keyward"));
    // This one is of `keyward gateway` alone.
    let of_gateway = ["--control-plane".to_owned()];
    let known: Vec<String> = command
        .get_arguments()
        .filter_map(|argument| argument.get_long())
        .map(|long| format!("--{long}"))
        .chain(of_gateway)
        .collect();
    let text = || Some("x".to_owned());
    let flags = Flags {
        config: None,
        profile: text(),
        listen: text(),
        data_plane_listen: text(),
        store: text(),
        control_planes: text(),
        log: text(),
    };
    for flag in ALL.iter().filter_map(|setting| setting.flag) {
        assert!(known.contains(&flag.to_owned()), "{flag}");
        assert_eq!(flags.value(flag), Some("x"), "{flag}");
    }
    assert_eq!(known.len(), 1 + ALL.iter().filter(|setting| setting.flag.is_some()).count());
}

#[test]
fn the_reference_has_every_setting() {
    let page = reference();
    for setting in ALL {
        assert!(page.contains(&format!("### `{}`", setting.name)), "{}", setting.name);
        assert!(page.contains(&format!("`{}`", setting.variable())), "{}", setting.name);
    }
    // The example of the page is a configuration that loads.
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let folder = Start::new().file("token", TOKEN).file("webhook-secret", WEBHOOK_SECRET);
    let example = example.replace("/run/secrets/keyward-operator-token", "token");
    let example = example.replace("/run/secrets/keyward-stripe-webhook-secret", "webhook-secret");
    folder.file("keyward.toml", &example).load().unwrap();
}

#[test]
fn a_feed_is_read_with_what_secures_it() {
    let (old, new) = ("a".repeat(32), "b".repeat(40));
    let files = "tls_certificate_file = \"feed.pem\"\ntls_key_file = \"feed.key\"\n";
    let text = format!("[feed]\nlisten = \"10.0.0.5:8082\"\ncredentials = \"{old} {new}\"\n{files}");
    let loaded = Start::new().file("keyward.toml", &text).load().unwrap();
    let feed = loaded.settings.feed.as_ref().unwrap();
    let credentials: Vec<&str> = feed.credentials.iter().map(SecretText::expose).collect();
    assert_eq!(credentials, [&old[..], &new[..]]);
    assert!(feed.tls.is_some() && !format!("{feed:?}").contains(&old));
    for bad in ["a, b", &"a".repeat(31), &format!("{old} {new} {old}")] {
        let text = text.replace(&format!("{old} {new}"), bad);
        assert!(Start::new().file("keyward.toml", &text).load().is_err(), "{bad}");
    }
}

#[test]
fn control_planes_are_addresses_that_nobody_on_the_way_can_read() {
    let load = |urls: &str| {
        let text = format!("[gateway]\ncontrol_planes = [{urls}]\n");
        Start::new().file("keyward.toml", &text).load()
    };
    let loaded = load(r#""https://Keys.internal:8082", "http://127.0.0.1:9", "https://[::1]""#).unwrap();
    let found: Vec<_> = loaded.settings.gateway.control_planes.iter().collect();
    let shown: Vec<_> = found.iter().map(|end| (end.host.as_str(), end.port, end.secure)).collect();
    assert_eq!(shown, [("keys.internal", 8082, true), ("127.0.0.1", 9, false), ("::1", 443, true)]);
    for bad in ["http://keys.internal", "keys.internal:8082", "https://a:b@keys.internal", "https://a/x", ""]
    {
        assert!(load(&format!("\"{bad}\"")).is_err(), "{bad}");
    }
    let nine = ["\"https://a\""; 9].join(",");
    assert!(load(&nine).is_err());
}
