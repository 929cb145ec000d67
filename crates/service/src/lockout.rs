//! Who gave too many wrong passwords waits: for an account, whether it exists or not, and from an address, whichever
//! accounts it tries. Counted before a password is compared, so that many at once are not let through together.
//!
//! The counts are in memory, of this process alone. After a restart everybody has their first few tries again: nobody who
//! guesses can make a server restart, and a handful more guesses is all that one would be worth. Writing each wrong
//! password of a stranger into the store would cost more than it saves.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use keyward_core::lockout::{Patience, Tries};
use sha2::{Digest as _, Sha256};

use crate::entropy;
use crate::refusal::Refusal;

/// Accounts, and as many addresses, that are remembered: some five megabytes each. Of more, the one that was quiet for
/// longest is forgotten.
const REMEMBERED_MAX: usize = 65_536;
/// The wait of an account after its free tries.
const ACCOUNT_WAIT: SignedDuration = SignedDuration::from_secs(30);
/// An account's tries are forgiven as slowly as its longest wait passes.
const ACCOUNT_FORGIVES_IN: SignedDuration = SignedDuration::from_mins(15);
/// The wait of an address: shorter, since many people may be behind one.
const ADDRESS_WAIT: SignedDuration = SignedDuration::from_secs(1);
/// An address is forgiven sooner, for the same reason.
const ADDRESS_FORGIVES_IN: SignedDuration = SignedDuration::from_mins(1);
/// Bytes that an account or address is known by.
const NAME_LEN: usize = 16;

/// How many wrong passwords cost nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeTries {
    /// Of one account.
    pub account: u32,
    /// From one address.
    pub address: u32,
}

impl Default for FreeTries {
    fn default() -> Self {
        Self { account: 10, address: 30 }
    }
}

/// Remembers wrong passwords.
pub struct Lockout {
    /// So that nobody can choose names that fall together, and memory holds no addresses of people.
    key: [u8; 32],
    accounts: Table,
    addresses: Table,
}

impl std::fmt::Debug for Lockout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lockout").finish_non_exhaustive()
    }
}

struct Table {
    patience: Patience,
    tries: Mutex<HashMap<[u8; NAME_LEN], Tries>>,
}

impl Table {
    fn new(free: u32, first_wait: SignedDuration, forgives_in: SignedDuration) -> Self {
        Self { patience: Patience { free, first_wait, forgives_in }, tries: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; NAME_LEN], Tries>> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a try as wrong. `Err`: how long to wait before another one; then it is not counted.
    fn count(&self, name: [u8; NAME_LEN], now: Timestamp) -> Result<Counted, SignedDuration> {
        let mut all = self.lock();
        let before = all.get(&name).copied();
        if let Some(wait) = before.and_then(|tries| self.patience.wait(tries, now)) {
            return Err(wait);
        }
        let after = self.patience.failed(before, now);
        if all.len() >= REMEMBERED_MAX && before.is_none() {
            self.make_room(&mut all, now);
        }
        all.insert(name, after);
        Ok(Counted { name, before, after })
    }

    fn make_room(&self, all: &mut HashMap<[u8; NAME_LEN], Tries>, now: Timestamp) {
        all.retain(|_, tries| !self.patience.forgets(*tries, now));
        if all.len() >= REMEMBERED_MAX
            && let Some(quiet) = all.iter().min_by_key(|(_, tries)| tries.last()).map(|(name, _)| *name)
        {
            all.remove(&quiet);
        }
    }

    /// As if it had not been counted: where no other came meanwhile, the wait goes on from where it was.
    fn take_back(&self, counted: &Counted) {
        let mut all = self.lock();
        let less = match all.get(&counted.name).copied() {
            Some(present) if present == counted.after => counted.before,
            present => present.and_then(Patience::taken_back),
        };
        match less {
            Some(less) => drop(all.insert(counted.name, less)),
            None => drop(all.remove(&counted.name)),
        }
    }
}

/// A try that was counted.
#[derive(Debug)]
struct Counted {
    name: [u8; NAME_LEN],
    before: Option<Tries>,
    after: Tries,
}

/// A password that is being compared. Counted as wrong until it is known.
#[derive(Debug)]
#[must_use]
pub(crate) struct Try<'a> {
    lockout: &'a Lockout,
    account: Counted,
    address: Option<Counted>,
    is_known: bool,
}

impl Lockout {
    /// Nobody has given a wrong password yet.
    pub fn new(free: FreeTries) -> Result<Self, Refusal> {
        Ok(Self {
            key: entropy::bytes()?,
            accounts: Table::new(free.account, ACCOUNT_WAIT, ACCOUNT_FORGIVES_IN),
            addresses: Table::new(free.address, ADDRESS_WAIT, ADDRESS_FORGIVES_IN),
        })
    }

    /// Lets somebody try a password for an account, or says how long they wait.
    pub(crate) fn attempt(
        &self,
        email: &str,
        ip: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<Try<'_>, Refusal> {
        let account = self.name("account", email.trim().to_lowercase().as_bytes());
        let address = ip.map(|ip| self.addresses.count(self.name("address", &network(ip)), now)).transpose();
        match (self.accounts.count(account, now), address) {
            (Ok(account), Ok(address)) => Ok(Try { lockout: self, account, address, is_known: false }),
            (Ok(account), Err(wait)) => {
                self.accounts.take_back(&account);
                Err(locked_out(wait))
            }
            (Err(wait), address) => {
                if let Ok(Some(address)) = &address {
                    self.addresses.take_back(address);
                }
                Err(locked_out(address.map_or_else(|of_address| of_address.max(wait), |_| wait)))
            }
        }
    }

