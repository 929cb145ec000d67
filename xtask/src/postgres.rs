//! The API's suite once more, with every server's store in PostgreSQL.

use std::env;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::tally::Tally;
use crate::tree::Tree;
use crate::{run, say};

/// Tests of what a store in a file alone has, by the beginning or a part of their names, and why they say nothing of a
/// database. They run on SQLite, in the step of all tests.
const OF_A_FILE: [(&str, &str); 8] = [
    ("upkeep::", "back up, put back, copy and migrate a file; a database has its own programs for that"),
    ("audit_scale::", "writes a million entries into the file, past the server"),
    (
        "a_dry_run_writes_nothing_at_all",
        "watches the file's write-ahead log; the operation is the same on both",
    ),
    ("the_store_is_readable_by_its_owner_alone", "the mode of a file"),
    ("usage_under_load", "locks the file against its only writer"),
    (
        "a_server_that_is_killed_or_stopped_while_a_mail_is_on_its_way",
        "the only server of a file knows at once that nobody else has the mail; of several, another has it after three minutes",
    ),
    ("killed_at_any_moment_it_tells_of_every_key", "the same"),
    ("a_second_server_on_the_same_store_is_refused", "several servers may share a database"),
];

/// Tests that look at what no store can change, or that start databases of their own whichever is asked for.
const OF_NO_STORE: [(&str, &str); 4] = [
    ("console::", "pages; they call what the API calls"),
    ("gateways::", "programs in front of the data plane, which holds its keys in memory"),
    ("nodes::", "several servers: they share a database in every run"),
    ("kill::", "both engines in every run"),
];

/// Runs it, and says aloud what is left out.
pub(crate) fn suite(tree: &Tree, tally: &mut Tally) -> Result<(), Failure> {
    for (name, why) in OF_A_FILE.into_iter().chain(OF_NO_STORE) {
        say::line(format!("not on PostgreSQL: {name} ({why})"));
    }
    // Of the whole workspace, as in the step before: another choice of features would build all of it anew.
    let mut command =
        tree.cargo(&["test", "--locked", "--workspace", "--test", "it", "--no-fail-fast", "--"]);
    for (name, _) in OF_A_FILE.into_iter().chain(OF_NO_STORE) {
        command.args(["--skip", name]);
    }
    command.env("KEYWARD_TEST_STORE", "postgres");
    let before = tally.passed;
    run::run_seeing(&mut command, |line| tally.see(line))?;
    // A run that finds no test ends well, and must not count as one.
    if tally.passed == before { Err(Failure::said("no test ran")) } else { Ok(()) }
}

/// Whether a program of PostgreSQL 15 or later is there: on the path, or where Debian puts them.
pub(crate) fn has_program(name: &str) -> bool {
    let debian = (15..30).map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    let path = env::var_os("PATH").unwrap_or_default();
    debian.chain(env::split_paths(&path)).any(|folder| folder.join(name).is_file())
}
