//! Sending keys, chunk by chunk.

use std::fmt::Write as _;
use std::time::Duration;

use http::StatusCode;
use keyward_wire::key::ImportedKeys;
use keyward_wire::problem::Problem;
use serde_json::json;

use super::Import;
use super::chunk::{Chunk, Chunks};
use super::progress::{Progress, new_attempt};
use super::source::Source;
use crate::cli::bar::Bar;
use crate::cli::connection::Api;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::http_client::Reply;
use crate::cli::names::Slug;
use crate::cli::text::plain_json;
use crate::cli::{terminal, text};

/// How long to wait before a chunk is sent again that got no answer: a minute in all. A server that restarts is back by
/// then, and one of several has given up the claims of another that died.
const PAUSES: [Duration; 6] = {
    let s = Duration::from_secs;
    [s(1), s(2), s(4), s(8), s(16), s(32)]
};

/// What was sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) imported: u64,
    /// Keys of a chunk whose answer had been lost: it had been imported.
    pub(super) were_there: u64,
}

/// What became of a chunk.
enum Outcome {
    Imported(ImportedKeys),
    WasThere,
}

/// Why it is not known of a chunk that it was imported.
struct Trouble {
    failure: Failure,
    /// The server said no. Otherwise there was no answer.
    is_refused: bool,
    /// An attempt before this one had no answer either, and may have arrived.
    in_doubt: bool,
    /// The server knows the request, and has no answer to it: it is still at work on it, or was killed before it had kept one.
    is_unanswered: bool,
}

/// Sends all keys that are not done yet.
pub(super) fn all(
    import: &Import,
    source: &Source,
    api: &Api,
    slug: &Slug,
    mut progress: Progress,
    total: u64,
) -> Result<Sent, Failure> {
    let mut chunks = Chunks::new(source)?;
    chunks.skip(progress.done(), progress.sha256())?;
    let mut bar = Bar::of_keys("Imported", total, progress.done());
    let mut sent = Sent::default();
    let mut in_doubt = progress.in_doubt();
    while let Some(chunk) = chunks.next(in_doubt.unwrap_or(import.chunk))? {
        progress.sending(chunk.keys())?;
        let post = Post { api, slug, chunk: &chunk, key: progress.idempotency_key(&chunk), bar: &bar };
        match post.send(in_doubt.take().is_some()) {
            Ok(Outcome::Imported(answer)) => {
                sent.imported += chunk.keys();
                if import.json {
                    print_keys(&chunk, &answer)?;
                }
            }
            Ok(Outcome::WasThere) => sent.were_there += chunk.keys(),
            Err(trouble) => return Err(give_up(trouble, &mut progress, &chunk)),
        }
        progress.is_done(chunk.keys(), chunks.sha256());
        bar.show(progress.done());
    }
    progress.end()?;
    Ok(sent)
}

/// Says how far it came and how to go on.
fn give_up(trouble: Trouble, progress: &mut Progress, chunk: &Chunk) -> Failure {
    let Trouble { mut failure, is_refused, in_doubt, .. } = trouble;
    let line = chunk.lines.first().copied().unwrap_or_default();
    if progress.done() > 0 {
        let keys = text::keys(progress.done());
        failure = failure.advise(format!("Imported so far: {keys}, before line {line}."));
    } else if is_refused && !in_doubt {
        failure = failure.advise("No key was imported.");
    }
    if in_doubt {
        let keys = text::keys(chunk.keys());
        failure = failure.advise(format!("Whether {keys} from line {line} on arrived is not known."));
    }
    if is_refused && let Err(why) = progress.is_refused(in_doubt) {
        return failure.advise(why.to_string());
    }
    match progress.can_resume() {
        Some(true) if is_refused => failure.advise("Mend this, then go on: the same command with --resume."),
        Some(true) => failure.advise("Go on with the same command and --resume."),
        Some(false) => failure,
        None => failure.advise(format!("Import the rest, from line {line} on.")),
    }
}

/// A chunk on its way.
struct Post<'a> {
    api: &'a Api,
    slug: &'a Slug,
    chunk: &'a Chunk,
    /// By what the server knows the request again.
    key: String,
    bar: &'a Bar,
}

