//! The command line: one file a command.
//!
//! Data goes to stdout and words to stderr; secrets are read from files, stdin or a prompt and are never
//! arguments; [`exit::Exit`] says how a command ends.
//!
//! Deliberately absent: knowledge of the store. The commands of clients know a server by its HTTP API alone.

mod account;
mod answer;
mod audit;
mod backup;
mod bar;
mod clock;
mod completions;
pub(crate) mod confirm;
mod connection;
mod credentials;
mod duration;
mod editing;
mod exit;
mod failure;
mod grant;
mod http_client;
mod interrupt;
mod invitations;
mod invite;
mod json;
mod keys;
mod login;
mod logout;
mod man;
mod members;
mod migrate;
mod names;
mod nodes;
mod operator;
mod out_file;
mod pages;
mod place;
mod plan;
mod quickstart;
pub(crate) mod record;
mod reference;
mod restore;
mod roles;
mod rule;
mod secret_input;
mod server_side;
mod server_url;
mod service_accounts;
mod store;
mod table;
pub(crate) mod terminal;
pub(crate) mod text;
mod usage;
mod users;
mod vaults;
mod verify;
mod webhooks;
mod whoami;
mod workspaces;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};

pub(crate) use backup::Backup;
pub(crate) use bar::{Bar, Count};
pub(crate) use exit::Exit;
pub(crate) use failure::Failure;
pub(crate) use migrate::Migrate;
pub(crate) use out_file::OutFile;
pub(crate) use quickstart::Quickstart;
pub(crate) use restore::Restore;
pub(crate) use store::{Confirm, Copy, MarkRestored};

const EXAMPLES: &str = "\
Start here:
  keyward quickstart      a store, an owner, a workspace and a first key, on this machine
  keyward login           sign in to a server that runs already
  keyward keys --help     create, import, list, show, edit, rotate and revoke keys

`keyward help COMMAND` explains a command. `keyward --help` lists exit codes and the environment.";

/// What the ids begin with that people write on command lines, and how many letters follow. A secret is longer.
const ID_PREFIXES: [&str; 10] = ["key", "usr", "ws", "sa", "rol", "vlt", "sec", "inv", "ses", "req"];
const ID_BODY_LEN: usize = 26;

const ENVIRONMENT: &str = "\
Environment of the commands that ask a server:
  KEYWARD_SERVER_URL      the server (the control plane)
  KEYWARD_API_KEY         act as this API key, not as who is signed in
  KEYWARD_WORKSPACE       the workspace, by its slug
  KEYWARD_DATA_PLANE_URL  the data plane that `verify` asks
  KEYWARD_KEY             the key that `verify` asks about
  KEYWARD_OPERATOR__TOKEN the operator's token, for `plan` and `users`; or KEYWARD_OPERATOR__TOKEN_FILE
  XDG_CONFIG_HOME         sessions are in keyward/credentials.json there, or below ~/.config
  NO_COLOR                no colours, if it is set
  SSL_CERT_FILE           the certificates to trust, in place of the system's
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY   as usual; never used for this machine itself

The server's own settings are KEYWARD_SECTION__NAME: see `keyward config show`.";

/// Issue, check and revoke API keys for multi-tenant products
#[derive(Debug, Parser)]
#[command(name = "keyward", version, max_term_width = 100, after_help = EXAMPLES, after_long_help = long_help())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn long_help() -> String {
    format!("{EXAMPLES}\n\nExit codes:\n{}\n{ENVIRONMENT}", Exit::table())
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    #[command(flatten)]
    Server(server_side::ServerSide),
    Login(login::Login),
    Logout(logout::Logout),
    Whoami(whoami::Whoami),
    #[command(subcommand, after_help = account::EXAMPLES)]
    Account(account::Account),
    #[command(subcommand, after_help = keys::EXAMPLES)]
    Keys(keys::Keys),
    #[command(subcommand, after_help = service_accounts::EXAMPLES)]
    ServiceAccounts(service_accounts::ServiceAccounts),
    #[command(subcommand, after_help = vaults::EXAMPLES)]
    Vaults(vaults::Vaults),
    #[command(subcommand, after_help = webhooks::EXAMPLES)]
    Webhooks(webhooks::Webhooks),
    #[command(subcommand, after_help = members::EXAMPLES)]
    Members(members::Members),
    Invite(invite::Invite),
    #[command(subcommand, after_help = invitations::EXAMPLES)]
    Invitations(invitations::Invitations),
    #[command(subcommand, after_help = roles::EXAMPLES)]
    Roles(roles::Roles),
    #[command(subcommand, after_help = nodes::EXAMPLES)]
    Nodes(nodes::Nodes),
    #[command(subcommand, after_help = workspaces::EXAMPLES)]
    Workspaces(workspaces::Workspaces),
    #[command(subcommand, after_help = audit::EXAMPLES)]
    Audit(audit::Audit),
    Usage(usage::Usage),
    #[command(subcommand, after_help = plan::EXAMPLES)]
    Plan(plan::PlanCommand),
    #[command(subcommand, after_help = users::EXAMPLES)]
    Users(users::Users),
    Verify(verify::Verify),
    Completions(completions::Completions),
    Man(man::Man),
    #[command(subcommand, hide = true)]
    Reference(reference::Reference),
}

