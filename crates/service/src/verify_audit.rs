//! Check the chain of an audit log: has an entry been changed, taken out, put in, moved, or the end cut off?

use keyward_core::audit::AuditHome;
use keyward_storage::{AuditHash, AuditHead, AuditLine, FIRST_PREV, StoreError, Tx};

use crate::Service;
use crate::ctx::Ctx;
use crate::get_key::Whose;
use crate::read_audit::open;
use crate::refusal::Refusal;

/// Entries that are checked in one go: some milliseconds, in which the store serves this alone on one connection.
const PART: u32 = 1_000;

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many entries are sound, from the first on.
    pub entries: u64,
    /// The hash of the last of them.
    pub head: AuditHash,
    /// What is wrong with the entry behind them.
    pub broken: Option<&'static str>,
}

/// Checks a log from its first entry to its last. `kept`: an end that somebody remembers must be in it.
pub async fn verify_audit(
    service: &Service,
    ctx: &Ctx,
    whose: Whose<'_>,
    kept: Option<AuditHead>,
) -> Result<Verified, Refusal> {
    let mut check = Check { entries: 0, head: FIRST_PREV, kept };
    loop {
        // Opened anew for each part: nobody goes on reading who may no longer.
        let (mut tx, home) = open(service, ctx, whose).await?;
        match check.part(tx.as_mut(), home).await {
            Ok(true) => return Ok(check.end(None)),
            Ok(false) => {}
            Err(Broken(why)) => return Ok(check.end(Some(why))),
        }
    }
}

struct Check {
    entries: u64,
    head: AuditHash,
    kept: Option<AuditHead>,
}

struct Broken(&'static str);

impl Check {
    /// Checks the next entries. `true`: that was the end, and it is where it should be.
    async fn part(&mut self, tx: &mut dyn Tx, home: AuditHome) -> Result<bool, Broken> {
        let unreadable = |error: StoreError| {
            tracing::warn!(%error, "an audit entry cannot be read");
            Broken("it cannot be read")
        };
        let end = tx.audit_head(home).await.map_err(unreadable)?;
        let lines = tx.audit_chain(home, self.entries, PART).await.map_err(unreadable)?;
        for line in &lines {
            self.next(line, end.as_ref())?;
        }
        if !lines.is_empty() {
            return Ok(false);
        }
        let end = end.unwrap_or(AuditHead { entries: 0, hash: FIRST_PREV });
        if end.entries != self.entries {
            return Err(Broken("it is missing: the log had more entries"));
        }
        if end.hash != self.head {
            return Err(Broken("the end of the log is another than what was remembered of it"));
        }
        match self.kept {
            Some(kept) if kept.entries > self.entries => {
                Err(Broken("it is missing: the log that was kept had more entries"))
            }
            Some(_) | None => Ok(true),
        }
    }

    fn next(&mut self, line: &AuditLine, end: Option<&AuditHead>) -> Result<(), Broken> {
        let is_next = line.number == self.entries + 1;
        if is_next && end.is_none_or(|end| end.entries < line.number) {
            return Err(Broken("it stands behind the end of the log"));
        }
        if let Some(why) = line.breaks(self.entries, &self.head) {
            return Err(Broken(why));
        }
        if self.kept.is_some_and(|kept| kept.entries == line.number && kept.hash != line.hash) {
            return Err(Broken("it is another than the one that was kept"));
        }
        self.entries = line.number;
        self.head = line.hash;
        Ok(())
    }

    const fn end(&self, broken: Option<&'static str>) -> Verified {
        Verified { entries: self.entries, head: self.head, broken }
    }
}
