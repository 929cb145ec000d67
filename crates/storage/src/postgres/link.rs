//! One connection, in the hands of one transaction, and how it is asked.
//!
//! The transaction-local variables say whose rows are seen; nothing is ever set for longer than a transaction. Control
//! statements are sent without waiting for their answers: the statement behind them fails where they do, and so, at the
//! latest, does the one that stands before COMMIT.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures_util::future::{OptionFuture, join};
use futures_util::{FutureExt as _, TryStreamExt as _};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, RowStream, SimpleQueryMessage, Statement};

use super::failure::{ends_connection, failed};
use super::value::Value;
use crate::StoreError;

/// How long an answer may take. The server gives a statement of a tenant up before that; this is for one that does not
/// answer at all.
const ANSWER_MAX: Duration = Duration::from_secs(35);
/// The same of one that builds an index, checks all rows of a table or counts them: hours are for somebody who waits.
const ANSWER_OF_UPKEEP_MAX: Duration = Duration::from_hours(2);
/// Statements that a connection keeps prepared: all fixed ones, and the usual lists. What is beyond is asked without.
const PREPARED_MAX: usize = 256;

/// How what was asked ahead will turn out.
type Ahead = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// A statement with its values.
pub(super) type Question = (&'static str, Vec<Value>);

/// A connection.
pub(super) struct Link {
    client: Arc<Client>,
    /// `None`: statements are not kept prepared.
    prepared: Option<Mutex<HashMap<String, Statement>>>,
    /// The answers that the next question waits for before its own.
    ahead: Mutex<Option<Ahead>>,
    broken: Arc<AtomicBool>,
    answer_max: Duration,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("usable", &self.is_usable()).finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(client: Client, keeps_statements: bool) -> Self {
        let prepared = keeps_statements.then(Mutex::default);
        Self {
            client: Arc::new(client),
            prepared,
            ahead: Mutex::default(),
            broken: Arc::default(),
            answer_max: ANSWER_MAX,
        }
    }

    /// One for what takes as long as there is much in the database.
    pub(super) fn of_upkeep(client: Client) -> Self {
        Self { answer_max: ANSWER_OF_UPKEEP_MAX, ..Self::new(client, false) }
    }

    /// Whether it may be used for another transaction.
    pub(super) fn is_usable(&self) -> bool {
        !self.broken.load(Ordering::Relaxed) && !self.client.is_closed()
    }

    /// Sends a control statement and does not wait for its answer.
    pub(super) fn send(&self, control: &str) {
        // The first poll sends it. Where it cannot be sent, the next statement finds that out.
        let _ = self.client.batch_execute(control).now_or_never();
    }

    /// Sends how a transaction begins: a control statement, and one that sets things for it. The first question of the
    /// transaction is sent behind it without waiting, and fails where it fails.
    pub(super) async fn begin(
        &self,
        control: &str,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<(), StoreError> {
        // What is not prepared yet would be asked behind the first question.
        self.prepare(sql, &params).await?;
        self.send(control);
        self.go_ahead((sql, params)).await
    }

    /// Asks a statement that writes, and does not wait for the answer: the next question does, and fails where this one
    /// fails. It must fail where it does not write what it should: COMMIT may be sent before it is heard.
    pub(super) async fn ask_ahead(&self, (sql, params): Question) -> Result<(), StoreError> {
        #[cfg(test)]
        super::tests::watch::saw(sql, &params);
        self.prepare(sql, &params).await?;
        self.go_ahead((sql, params)).await
    }

    /// Asks what is prepared, behind what was asked ahead before.
    async fn go_ahead(&self, (sql, params): Question) -> Result<(), StoreError> {
        let statement = self.statement(sql, &params).await?;
        let (client, broken, before) =
            (Arc::clone(&self.client), Arc::clone(&self.broken), self.ahead().take());
        let answer_max = self.answer_max;
        let mut ahead: Ahead = Box::pin(async move {
            let answer = async {
                let rows = pin!(rows_of(&client, statement, sql, params).await?);
                rows.try_for_each(|_| async { Ok(()) }).await
            };
            // Of two that failed the first is heard: the other failed because of it.
            let (before, answered) =
                join(OptionFuture::from(before), within(&broken, answer_max, answer)).await;
            before.unwrap_or(Ok(())).and(answered)
        });
        // The first poll asks it.
        if let Some(answer) = poll_once(ahead.as_mut()).await {
            return answer;
        }
        *self.ahead() = Some(ahead);
        Ok(())
    }

    fn ahead(&self) -> MutexGuard<'_, Option<Ahead>> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks something behind what was asked ahead, if nobody has waited for that yet.
    async fn behind<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let (ahead, asked) = (self.ahead().take(), pin!(asked));
        let Some(ahead) = ahead else { return asked.await };
        let (ahead, answered) = join(ahead, asked).await;
        ahead.and(answered)
    }

    /// Gives the open transaction up, also one that is still about to begin.
    pub(super) fn roll_back(&self) {
        drop(self.ahead().take());
        // Whatever is asked on this connection next comes after it.
        self.send("ROLLBACK");
    }

    /// Runs control statements.
    pub(super) async fn control(&self, statements: &str) -> Result<(), StoreError> {
        self.behind(self.within(self.client.batch_execute(statements))).await
    }

    /// Runs several statements, one after the other up to the first that fails, in one question. Returns the first column
    /// of each row that any of them had before that, and how it ended.
    pub(super) async fn several(&self, statements: &str) -> (Vec<String>, Result<(), StoreError>) {
        let mut firsts = Vec::new();
        let asked = async {
            let mut answers = pin!(self.within(self.client.simple_query_raw(statements)).await?);
            while let Some(answer) = self.within(answers.try_next()).await? {
                if let SimpleQueryMessage::Row(row) = answer {
                    firsts.push(row.try_get(0).ok().flatten().unwrap_or_default().to_owned());
                }
            }
            Ok(())
        };
        let ended = self.behind(asked).await;
        (firsts, ended)
    }

    /// Asks a statement. Its rows come as they are read.
    pub(super) async fn ask(&self, sql: &str, params: Vec<Value>) -> Result<RowStream, StoreError> {
        #[cfg(test)]
        super::tests::watch::saw(sql, &params);
        let asked = async {
            let statement = self.statement(sql, &params).await?;
            self.within(rows_of(&self.client, statement, sql, params)).await
        };
        self.behind(asked).await
    }

    /// Waits for an answer, but not for ever. Whoever stops waiting leaves a connection that is still busy: it is not used
    /// again, since the next to ask on it would wait for the rest.
    pub(super) async fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, StoreError> {
        let mut unheard = Unheard(Some(&self.broken));
        let heard = within(&self.broken, self.answer_max, answer).await;
        unheard.0 = None;
        heard
    }

    /// Prepares a statement, if this connection does that and has not yet. What was asked ahead is heard first then, for
    /// it is the reason where this fails too.
    pub(super) async fn prepare(&self, sql: &str, params: &[Value]) -> Result<(), StoreError> {
        if self.is_prepared(sql) {
            return Ok(());
        }
        self.behind(self.statement(sql, params)).await.map(drop)
    }

    fn is_prepared(&self, sql: &str) -> bool {
        let known = |prepared: &Mutex<HashMap<String, Statement>>| {
            prepared.lock().unwrap_or_else(PoisonError::into_inner).contains_key(sql)
        };
        self.prepared.as_ref().is_none_or(known)
    }

    async fn statement(&self, sql: &str, params: &[Value]) -> Result<Option<Statement>, StoreError> {
        let Some(prepared) = &self.prepared else { return Ok(None) };
        let known = || prepared.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let known = known();
            if let Some(statement) = known.get(sql) {
                return Ok(Some(statement.clone()));
            }
            if known.len() >= PREPARED_MAX {
                return Ok(None);
            }
        }
        let kinds: Vec<Type> = params.iter().map(Value::kind).collect();
        let statement = self.within(self.client.prepare_typed(sql, &kinds)).await?;
        known().insert(sql.to_owned(), statement.clone());
        Ok(Some(statement))
    }
}

