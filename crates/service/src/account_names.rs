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

/// Names that one operation gives away. It remembers them: they may not be in the store yet.
#[derive(Debug, Default)]
pub(crate) struct AccountNames {
    given: HashSet<Box<str>>,
    /// By the name without a number: the number given last.
    numbers: HashMap<String, u32>,
}

impl AccountNames {
    /// A service account for a key of that name.
    pub(crate) async fn account(
        &mut self,
        ctx: &Ctx,
        tx: &mut dyn Tx,
        key: &DisplayName,
    ) -> Result<ServiceAccount, Refusal> {
        let plain = ServiceAccount::name_for(key, 1);
        let after = self.numbers.get(&plain).copied().unwrap_or(0);
        let number = self.first_free(tx, key, after).await?;
        self.numbers.insert(plain, number);
        let name: Box<str> = ServiceAccount::name_for(key, number).into();
        self.given.insert(name.clone());
        let (ms, random) = ctx.id_parts()?;
        Ok(ServiceAccount::of_key(ServiceAccountId::new(ms, random), name))
    }

    /// A free number after `taken`: the next one, or else one that is found in few steps among very many that are
    /// taken, by doubling the stride and then halving the gap.
    async fn first_free(&self, tx: &mut dyn Tx, key: &DisplayName, taken: u32) -> Result<u32, Refusal> {
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

    async fn is_free(&self, tx: &mut dyn Tx, key: &DisplayName, number: u32) -> Result<bool, Refusal> {
        let name = ServiceAccount::name_for(key, number);
        Ok(!self.given.contains(name.as_str()) && !tx.service_account_name_taken(&name).await?)
    }
}