/// The whole command line, for its own documentation.
fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command that the arguments name.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return explain(&error),
    };
    match run(cli.command) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal::report(&failure);
            failure.exit().into()
        }
    }
}

/// Says what is wrong with the command line. What looks like a secret is left out: somebody put it where it
/// does not belong, and a log would keep it.
fn explain(error: &clap::Error) -> ExitCode {
    let rendered = error.render();
    let secrets: Vec<String> = std::env::args().skip(1).filter(|argument| looks_secret(argument)).collect();
    if secrets.is_empty() {
        // Nobody can be told that the terminal is gone.
        let _ = error.print();
    } else {
        let text =
            secrets.iter().fold(rendered.to_string(), |text, secret| text.replace(secret, "(withheld)"));
        terminal::complain(&text);
        terminal::say("A secret is never an argument: other users of this machine can see those. Rotate it.");
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// A prefix, an underscore and a long body of letters and digits: the form of keys, ours and others'.
fn looks_secret(argument: &str) -> bool {
    let value = argument.rsplit_once('=').map_or(argument, |(_, value)| value);
    let (prefix, body) = value.rsplit_once('_').unwrap_or_default();
    let is_id = ID_PREFIXES.contains(&prefix) && body.len() == ID_BODY_LEN;
    !is_id
        && body.len() >= 24
        && body.bytes().all(|b| b.is_ascii_alphanumeric())
        && body.bytes().any(|b| b.is_ascii_digit())
}

fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Server(command) => server_side::run(command),
        Command::Login(login) => login::run(&login).map(done),
        Command::Logout(logout) => logout::run(&logout).map(done),
        Command::Account(account) => account::run(&account).map(done),
        Command::Whoami(whoami) => whoami::run(&whoami).map(done),
        Command::Keys(keys) => keys::run(&keys).map(done),
        Command::ServiceAccounts(accounts) => service_accounts::run(&accounts).map(done),
        Command::Vaults(vaults) => vaults::run(&vaults).map(done),
        Command::Webhooks(webhooks) => webhooks::run(&webhooks).map(done),
        Command::Members(members) => members::run(&members).map(done),
        Command::Invitations(invitations) => invitations::run(&invitations).map(done),
        Command::Invite(invite) => invite::run(&invite).map(done),
        Command::Roles(roles) => roles::run(&roles).map(done),
        Command::Nodes(nodes) => nodes::run(&nodes).map(done),
        Command::Workspaces(workspaces) => workspaces::run(&workspaces).map(done),
        Command::Audit(audit) => audit::run(&audit),
        Command::Usage(usage) => usage::run(&usage).map(done),
        Command::Plan(plan) => plan::run(&plan).map(done),
        Command::Users(users) => users::run(&users).map(done),
        Command::Verify(verify) => verify::run(&verify),
        Command::Completions(completions) => completions::run(&completions).map(done),
        Command::Man(man) => man::run(&man).map(done),
        Command::Reference(reference) => reference::run(&reference).map(done),
    }
}

