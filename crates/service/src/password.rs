//! Passwords: Argon2id, off the async threads, a bounded number at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use keyward_core::person::Password;
use tokio::sync::Semaphore;

use crate::entropy;
use crate::refusal::Refusal;

/// OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Two at a time use 38 MiB and two cores; more would only wait for each other.
const AT_ONCE_MAX: usize = 2;
/// How long a sign-in waits for its turn before it is told to come back.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Hashes and compares passwords.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// What an unknown address is compared with, so that it takes as long as a known one.
    nobody: Arc<str>,
}

impl Passwords {
    /// Draws the hash that unknown addresses are compared with.
    pub fn new() -> Result<Self, Refusal> {
        let salt: [u8; 16] = entropy::bytes()?;
        let drawn: [u8; 32] = entropy::bytes()?;
        let nobody = hash_now(&drawn, &salt)?;
        Ok(Self { turns: Arc::new(Semaphore::new(AT_ONCE_MAX)), nobody: nobody.into() })
    }

    /// The PHC string of a password.
    pub async fn hash(&self, password: Password) -> Result<String, Refusal> {
        let salt: [u8; 16] = entropy::bytes()?;
        self.in_turn(move || hash_now(password.expose(), &salt)).await?
    }

    /// Whether a password is the one behind `hash`. `None` (nobody has the address) is never right, and takes
    /// as long.
    pub async fn matches(&self, password: Password, hash: Option<String>) -> Result<bool, Refusal> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let equal = self.in_turn(move || matches_now(password.expose(), &hash)).await??;
        Ok(known && equal)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        const BUSY: Refusal = Refusal::Busy("too many people are signing in; try again in some seconds");
        let turn = tokio::time::timeout(WAIT_MAX, self.turns.clone().acquire_owned());
        let turn = turn.await.map_err(|_| BUSY)?.map_err(|_| BUSY)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(|error| Refusal::Internal(format!("hashing a password: {error}")))
    }
}

fn argon2() -> Result<Argon2<'static>, Refusal> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| Refusal::Internal(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &[u8], salt: &[u8]) -> Result<String, Refusal> {
    let hash = argon2()?
        .hash_password_with_salt(password, salt)
        .map_err(|error| Refusal::Internal(format!("hashing a password: {error}")))?;
    Ok(hash.to_string())
}

fn matches_now(password: &[u8], hash: &str) -> Result<bool, Refusal> {
    let hash = PasswordHash::new(hash)
        .map_err(|_| Refusal::Internal("a stored password hash cannot be read".to_owned()))?;
    Ok(argon2()?.verify_password(password, &hash).is_ok())
}
