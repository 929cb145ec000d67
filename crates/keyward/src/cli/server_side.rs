//! The commands of whoever runs a server. Their work is done elsewhere; here they are found and started.

use std::future::Future;

use keyward_core::person::Email;

use super::backup::Backup;
use super::exit::Exit;
use super::failure::Failure;
use super::migrate::Migrate;
use super::quickstart::Quickstart;
use super::restore::Restore;
use super::{store, terminal};
use crate::config::{self, Flags};
use crate::upkeep;

const SERVE_EXAMPLES: &str = "\
Examples:
  keyward serve
  keyward serve --profile cveium --store sqlite:/var/lib/keyward/keyward.sqlite
  KEYWARD_SERVER__LISTEN=0.0.0.0:8080 KEYWARD_LOG=warn keyward serve

The first start without any user prints a link that sets up the first one. To do without it, set
KEYWARD_BOOTSTRAP__OWNER_EMAIL, KEYWARD_BOOTSTRAP__OWNER_PASSWORD_FILE and
KEYWARD_BOOTSTRAP__WORKSPACE_NAME.
SIGTERM or Ctrl-C lets what is under way finish, and stops.";

const GATEWAY_EXAMPLES: &str = "\
Examples:
  KEYWARD_GATEWAY__CREDENTIAL_FILE=/run/secrets/feed keyward gateway --control-plane https://keys.internal:8082
  keyward gateway --control-plane https://a.internal:8082 --control-plane https://b.internal:8082

It needs the profile that the control plane has, and no store. /readyz says whether it may decide.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  keyward doctor
  keyward doctor --config /etc/keyward/keyward.toml";

const CONFIG_EXAMPLES: &str = "\
Examples:
  keyward config check --config keyward.toml
  KEYWARD_PROFILE=./my.toml keyward config show";

const MAIL_EXAMPLES: &str = "\
Examples:
  keyward mail test --to ada@example.com
  keyward mail test --to ada@example.com --config /etc/keyward/keyward.toml";

/// The commands of whoever runs a server.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ServerSide {
    Quickstart(Quickstart),
    /// Run the server: the control plane and the data plane
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Flags),
    /// Run a gateway node: a data plane of its own, which follows a control plane elsewhere
    ///
    /// It holds the keys in memory and decides without asking anyone. When it has not heard from a control plane for
    /// four seconds, it accepts nothing any more.
    #[command(after_help = GATEWAY_EXAMPLES)]
    Gateway(GatewayFlags),
    /// Look for what would keep the server from working, and say what would help
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(Flags),
    Migrate(Migrate),
    Backup(Backup),
    Restore(Restore),
    #[command(subcommand, after_help = store::EXAMPLES)]
    Store(store::Store),
    /// Check and show the server's configuration
    #[command(subcommand, after_help = CONFIG_EXAMPLES)]
    Config(Config),
    /// Send mail as the server would
    #[command(subcommand, after_help = MAIL_EXAMPLES)]
    Mail(Mail),
    #[command(hide = true, about = "Print the OpenAPI document")]
    Openapi {
        /// The data plane's, not the control plane's
        #[arg(long)]
        data_plane: bool,
    },
}

/// `keyward gateway`
#[derive(Debug, clap::Args)]
pub(super) struct GatewayFlags {
    /// A control plane to follow: the address of its feed. Repeat it for more of the same store
    #[arg(long = "control-plane", value_name = "URL")]
    control_planes: Vec<String>,
    #[command(flatten)]
    flags: Flags,
}

impl GatewayFlags {
    fn all(self) -> Flags {
        let control_planes = Some(self.control_planes.join(",")).filter(|text| !text.is_empty());
        Flags { control_planes, ..self.flags }
    }
}

/// `keyward config …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum Config {
    /// Say whether the configuration and the profile are in order, and every mistake if not
    #[command(after_help = CONFIG_EXAMPLES)]
    Check(Flags),
    /// Show every setting, its value and where that came from; secrets are left out
    #[command(after_help = CONFIG_EXAMPLES)]
    Show {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        flags: Flags,
    },
}

/// `keyward mail …`
#[derive(Debug, clap::Subcommand)]
pub(super) enum Mail {
    /// Send a mail with the settings of [mail], and say what the mail server said
    #[command(after_help = MAIL_EXAMPLES)]
    Test {
        /// Whom to write to
        #[arg(long, value_name = "ADDRESS", value_parser = parse_email)]
        to: Email,
        #[command(flatten)]
        flags: Flags,
    },
}

fn parse_email(text: &str) -> Result<Email, String> {
    Email::parse("to", text).map_err(|error| error.message)
}

pub(super) fn run(command: ServerSide) -> Result<Exit, Failure> {
    match command {
        ServerSide::Quickstart(quickstart) => wait_for(crate::quickstart::run(quickstart))?,
        ServerSide::Serve(flags) => wait_for(crate::serve::run(config::load(&flags)?))?,
        ServerSide::Gateway(flags) => wait_for(crate::gateway::run(config::load(&flags.all())?))?,
        ServerSide::Doctor(flags) => wait_for(crate::doctor::run(config::load(&flags)?))?,
        ServerSide::Migrate(migrate) => return wait_for(upkeep::migrate::run(&migrate)),
        ServerSide::Backup(backup) => return wait_for(upkeep::backup::run(&backup)),
        ServerSide::Restore(restore) => return wait_for(upkeep::restore::run(&restore)),
        ServerSide::Store(store::Store::Confirm(confirm)) => wait_for(upkeep::confirm::run(&confirm))?,
        ServerSide::Store(store::Store::Copy(copy)) => return wait_for(upkeep::copy::run(&copy)),
        ServerSide::Store(store::Store::MarkRestored(mark)) => wait_for(upkeep::mark_restored::run(&mark))?,
        ServerSide::Config(Config::Check(flags)) => terminal::data(&config::check(&flags)?)?,
        ServerSide::Config(Config::Show { json, flags }) => terminal::data(&config::show(&flags, json)?)?,
        ServerSide::Mail(Mail::Test { to, flags }) => {
            wait_for(crate::test_mail::run(config::load(&flags)?, to))?;
        }
        ServerSide::Openapi { data_plane } => crate::openapi::print(data_plane)?,
    }
    Ok(Exit::Done)
}

/// Runs to its end what serves many at once.
fn wait_for<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|error| Failure::no_threads(&error))?.block_on(work)
}
