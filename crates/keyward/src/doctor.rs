//! `keyward doctor`: looks for what would keep a server from working, and says what would help.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use keyward_service::feed::{self, Told};
use keyward_storage::sqlite::{Schema, look_at_schema};

use crate::cli::{Failure, terminal};
use crate::config::mail::Mail;
use crate::config::operator::TOKEN_LEN_ADVISED;
use crate::config::secret::SecretText;
use crate::config::store::{Store, StoreUrl};
use crate::config::{Loaded, Settings};
use crate::post::SmtpPost;
use crate::serve::{audit_key, limits, sealing_key};
use crate::upkeep::open_store;

/// The bits of a file's mode that let others in.
const OF_OTHERS: u32 = 0o077;

/// One thing that was looked at.
struct Finding {
    what: String,
    trouble: Option<(String, String)>,
}

impl Finding {
    fn good(what: impl Into<String>) -> Self {
        Self { what: what.into(), trouble: None }
    }

    fn bad(what: impl Into<String>, why: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { what: what.into(), trouble: Some((why.into(), advice.into())) }
    }
}

/// Looks at everything, tells all of it, and fails if anything was wrong.
pub(crate) async fn run(loaded: Loaded) -> Result<(), Failure> {
    let settings = &loaded.settings;
    let mut findings = vec![Finding::good(format!("configuration and profile \"{}\"", loaded.profile.name))];
    findings.extend(look_at_store(&settings.store).await);
    findings.extend(look_at_audit_key(&audit_key::path(settings)));
    findings.extend(look_at_sealing_key(&sealing_key::path(settings)));
    findings.push(look_at_address("control plane", settings.server.listen));
    findings.push(look_at_address("data plane", settings.data_plane.listen));
    findings.push(look_at_exposure(settings));
    findings.push(look_at_open_files(limits::attainable()));
    findings.extend(settings.operator.token.as_ref().map(look_at_token));
    if let Some(mail) = &settings.mail {
        findings.push(look_at_mail(mail).await);
    }
    for finding in &findings {
        tell(finding)?;
    }
    let troubles = findings.iter().filter(|finding| finding.trouble.is_some()).count();
    match troubles {
        0 => Ok(()),
        1 => Err(Failure::failed("one thing needs attention")),
        many => Err(Failure::failed(format!("{many} things need attention"))),
    }
}

fn tell(finding: &Finding) -> Result<(), Failure> {
    match &finding.trouble {
        None => terminal::data(&format!("ok    {}\n", finding.what)),
        Some((why, advice)) => terminal::data(&format!("FAIL  {}: {why}\n      {advice}\n", finding.what)),
    }
}

async fn look_at_store(settings: &Store) -> Vec<Finding> {
    let what = format!("store {}", settings.url);
    let StoreUrl::Sqlite(path) = &settings.url else { return look_into(settings, &what).await };
    let what = what.replace("sqlite:", "");
    if !path.exists() {
        return vec![look_at_folder(path, what)];
    }
    let mut findings = vec![look_at_mode("the store", path)];
    match look_at_schema(path) {
        Ok(schema) if schema.is_current() => findings.extend(look_into(settings, &what).await),
        // Nothing is changed by looking.
        Ok(Schema { version, known }) => findings.push(Finding::bad(
            what,
            format!("it has schema version {version}, this program works with {known}"),
            "Back it up, then run `keyward migrate`; a start of the server does the same.",
        )),
        Err(error) => findings.push(Finding::bad(what, "it cannot be used", error.to_string())),
    }
    findings
}

fn look_at_folder(path: &Path, what: String) -> Finding {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() && !found.permissions().readonly() => {
            Finding::good(format!("{what}: not there yet; the first start makes it"))
        }
        Ok(_) => Finding::bad(
            what,
            format!("{} is no writable folder", folder.display()),
            "Choose another with store.url.",
        ),
        Err(_) => {
            Finding::bad(what, format!("the folder {} is not there", folder.display()), "Make it first.")
        }
    }
}

/// What checkpoints are signed with. Where there is none yet, the first start makes it.
fn look_at_audit_key(path: &Path) -> Option<Finding> {
    let what = format!("the audit log's signing key {}", path.display());
    path.exists().then(|| match audit_key::load(path) {
        Ok(_) => look_at_mode(&what, path),
        Err(failure) => Finding::bad(what, "it cannot be used", failure.to_string()),
    })
}

