//! `keyward keys revoke` of several keys, and its dry run.

use std::time::Instant;

use keyward_wire::key::{BulkResult, BulkRevoke, Receipt, RevokeKey};
use serde_json::{Value, json};

use super::receipt;
use super::revoke::Revoke;
use crate::cli::answer::exit_of;
use crate::cli::bar::Bar;
use crate::cli::confirm::SHOWN_MAX;
use crate::cli::connection::Api;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::names::KeyId;
use crate::cli::place::Place;
use crate::cli::table::{Fit, Paint, Table};
use crate::cli::{clock, confirm, json, terminal, text};

/// As many as the server takes at once.
const CHUNK: usize = 1_000;

pub(super) fn run(revoke: &Revoke, api: &Api, place: &Place, ids: &[KeyId]) -> Result<(), Failure> {
    let asker = Asker { api, place, reason: revoke.reason.as_deref() };
    if revoke.dry_run {
        return preview(revoke, &asker, ids);
    }
    if !revoke.yes {
        ask(&asker, ids)?;
    }
    let began = Instant::now();
    let (results, broken) = asker.send("Revoked", ids, false);
    if let (true, Some(failure)) = (results.0.is_empty(), &broken) {
        return Err(failure.clone());
    }
    if revoke.json {
        results.print(false)?;
    } else {
        terminal::data(&ended(&results.read(api)?).render(terminal::width(), terminal::stdout_has_colour()))?;
    }
    let read = results.read(api)?;
    let revoked: Vec<&BulkResult> = read.iter().filter(|result| result.status == "revoked").collect();
    let are = if revoked.len() == 1 { "is" } else { "are" };
    let (done, all) = (text::thousands(revoked.len() as u64), text::keys(ids.len() as u64));
    terminal::say(format!("{done} of {all} {are} revoked in {place}."));
    if let Some(failure) = broken {
        return Err(failure
            .advise("Those above are done. Run it again for the others: doing it twice changes nothing."));
    }
    if let Some(last) = revoked.last() {
        let receipt = asker.receipt(&last.id)?;
        let refused = if revoked.len() == 1 { "it is refused" } else { "they are refused" };
        receipt::say_applied(&receipt, began.elapsed(), refused);
    }
    fail_if_any(&read)
}

fn preview(revoke: &Revoke, asker: &Asker<'_>, ids: &[KeyId]) -> Result<(), Failure> {
    let (results, broken) = asker.send("Looked at", ids, true);
    if let Some(failure) = broken {
        return Err(failure);
    }
    let read = results.read(asker.api)?;
    if revoke.json {
        results.print(true)?;
    } else {
        terminal::data(&found(&read, read.len()).render(terminal::width(), terminal::stdout_has_colour()))?;
    }
    let would = read.iter().filter(|result| result.status == "would_revoke").count();
    let (would, all) = (text::thousands(would as u64), text::keys(ids.len() as u64));
    terminal::say(format!("A dry run: nothing was changed. {would} of {all} would be revoked."));
    fail_if_any(&read)
}

/// Shows which keys they are, and wants a "yes".
fn ask(asker: &Asker<'_>, ids: &[KeyId]) -> Result<(), Failure> {
    let (results, broken) = asker.send("Looked at", ids, true);
    if let Some(failure) = broken {
        return Err(failure);
    }
    let mut read = results.read(asker.api)?;
    if !read.iter().any(|result| result.status == "would_revoke") {
        // Nothing can be lost.
        return Ok(());
    }
    // Those that it is about come first.
    read.sort_by_key(|result| result.status != "would_revoke");
    let table = found(&read, SHOWN_MAX);
    terminal::complain(&table.render(terminal::stderr_width(), terminal::stderr_has_colour()));
    if let Some(more @ 1..) = read.len().checked_sub(SHOWN_MAX) {
        terminal::say(format!("… and {more} more; --dry-run shows all of them."));
    }
    terminal::say("Whoever uses them is refused from now on. This cannot be undone.");
    if confirm::is_yes(&format!("Type yes to revoke these {}:", text::keys(ids.len() as u64)), None) {
        return Ok(());
    }
    Err(Failure::failed("no key was revoked"))
}

/// Whoever asks the server to revoke several keys.
struct Asker<'a> {
    api: &'a Api,
    place: &'a Place,
    reason: Option<&'a str>,
}

/// The server's results, as it wrote them.
struct Results(Vec<Value>);

