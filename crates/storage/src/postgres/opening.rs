//! How a transaction begins: whose rows it sees, how long it may take, and whose turn it waits for.
//!
//! All of it is set for the transaction alone, so that a connection carries nothing from one to the next, also where a
//! pool stands between.

use super::link::Link;
use super::row::run;
use super::value::{Value, params};
use crate::{StoreError, SystemReason, Tenant};

/// How long a statement may take: of a tenant as long as somebody waits for an answer; of the system as long as a
/// snapshot of millions of keys is read.
const STATEMENT_MAX: &str = "30s";
const SYSTEM_STATEMENT_MAX: &str = "10min";

/// Whose rows a transaction sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// Everybody's.
    System,
    /// One tenant's.
    Tenant(Tenant),
}

/// How a transaction begins.
#[derive(Debug)]
pub(super) struct Opening {
    /// Empty: each statement is a transaction of its own.
    control: &'static str,
    view: View,
    /// Whether it has begun before anything else is done: a snapshot is of that moment. Else its first question goes
    /// along, and is the first to hear of what went wrong.
    is_waited_for: bool,
    /// Whether its statements are about single rows: one plan does for all values, and is made once.
    is_of_rows: bool,
    /// Whose turn it waits for, in this order.
    turns: Vec<String>,
}

impl Opening {
    /// A snapshot to read from.
    pub(super) const fn to_read(view: View) -> Self {
        Self {
            control: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            view,
            is_waited_for: true,
            is_of_rows: false,
            turns: Vec::new(),
        }
    }

    /// A transaction that may write. Those of one workspace, and those of one person, take turns: rules such as "one
    /// owner stays" and "no more keys than the plan allows" are read before they are relied on.
    pub(super) fn to_write(tenant: Tenant) -> Self {
        let workspace = tenant.workspace.map(|id| id.to_string());
        let person = tenant.person.map(|id| id.to_string());
        let turns = workspace.into_iter().chain(person).collect();
        Self { control: BEGIN, view: View::Tenant(tenant), is_waited_for: false, is_of_rows: true, turns }
    }

    /// A transaction of the system that may write. Seldom ones take turns, for the same reason.
    pub(super) fn of_system(reason: SystemReason) -> Self {
        let turn = match reason {
            SystemReason::Found | SystemReason::Operate | SystemReason::Bill | SystemReason::Maintain => {
                Some("system")
            }
            SystemReason::Notify => Some("notices"),
            SystemReason::Authenticate
            | SystemReason::Feed
            | SystemReason::RecordUse
            | SystemReason::TakeUses
            | SystemReason::Nodes
            | SystemReason::Repeat
            | SystemReason::Deliver => None,
        };
        let turns = turn.map(ToOwned::to_owned).into_iter().collect();
        Self { control: BEGIN, view: View::System, is_waited_for: false, is_of_rows: false, turns }
    }

    /// A transaction of the system that waits for nobody.
    pub(super) const fn of_store() -> Self {
        Self {
            control: BEGIN,
            view: View::System,
            is_waited_for: false,
            is_of_rows: false,
            turns: Vec::new(),
        }
    }

    /// No transaction around a statement that is one by itself.
    pub(super) const fn of_statement() -> Self {
        Self { control: "", view: View::System, is_waited_for: false, is_of_rows: false, turns: Vec::new() }
    }

    /// Whose turn it waits for.
    pub(super) fn turns(&self) -> &[String] {
        &self.turns
    }

    pub(super) async fn begin(&self, link: &Link) -> Result<(), StoreError> {
        if self.control.is_empty() {
            return Ok(());
        }
        let (workspace, person, statement_max) = match self.view {
            View::System => (None, None, SYSTEM_STATEMENT_MAX),
            View::Tenant(tenant) => (
                tenant.workspace.map(|id| id.to_string()),
                tenant.person.map(|id| id.to_string()),
                STATEMENT_MAX,
            ),
        };
        let (workspace, person) = (workspace.unwrap_or_default(), person.unwrap_or_default());
        let plans = if self.is_of_rows { "force_generic_plan" } else { "auto" };
        let mut params = params![workspace, person, statement_max, plans];
        params.extend(self.turns.iter().map(|turn| Value::from(turn.as_str())));
        let sql = match self.turns.len() {
            0 => concat!("SELECT ", set!()),
            1 => concat!("SELECT ", set!(), ", ", take_turn!("$5")),
            _ => concat!("SELECT ", set!(), ", ", take_turn!("$5"), ", ", take_turn!("$6")),
        };
        if self.is_waited_for {
            link.send(self.control);
            run(link, sql, params).await.map(drop)
        } else {
            link.begin(self.control, sql, params).await
        }
    }
}

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// The waits are as long as those for the writer on SQLite. A transaction whose server has stopped answering must not
/// keep others from their turn for ever. What is acknowledged is on the disk, whatever the database's default is.
/// Compiling a statement takes longer than any of ours runs. All of them have an index, which is to be followed also where the
/// planner has last seen a small table; the snapshot alone reads tables from end to end.
macro_rules! set {
    () => {
        "set_config('keyward.workspace', $1, true), set_config('keyward.person', $2, true),
         set_config('search_path', 'keyward, pg_temp', true), set_config('jit', 'off', true), set_config('enable_seqscan', 'off', true),
         set_config('statement_timeout', $3, true), set_config('plan_cache_mode', $4, true), set_config('lock_timeout', '5s', true),
         set_config('idle_in_transaction_session_timeout', '60s', true),
         set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
             ELSE current_setting('synchronous_commit') END, true)"
    };
}
use set;

/// One after the other as they stand there, behind the setting of how long they are waited for.
macro_rules! take_turn {
    ($turn:literal) => {
        concat!("pg_advisory_xact_lock(hashtextextended('keyward turn of ' || ", $turn, ", 0))")
    };
}
use take_turn;