impl Post<'_> {
    /// Sends it, and again while there is no answer. `in_doubt`: it may have been imported before.
    fn send(&self, mut in_doubt: bool) -> Result<Outcome, Trouble> {
        let mut pauses = PAUSES.iter();
        loop {
            match (self.send_once(&self.key, in_doubt), pauses.next()) {
                (Err(Trouble { is_refused: false, failure, .. }), Some(pause)) => {
                    in_doubt = true;
                    let (why, seconds) = (failure.to_string(), pause.as_secs());
                    let why = why.lines().next().unwrap_or_default();
                    self.bar.say(format!("{why}; trying again in {seconds} s"));
                    std::thread::sleep(*pause);
                }
                (Err(Trouble { is_unanswered: true, .. }), None) => {
                    // As another request. That is safe: the server imports all of these keys or none, and each once.
                    self.bar.say("its answer is lost; asking whether the keys are there");
                    let untold =
                        |failure| Trouble { failure, is_refused: false, in_doubt, is_unanswered: false };
                    return self.send_once(&new_attempt().map_err(untold)?, in_doubt);
                }
                (ended, _) => return ended,
            }
        }
    }

    fn send_once(&self, key: &str, in_doubt: bool) -> Result<Outcome, Trouble> {
        let path = format!("/api/v1/{}/keys/import", self.slug);
        let trouble = |failure: Failure, is_refused, is_unanswered| Trouble {
            failure: failure.reword(|text| with_lines(text, &self.chunk.lines)),
            is_refused,
            in_doubt: in_doubt || !is_refused,
            is_unanswered,
        };
        let reply = self.api.post_written(&path, &self.chunk.body, key);
        let reply = reply.map_err(|failure| trouble(failure, false, false))?;
        if in_doubt && says_all_are_there(&reply) {
            return Ok(Outcome::WasThere);
        }
        // A first request of which nobody heard may still be at work.
        let is_busy = in_doubt && reply.status == StatusCode::CONFLICT;
        let judged = self.api.judge(reply).and_then(|reply| reply.read(self.api.server()));
        judged.map(Outcome::Imported).map_err(|failure| {
            let is_refused = !is_busy && failure.exit() != Exit::Unavailable;
            trouble(failure, is_refused, is_busy)
        })
    }
}

/// Whether a refusal says that every key of the request is in the workspace already. A chunk is imported whole, so
/// one that was on its way has arrived.
fn says_all_are_there(reply: &Reply) -> bool {
    let problem = serde_json::from_slice::<Problem>(&reply.body).ok();
    let problem = problem.filter(|_| reply.status == StatusCode::UNPROCESSABLE_ENTITY);
    problem.is_some_and(|problem| {
        problem.errors.iter().any(|error| error.field == "keys" && error.code == "duplicate")
    })
}

/// `keys[17].name` as `line 18, name`: people know the lines of their file.
fn with_lines(text: &str, lines: &[u64]) -> String {
    let mut parts = text.split("keys[");
    let mut worded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let found = part.split_once(']').and_then(|(index, rest)| {
            let line = lines.get(index.parse::<usize>().ok()?)?;
            Some((line, rest))
        });
        // Writing to a String cannot fail.
        let _ = match found {
            Some((line, rest)) => match rest.strip_prefix('.') {
                Some(field) => write!(worded, "line {line}, {field}"),
                None => write!(worded, "line {line}{rest}"),
            },
            None => write!(worded, "keys[{part}"),
        };
    }
    worded
}

fn print_keys(chunk: &Chunk, answer: &ImportedKeys) -> Result<(), Failure> {
    let mut text = String::new();
    for (line, key) in chunk.lines.iter().zip(&answer.keys) {
        text.push_str(&plain_json(&json!({"line": line, "id": key.id, "name": key.name}).to_string()));
        text.push('\n');
    }
    terminal::data(&text)
}

#[cfg(test)]
mod tests {
    use super::with_lines;

    #[test]
    fn the_servers_places_are_told_as_lines() {
        let lines = [2, 3, 7];
        for (said, worded) in [
            ("keys[2].scopes[0]", "line 7, scopes[0]"),
            (
                "this secret is there twice; keys[0] has it too",
                "this secret is there twice; line 2 has it too",
            ),
            ("keys[1]: you cannot grant keys[0].x", "line 3: you cannot grant line 2, x"),
            ("keys", "keys"),
            ("keys[9].name", "keys[9].name"),
            ("keys[x] keys[", "keys[x] keys["),
        ] {
            assert_eq!(with_lines(said, &lines), worded);
        }
    }
}