    fn name(&self, kind: &str, text: &[u8]) -> [u8; NAME_LEN] {
        let digest = Sha256::new_with_prefix(self.key).chain_update(kind).chain_update(text).finalize();
        digest.first_chunk::<NAME_LEN>().copied().unwrap_or_default()
    }
}

impl Try<'_> {
    /// The password is right: the account begins anew. Of the address only this try is taken back, since whoever guesses
    /// may have an account of their own.
    pub(crate) fn found_right(mut self) {
        self.is_known = true;
        self.lockout.accounts.lock().remove(&self.account.name);
        self.take_back_address();
    }

    /// The password is wrong.
    pub(crate) fn found_wrong(mut self) {
        self.is_known = true;
    }

    fn take_back_address(&self) {
        if let Some(address) = &self.address {
            self.lockout.addresses.take_back(address);
        }
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        // Nobody learnt whether it was right: the store did not answer, say.
        if !self.is_known {
            self.lockout.accounts.take_back(&self.account);
            self.take_back_address();
        }
    }
}

/// Of IPv6 the network that one line has: whoever has one address there has them all.
fn network(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().into_iter().take(8).collect(),
    }
}

fn locked_out(wait: SignedDuration) -> Refusal {
    let seconds = u64::try_from(wait.as_secs()).unwrap_or(0).saturating_add(1);
    let message = format!("there were too many wrong passwords; wait {seconds} seconds before you try again");
    Refusal::TooMany { message, retry_after_seconds: seconds }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: FreeTries = FreeTries { account: 3, address: 5 };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn wrong(lockout: &Lockout, email: &str, from: &str, second: i64) -> bool {
        lockout.attempt(email, Some(ip(from)), at(second)).map(Try::found_wrong).is_ok()
    }

    #[test]
    fn an_account_waits_wherever_it_is_tried_from_and_however_it_is_written() {
        let lockout = Lockout::new(FREE).unwrap();
        for from in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
            assert!(wrong(&lockout, "ada@example.com", from, 0));
        }
        assert!(!wrong(&lockout, " Ada@Example.com", "192.0.2.4", 29));
        assert!(wrong(&lockout, "bob@example.com", "192.0.2.4", 29));
        assert!(wrong(&lockout, "ada@example.com", "192.0.2.4", 30));
        assert!(!wrong(&lockout, "ada@example.com", "192.0.2.4", 89), "the next wait is twice as long");
        lockout.attempt("ada@example.com", Some(ip("192.0.2.5")), at(90)).unwrap().found_right();
        assert!(wrong(&lockout, "ada@example.com", "192.0.2.5", 91), "it begins anew");
    }

    #[test]
    fn an_address_waits_whichever_accounts_it_tries_and_an_own_one_does_not_help() {
        let lockout = Lockout::new(FREE).unwrap();
        for number in 0..5 {
            assert!(wrong(&lockout, &format!("{number}@example.com"), "2001:db8:1:2::1", 0));
        }
        assert!(!wrong(&lockout, "x@example.com", "2001:db8:1:2:ffff::9", 0), "all of the network");
        assert!(wrong(&lockout, "x@example.com", "2001:db8:1:3::1", 0));
        lockout.attempt("own@example.com", Some(ip("2001:db8:1:2::1")), at(1)).unwrap().found_right();
        assert!(wrong(&lockout, "y@example.com", "2001:db8:1:2::1", 1));
        assert!(!wrong(&lockout, "y@example.com", "2001:db8:1:2::1", 2), "that was the sixth");
    }

    #[test]
    fn those_under_way_count_and_those_that_nobody_could_compare_do_not() {
        let lockout = Lockout::new(FREE).unwrap();
        let attempt = || lockout.attempt("ada@example.com", Some(ip("192.0.2.1")), at(0));
        let under_way = [attempt().unwrap(), attempt().unwrap(), attempt().unwrap()];
        assert!(attempt().is_err());
        drop(under_way);
        assert!(attempt().is_ok());
        assert!(lockout.accounts.lock().is_empty() && lockout.addresses.lock().is_empty());
    }

    #[test]
    fn a_right_password_leaves_the_wait_of_its_address_as_it_was() {
        let lockout = Lockout::new(FREE).unwrap();
        for number in 0..5 {
            assert!(wrong(&lockout, &format!("{number}@example.com"), "192.0.2.1", 0));
        }
        for second in 1..4 {
            lockout.attempt("own@example.com", Some(ip("192.0.2.1")), at(second)).unwrap().found_right();
        }
        assert!(wrong(&lockout, "x@example.com", "192.0.2.1", 4));
    }

    #[test]
    fn of_too_many_the_one_that_was_quiet_for_longest_is_forgotten() {
        let table = Table::new(3, ACCOUNT_WAIT, ACCOUNT_FORGIVES_IN);
        let name = |number: usize| {
            let mut name = [0; NAME_LEN];
            name[..8].copy_from_slice(&number.to_be_bytes());
            name
        };
        for number in 0..=REMEMBERED_MAX {
            table.count(name(number), at(i64::from(number > 0))).unwrap();
        }
        assert_eq!(table.lock().len(), REMEMBERED_MAX);
        assert!(!table.lock().contains_key(&name(0)) && table.lock().contains_key(&name(1)));
    }
}
