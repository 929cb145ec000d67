//! Names for the service accounts of new keys. Keys of one name get accounts that are numbered.

use std::collections::{HashMap, HashSet};

use keyward_core::id::ServiceAccountId;
use keyward_core::key::ServiceAccount;
use keyward_core::person::DisplayName;
use keyward_storage::Tx;

use crate::ctx::Ctx;
use crate::refusal::Refusal;

/// The highest number of a name. A million keys of one name are a mistake in the name.
const NUMBER_MAX: u32 = 1_000_000;

/// Names of which it is asked at once whether they are taken: some 100 bytes each.
const ASKED_AT_ONCE: usize = 1_000;

/// Names that one operation gives away. It remembers them: they may not be in the store yet.
#[derive(Debug, Default)]
pub(crate) struct AccountNames {
    given: HashSet<Box<str>>,
    /// By the name without a number: the number given last.
    numbers: HashMap<String, u32>,
    /// By the name without a number: how many keys are still to get one. Their names are asked for together.
    to_come: HashMap<String, u32>,
    /// Whether names are taken, as far as that was asked.
    asked: HashMap<String, bool>,
}

impl AccountNames {
    /// For keys that are to come, of these names.
    pub(crate) async fn for_keys<'a>(
        tx: &mut dyn Tx,
        keys: impl Iterator<Item = &'a DisplayName>,
    ) -> Result<Self, Refusal> {
        let mut names = Self::default();
        let mut first = Vec::new();
        for key in keys {
            let to_come = names.to_come.entry(ServiceAccount::name_for(key, 1)).or_default();
            *to_come += 1;
            first.push(ServiceAccount::name_for(key, *to_come));
        }
        names.ask(tx, &first).await?;
        Ok(names)
    }

    /// A service account for a key of that name.
    pub(crate) async fn account(
        &mut self,
        ctx: &Ctx,
        tx: &mut dyn Tx,
        key: &DisplayName,
    ) -> Result<ServiceAccount, Refusal> {
        let plain = ServiceAccount::name_for(key, 1);
        let after = self.numbers.get(&plain).copied().unwrap_or(0);
        self.ask_for_next(tx, key, &plain, after).await?;
        let number = self.first_free(tx, key, after).await?;
        self.numbers.insert(plain, number);
        let name: Box<str> = ServiceAccount::name_for(key, number).into();
        self.given.insert(name.clone());
        let (ms, random) = ctx.id_parts()?;
        Ok(ServiceAccount::of_key(ServiceAccountId::new(ms, random), name))
    }

    /// Asks for the numbers that this key and those to come will have, unless the next one was asked for.
    async fn ask_for_next(
        &mut self,
        tx: &mut dyn Tx,
        key: &DisplayName,
        plain: &str,
        after: u32,
    ) -> Result<(), Refusal> {
        let to_come = self.to_come.get_mut(plain).map_or(1, |to_come| {
            let now = (*to_come).max(1);
            *to_come = to_come.saturating_sub(1);
            now
        });
        let next = after.saturating_add(1);
        if self.asked.contains_key(&ServiceAccount::name_for(key, next)) {
            return Ok(());
        }
        let last = after.saturating_add(to_come).min(NUMBER_MAX);
        let names: Vec<String> =
            (next..=last).take(ASKED_AT_ONCE).map(|number| ServiceAccount::name_for(key, number)).collect();
        self.ask(tx, &names).await
    }

    async fn ask(&mut self, tx: &mut dyn Tx, names: &[String]) -> Result<(), Refusal> {
        for names in names.chunks(ASKED_AT_ONCE) {
            let taken: HashSet<String> = tx.service_account_names_taken(names).await?.into_iter().collect();
            self.asked.extend(names.iter().map(|name| (name.clone(), taken.contains(name))));
        }
        Ok(())
    }

    /// A free number after `taken`: the next one, or else one that is found in few steps among very many that are
    /// taken, by doubling the stride and then halving the gap.
    async fn first_free(&mut self, tx: &mut dyn Tx, key: &DisplayName, taken: u32) -> Result<u32, Refusal> {
        let (mut taken, mut stride) = (taken, 1);
        let mut free = loop {
            let next = taken.saturating_add(stride);
            if next > NUMBER_MAX {
                let message = format!("{NUMBER_MAX} keys have this name: {key}; choose another");
                return Err(Refusal::Conflict(message));
            }
            if self.is_free(tx, key, next).await? {
                break next;
            }
            taken = next;
            stride *= 2;
        };
        while free - taken > 1 {
            let middle = taken + (free - taken) / 2;
            if self.is_free(tx, key, middle).await? {
                free = middle;
            } else {
                taken = middle;
            }
        }
        Ok(free)
    }

    async fn is_free(&mut self, tx: &mut dyn Tx, key: &DisplayName, number: u32) -> Result<bool, Refusal> {
        let name = ServiceAccount::name_for(key, number);
        if self.given.contains(name.as_str()) {
            return Ok(false);
        }
        if !self.asked.contains_key(&name) {
            self.ask(tx, std::slice::from_ref(&name)).await?;
        }
        Ok(self.asked.get(&name) == Some(&false))
    }
}