fn done((): ()) -> Exit {
    Exit::Done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> clap::error::ErrorKind {
        Cli::try_parse_from(line.split(' ')).map(|_| ()).unwrap_err().kind()
    }

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn what_excludes_each_other_is_refused() {
        use clap::error::ErrorKind::{
            ArgumentConflict, InvalidValue, MissingRequiredArgument, UnknownArgument, ValueValidation,
        };
        for (line, kind) in [
            ("keyward keys create ci --workspace acme --personal", ArgumentConflict),
            ("keyward keys create ci --restrict-to acme", MissingRequiredArgument),
            ("keyward keys create ci --force", MissingRequiredArgument),
            ("keyward keys create ci --expires soon", ValueValidation),
            ("keyward keys create", MissingRequiredArgument),
            ("keyward keys import", MissingRequiredArgument),
            ("keyward keys import keys.csv --personal", UnknownArgument),
            ("keyward keys import keys.csv --dry-run --resume", ArgumentConflict),
            ("keyward keys import keys.csv --chunk 0", ValueValidation),
            ("keyward keys import keys.csv --chunk 10001", ValueValidation),
            ("keyward keys import keys.csv --format xml", InvalidValue),
            ("keyward keys list --all --limit 3", ArgumentConflict),
            ("keyward keys list --status gone", InvalidValue),
            ("keyward keys show ci", ValueValidation),
            ("keyward plan set --workspace acme", MissingRequiredArgument),
            ("keyward plan set pro --operator-token x", UnknownArgument),
            ("keyward login --password-stdin --password-file x", ArgumentConflict),
            ("keyward keys edit", MissingRequiredArgument),
            ("keyward keys edit key_1 --personal --owner usr_1", ArgumentConflict),
            ("keyward keys edit key_1 --rule x=", ValueValidation),
            ("keyward keys rotate key_1 --overlap never", ValueValidation),
            ("keyward keys rotate", MissingRequiredArgument),
            ("keyward keys revoke", MissingRequiredArgument),
            ("keyward keys revoke key_1 --stdin", ArgumentConflict),
            ("keyward keys list --sort age", InvalidValue),
            ("keyward keys stale --reason old", InvalidValue),
            ("keyward keys stale --days 0 --reason unused", ValueValidation),
            ("keyward keys stale --limit 3", MissingRequiredArgument),
            ("keyward usage", MissingRequiredArgument),
            ("keyward usage ci", ValueValidation),
            ("keyward usage key_1 --follow --to 1d", ArgumentConflict),
            ("keyward usage key_1 --summary --code valid", ArgumentConflict),
            ("keyward usage key_1 --bucket day", MissingRequiredArgument),
            ("keyward usage key_1 --summary --bucket week", InvalidValue),
            ("keyward usage key_1 --ip here", ValueValidation),
            ("keyward usage key_1 --workspace acme --personal", ArgumentConflict),
            ("keyward keys list --owner Ada", ValueValidation),
            ("keyward vaults store Production", MissingRequiredArgument),
            ("keyward vaults store a b --secret-stdin --secret-file x", ArgumentConflict),
            ("keyward vaults reveal a b --force", MissingRequiredArgument),
            ("keyward keys create ci --personal --vault Production", ArgumentConflict),
            ("keyward members set-role Ada admin", ValueValidation),
            ("keyward members suspend Ada", ValueValidation),
            ("keyward roles show", MissingRequiredArgument),
            ("keyward roles edit deployer --scope a --add-scope b", ArgumentConflict),
            ("keyward roles create x --rule a=", ValueValidation),
            ("keyward roles delete cvk_54e27cd25f57fcf7e6af8098d5444d6f9bbb7bc401e549d1", ValueValidation),
            ("keyward service-accounts list --shared --of-keys", ArgumentConflict),
            ("keyward service-accounts list --all --limit 3", ArgumentConflict),
            ("keyward service-accounts edit bot --disabled", UnknownArgument),
            ("keyward keys create ci --personal --service-account bot", ArgumentConflict),
            ("keyward users suspend ada@example.com", ValueValidation),
            ("keyward users show usr_1 --api-key-file x", UnknownArgument),
            ("keyward invite ada@example.com", MissingRequiredArgument),
            ("keyward account end-session", MissingRequiredArgument),
            ("keyward account end-session ses_1 --others", ArgumentConflict),
            ("keyward invitations withdraw ada@example.com", ValueValidation),
            ("keyward audit list --personal --workspace acme", ArgumentConflict),
            ("keyward audit list --actor Ada", ValueValidation),
            ("keyward audit list --since soon", ValueValidation),
            (
                "keyward audit list --target cvk_54e27cd25f57fcf7e6af8098d5444d6f9bbb7bc401e549d1",
                ValueValidation,
            ),
            ("keyward audit export --format xml", InvalidValue),
            ("keyward audit export --force", MissingRequiredArgument),
            ("keyward audit verify --entries 3", MissingRequiredArgument),
            ("keyward audit verify --entries 0 --head x", ValueValidation),
            ("keyward audit verify --head 9f3a --entries 3", ValueValidation),
            ("keyward audit verify --file x --workspace acme", ArgumentConflict),
            ("keyward login --password x", UnknownArgument),
            ("keyward verify kw_secret", UnknownArgument),
            ("keyward verify --key-stdin --key-file x", ArgumentConflict),
            ("keyward verify --ip here", ValueValidation),
            ("keyward whoami --server keys.example.com", ValueValidation),
        ] {
            assert_eq!(refused(line), kind, "{line}");
        }
    }

    #[test]
    fn what_has_the_form_of_a_key_looks_secret() {
        assert!(looks_secret("kw_Rtdixs5gyy2LibsBhpacrISbctwXe0cOZKkif962E5d1J6DC3"));
        assert!(looks_secret("--key=cvk_54e27cd25f57fcf7e6af8098d5444d6f9bbb7bc401e549d1"));
        for plain in [
            "ci-pipeline-prod",
            "key_01m7xxp7g9",
            "key_01jd8xq2m0e6vt5r3n7k9c4wzb",
            "--owner=usr_01m7xz9xykfem91v2stqjqkq6s",
            "--scope=products:read",
            "a_long_name_without_any_end",
        ] {
            assert!(!looks_secret(plain), "{plain}");
        }
    }

    #[test]
    fn every_command_and_argument_is_explained() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} has no words", command.get_name());
            for argument in command.get_arguments() {
                let id = argument.get_id();
                assert!(argument.get_help().is_some(), "{} {id} has no words", command.get_name());
            }
            command.get_subcommands().filter(|command| !command.is_hide_set()).for_each(check);
        }
        let mut keyward = command();
        keyward.build();
        check(&keyward);
    }
}