/// Somebody who waits for an answer.
struct Unheard<'a>(Option<&'a AtomicBool>);

impl Drop for Unheard<'_> {
    fn drop(&mut self) {
        if let Some(broken) = self.0 {
            broken.store(true, Ordering::Relaxed);
        }
    }
}

/// Waits for an answer, but not for ever.
async fn within<T>(
    broken: &AtomicBool,
    answer_max: Duration,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(answer_max, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            if ends_connection(&error) {
                broken.store(true, Ordering::Relaxed);
            }
            Err(failed(&error))
        }
        Err(_) => {
            broken.store(true, Ordering::Relaxed);
            Err(StoreError::Unavailable("the database does not answer".to_owned()))
        }
    }
}

/// Asks a statement, prepared or not.
async fn rows_of(
    client: &Client,
    prepared: Option<Statement>,
    sql: &str,
    params: Vec<Value>,
) -> Result<RowStream, Error> {
    match prepared {
        Some(statement) => client.query_raw(&statement, &params).await,
        None => client.query_typed_raw(sql, typed(params)).await,
    }
}

/// Polls a question once, which asks it. `None`: its answer is yet to come.
pub(super) async fn poll_once<T>(mut asked: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Option<T> {
    poll_fn(|context| {
        Poll::Ready(match asked.as_mut().poll(context) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        })
    })
    .await
}

/// Parameters with their types, for a statement that is not prepared.
fn typed(params: Vec<Value>) -> impl ExactSizeIterator<Item = (Value, Type)> {
    params.into_iter().map(|value| {
        let kind = value.kind();
        (value, kind)
    })
}

/// Runs several statements that are whole or not at all, also where the transaction goes on after an error.
pub(super) async fn whole<T>(
    link: &Link,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    link.send("SAVEPOINT statements");
    let done = work.await;
    link.send(if done.is_ok() { "RELEASE statements" } else { "ROLLBACK TO statements; RELEASE statements" });
    done
}
