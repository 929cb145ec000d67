//! Sign the end of an audit log, so that somebody can keep it elsewhere: who can write to the store could make up
//! another log, and its end, but not this.

use jiff::Timestamp;
use keyward_core::audit::AuditHome;
use keyward_storage::{AuditHead, FIRST_PREV, Tx, hex};

use crate::Service;
use crate::checkpoint_key::SIGNATURE_LEN;
use crate::ctx::Ctx;
use crate::get_key::Whose;
use crate::read_audit::open;
use crate::refusal::Refusal;

/// An end of a log, signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identifier.
    pub log: String,
    /// Where it ended.
    pub end: AuditHead,
    /// When.
    pub at: Timestamp,
    /// The signature of the service's key.
    pub signature: [u8; SIGNATURE_LEN],
}

/// Signs the present end of a log.
pub async fn checkpoint_audit(service: &Service, ctx: &Ctx, whose: Whose<'_>) -> Result<Checkpoint, Refusal> {
    let (mut tx, home) = open(service, ctx, whose).await?;
    let end = end(tx.as_mut(), home).await?;
    let log = match home {
        AuditHome::Workspace(id) => id.to_string(),
        AuditHome::Person(id) => id.to_string(),
    };
    let signature = service.checkpoint_key.sign(&text(&log, &end, ctx.now))?;
    Ok(Checkpoint { log, end, at: ctx.now, signature })
}

/// Where the log ends. What is remembered of it must be what its last entry says: no signature for less.
async fn end(tx: &mut dyn Tx, home: AuditHome) -> Result<AuditHead, Refusal> {
    let end = tx.audit_head(home).await?.unwrap_or(AuditHead { entries: 0, hash: FIRST_PREV });
    let rest = tx.audit_chain(home, end.entries.saturating_sub(1), 2).await?;
    let is_sound = match (end.entries, rest.as_slice()) {
        (0, []) => true,
        (entries, [last]) => last.number == entries && last.hash == end.hash && last.is_sound(),
        _ => false,
    };
    let broken = "the end of the log is not sound, so it is not signed; ask for audit/verify";
    is_sound.then_some(end).ok_or_else(|| Refusal::Conflict(broken.to_owned()))
}

/// What is signed. The form is documented (`docs/reference/audit-log.md`) and never changes.
fn text(log: &str, end: &AuditHead, at: Timestamp) -> String {
    format!("keyward audit checkpoint v1\n{log}\n{}\n{}\n{at}\n", end.entries, hex(&end.hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_version_1_stays() {
        let at = "2026-11-20T12:00:00.123456Z".parse().unwrap();
        let end = AuditHead { entries: 42, hash: [0xab; 32] };
        let head = "ab".repeat(32);
        assert_eq!(
            text("ws_01", &end, at),
            format!("keyward audit checkpoint v1\nws_01\n42\n{head}\n2026-11-20T12:00:00.123456Z\n")
        );
    }
}