/// What secrets in the store are sealed with. Where there is none yet, the first start makes it.
fn look_at_sealing_key(path: &Path) -> Option<Finding> {
    let what = format!("the sealing key {}", path.display());
    path.exists().then(|| match sealing_key::load(path) {
        Ok(_) => look_at_mode(&what, path),
        Err(failure) => Finding::bad(what, "it cannot be used", failure.to_string()),
    })
}

fn look_at_mode(what: &str, path: &Path) -> Finding {
    let what = format!("{what} is readable by its owner alone");
    match fs::metadata(path).map(|found| found.permissions().mode() & 0o777) {
        Ok(mode) if mode & OF_OTHERS == 0 => Finding::good(what),
        Ok(mode) => {
            let advice = format!("Run: chmod 600 {}", path.display());
            Finding::bad(what, format!("its mode is {mode:o}"), advice)
        }
        Err(error) => Finding::bad(what, error.to_string(), "Run as the user that the file belongs to."),
    }
}

async fn look_into(settings: &Store, what: &str) -> Vec<Finding> {
    let store = match open_store(settings).await {
        Ok(store) => store,
        Err(failure) => return vec![Finding::bad(what, "it cannot be opened", failure.to_string())],
    };
    let mut states = 0_u64;
    let told = match feed::snapshot(store.as_ref(), &mut |_| states += 1).await {
        Ok(told) => told,
        Err(error) => {
            return vec![Finding::bad(what, error.to_string(), "Restore it from a backup, and report this.")];
        }
    };
    let readable =
        format!("{what}: readable, epoch {}, {states} keys, people, places and workspaces", told.up_to.epoch);
    vec![Finding::good(readable), look_at_life(&told)]
}

/// A store that was put back waits for somebody to look at what came back.
fn look_at_life(told: &Told) -> Finding {
    let what = format!("incarnation {}", told.up_to.incarnation);
    if told.is_confirmed {
        return Finding::good(format!("{what}: confirmed"));
    }
    let why = "the store was put back from a backup, and everything is denied until it is confirmed";
    Finding::bad(what, why, "Run: keyward store confirm")
}

fn look_at_address(plane: &str, address: std::net::SocketAddr) -> Finding {
    let what = format!("{plane} address {address}");
    match TcpListener::bind(address) {
        Ok(_) => Finding::good(format!("{what}: free")),
        Err(error) => Finding::bad(
            what,
            error.to_string(),
            "A server that runs already explains this; else choose another.",
        ),
    }
}

/// A control plane that is reached from elsewhere needs TLS in front, or nobody can sign in.
fn look_at_exposure(settings: &Settings) -> Finding {
    let what = "signing in";
    let listen = settings.server.listen;
    let has_tls = settings.server.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    if has_tls || listen.ip().is_loopback() {
        return Finding::good(what);
    }
    Finding::bad(
        what,
        format!("{listen} is reached from elsewhere, and server.public_url is no https address"),
        "Put a TLS proxy in front and set server.public_url: browsers keep the session's cookie over HTTPS only.",
    )
}

/// The server raises what it may open to what is allowed.
fn look_at_open_files(allowed: usize) -> Finding {
    let what = format!("open files: {allowed}");
    if allowed >= limits::ADVISED_MIN {
        return Finding::good(what);
    }
    let room = limits::Room::of(allowed);
    let why = format!(
        "that leaves {} connections for the control plane and {} for the data plane",
        room.control_plane, room.data_plane
    );
    let advice = format!("Allow {} or more: LimitNOFILE= in a unit of systemd.", limits::WANTED);
    Finding::bad(what, why, advice)
}

/// Whether the mail server lets us in. Nothing is sent.
async fn look_at_mail(mail: &Mail) -> Finding {
    let what = format!("mail server {}:{}", mail.host, mail.port);
    let knocked = match SmtpPost::new(mail) {
        Ok(post) => post.knock().await,
        Err(why) => Err(why),
    };
    match knocked {
        Ok(()) => Finding::good(what),
        Err(why) => {
            Finding::bad(what, why, "Check the settings of [mail]; `keyward mail test` sends a mail.")
        }
    }
}

fn look_at_token(token: &SecretText) -> Finding {
    let what = "operator token";
    if token.expose().len() >= TOKEN_LEN_ADVISED {
        return Finding::good(what);
    }
    let advice = "Make one with: openssl rand -hex 32";
    Finding::bad(what, format!("it has fewer than {TOKEN_LEN_ADVISED} characters and can be guessed"), advice)
}