impl Asker<'_> {
    /// Asks in parts. If one of them fails, the results of those before it count all the same.
    fn send(&self, what: &'static str, ids: &[KeyId], dry_run: bool) -> (Results, Option<Failure>) {
        let mut results = Results(Vec::with_capacity(ids.len()));
        let mut bar = (ids.len() > CHUNK).then(|| Bar::of_keys(what, ids.len() as u64, 0));
        for chunk in ids.chunks(CHUNK) {
            match self.send_chunk(chunk, dry_run) {
                Ok(mut more) => results.0.append(&mut more),
                Err(failure) => return (results, Some(failure)),
            }
            if let Some(bar) = &mut bar {
                bar.show(results.0.len() as u64);
            }
        }
        (results, None)
    }

    fn send_chunk(&self, ids: &[KeyId], dry_run: bool) -> Result<Vec<Value>, Failure> {
        let ids = ids.iter().map(KeyId::to_string).collect();
        let request = BulkRevoke { ids, reason: self.reason.map(str::to_owned), dry_run };
        let reply = self.api.post(format!("{}/bulk-revoke", self.place.keys_path()), &request)?;
        let mut answer = reply.json(self.api.server())?;
        match answer.get_mut("results").map(Value::take) {
            Some(Value::Array(results)) => Ok(results),
            _ => Err(Failure::new(Exit::Unavailable, "the server answered without results")),
        }
    }

    /// What the nodes have made of all revocations up to now. Revoking a key again changes nothing, and its receipt
    /// names the latest change.
    fn receipt(&self, id: &str) -> Result<Receipt, Failure> {
        let path = format!("{}/{id}/revoke?wait=propagated", self.place.keys_path());
        self.api.post(path, &RevokeKey::default())?.read(self.api.server())
    }
}

impl Results {
    fn read(&self, api: &Api) -> Result<Vec<BulkResult>, Failure> {
        serde_json::from_value(Value::Array(self.0.clone())).map_err(|_| {
            Failure::new(Exit::Unavailable, format!("{} answered, but not as Keyward does", api.server()))
        })
    }

    /// As one answer.
    fn print(&self, dry_run: bool) -> Result<(), Failure> {
        let mut answer = json!({"results": self.0});
        if dry_run && let Some(members) = answer.as_object_mut() {
            members.insert("dry_run".to_owned(), Value::Bool(true));
        }
        json::print(&answer)
    }
}

/// What became of each.
fn ended(results: &[BulkResult]) -> Table {
    let mut table = Table::new(&[("ID", Fit::Whole), ("RESULT", Fit::Whole), ("WHY NOT", Fit::Shrinks(12))]);
    for result in results {
        let paint = if result.status == "revoked" { Paint::Red } else { Paint::Yellow };
        table.row([
            (result.id.clone(), Paint::Plain),
            (result.status.clone(), paint),
            (why_not(result).to_owned(), Paint::Plain),
        ]);
    }
    table
}

/// What each is: the first `count` of them.
fn found(results: &[BulkResult], count: usize) -> Table {
    let now = clock::now();
    let mut table = Table::new(&[
        ("NAME", Fit::Shrinks(12)),
        ("RESULT", Fit::Whole),
        ("ID", Fit::Whole),
        ("LAST USED", Fit::Goes(1)),
        ("FROM", Fit::Goes(3)),
        ("OWNER", Fit::Goes(2)),
    ]);
    for result in results.iter().take(count) {
        let (said, paint) = match result.status.as_str() {
            "would_revoke" => ("would be revoked", Paint::Red),
            "revoked" => ("revoked already", Paint::Plain),
            _ => (why_not(result), Paint::Yellow),
        };
        let is_key = result.name.is_some();
        let used = result.last_used_at.flatten().map(|at| text::from_now(at, now));
        let owner = result.owner.as_ref().and_then(Option::as_ref).map(|owner| owner.name.clone());
        let or = |value: Option<String>, none: &str| {
            value.unwrap_or_else(|| if is_key { none.to_owned() } else { String::new() })
        };
        table.row([
            (result.name.clone().unwrap_or_default(), Paint::Plain),
            (said.to_owned(), paint),
            (result.id.clone(), Paint::Plain),
            (or(used, "never"), Paint::Plain),
            (result.last_used_ip.clone().flatten().unwrap_or_default(), Paint::Plain),
            (or(owner, "nobody"), Paint::Plain),
        ]);
    }
    table
}

fn why_not(result: &BulkResult) -> &str {
    result.problem.as_ref().map_or("", |problem| problem.detail.as_str())
}

/// Ends as the first that failed would alone.
fn fail_if_any(results: &[BulkResult]) -> Result<(), Failure> {
    let mut problems = results.iter().filter_map(|result| result.problem.as_ref());
    let Some(first) = problems.next() else { return Ok(()) };
    let status = http::StatusCode::from_u16(first.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let count = 1 + problems.count();
    let (count, all) = (text::thousands(count as u64), text::keys(results.len() as u64));
    let what = format!("{count} of {all} cannot be revoked; the list says why");
    Err(Failure::new(exit_of(status), what))
}
