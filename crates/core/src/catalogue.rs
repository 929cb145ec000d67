//! The scopes that a profile offers, and a set of them that fits in four words.

use std::collections::HashMap;

/// Most scopes that a catalogue may have: what a [`ScopeSet`] holds, and more than a person can choose from.
pub const SCOPES_MAX: usize = 256;
const WORDS: usize = SCOPES_MAX / 64;

/// A scope of the catalogue, as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Such as `products:read`.
    pub name: Box<str>,
    /// Such as "Read products".
    pub title: Box<str>,
    /// One sentence.
    pub description: Box<str>,
    /// Names of the scopes that holding this one includes, directly.
    pub implies: Box<[Box<str>]>,
}

/// The place of a scope in its catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopeId(u8);

/// Some scopes of one catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScopeSet([u64; WORDS]);

impl ScopeSet {
    /// No scope.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// Whether `id` is in it.
    pub fn contains(&self, id: ScopeId) -> bool {
        self.0.get(usize::from(id.0 / 64)).is_some_and(|word| word & (1 << (id.0 % 64)) != 0)
    }

    /// Puts `id` into it.
    pub fn insert(&mut self, id: ScopeId) {
        if let Some(word) = self.0.get_mut(usize::from(id.0 / 64)) {
            *word |= 1 << (id.0 % 64);
        }
    }

    /// What is in either.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
        self
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(mut self, other: &Self) -> Self {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word &= other;
        }
        self
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }
}

/// The catalogue cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCatalogue {
    /// A profile without a scope could not create a key.
    #[error("a catalogue has at least one scope")]
    Empty,
    /// More than fit.
    #[error("a catalogue has at most {SCOPES_MAX} scopes")]
    TooMany,
    /// Two scopes of one name.
    #[error("the scope \"{name}\" is there twice")]
    Duplicate {
        /// Which.
        name: Box<str>,
        /// The place of the second.
        index: usize,
    },
    /// A scope includes one that is not there.
    #[error("the scope \"{name}\" implies \"{implied}\", which the catalogue does not have")]
    UnknownImplied {
        /// Which.
        name: Box<str>,
        /// What it names.
        implied: Box<str>,
        /// Its place.
        index: usize,
    },
}

/// The scopes of a profile. Never empty.
#[derive(Debug, Clone)]
pub struct Catalogue {
    scopes: Vec<Scope>,
    by_name: HashMap<Box<str>, ScopeId>,
    /// For each scope, itself and all that it includes, however indirectly.
    closures: Vec<ScopeSet>,
}

impl Catalogue {
    /// Checks the scopes and works out what each includes.
    pub fn new(scopes: Vec<Scope>) -> Result<Self, InvalidCatalogue> {
        if scopes.is_empty() {
            return Err(InvalidCatalogue::Empty);
        }
        let mut by_name = HashMap::with_capacity(scopes.len());
        for (index, scope) in scopes.iter().enumerate() {
            let id = u8::try_from(index).map(ScopeId).map_err(|_| InvalidCatalogue::TooMany)?;
            if by_name.insert(scope.name.clone(), id).is_some() {
                return Err(InvalidCatalogue::Duplicate { name: scope.name.clone(), index });
            }
        }
        let mut closures = Vec::with_capacity(scopes.len());
        for (index, scope) in scopes.iter().enumerate() {
            let mut set = ScopeSet::EMPTY;
            set.insert(ScopeId(u8::try_from(index).unwrap_or(u8::MAX)));
            for implied in &scope.implies {
                let id = by_name.get(implied).ok_or_else(|| InvalidCatalogue::UnknownImplied {
                    name: scope.name.clone(),
                    implied: implied.clone(),
                    index,
                })?;
                set.insert(*id);
            }
            closures.push(set);
        }
        let catalogue = Self { scopes, by_name, closures };
        Ok(catalogue.close())
    }

    /// Follows inclusions until nothing is added; each round adds at least one scope, so it ends.
    fn close(mut self) -> Self {
        loop {
            let next: Vec<ScopeSet> = self.closures.iter().map(|set| self.include(set)).collect();
            if next == self.closures {
                return self;
            }
            self.closures = next;
        }
    }

    /// `set` and all that its scopes include.
    pub fn include(&self, set: &ScopeSet) -> ScopeSet {
        self.ids().filter(|id| set.contains(*id)).fold(*set, |whole, id| {
            match self.closures.get(usize::from(id.0)) {
                Some(closure) => whole.union(closure),
                None => whole,
            }
        })
    }

    /// The place of a scope, if the catalogue has it.
    pub fn find(&self, name: &str) -> Option<ScopeId> {
        self.by_name.get(name).copied()
    }

    /// The name of a scope.
    pub fn name(&self, id: ScopeId) -> &str {
        self.scopes.get(usize::from(id.0)).map_or("", |scope| &scope.name)
    }

    /// All scopes, in the profile's order.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// All places, in the profile's order.
    pub fn ids(&self) -> impl Iterator<Item = ScopeId> + use<> {
        (0..self.scopes.len()).filter_map(|index| u8::try_from(index).ok()).map(ScopeId)
    }

    /// The names of the scopes of `set`, in the profile's order.
    pub fn names<'a>(&'a self, set: &'a ScopeSet) -> impl Iterator<Item = &'a str> {
        self.ids().filter(|id| set.contains(*id)).map(|id| self.name(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(name: &str, implies: &[&str]) -> Scope {
        Scope {
            name: name.into(),
            title: name.into(),
            description: name.into(),
            implies: implies.iter().map(|&name| name.into()).collect(),
        }
    }

    #[test]
    fn cer_9_inclusions_are_followed_through_others() {
        let catalogue =
            Catalogue::new(vec![scope("a", &["b"]), scope("b", &["c"]), scope("c", &["a"]), scope("d", &[])])
                .unwrap();
        let mut a = ScopeSet::EMPTY;
        a.insert(catalogue.find("a").unwrap());
        let whole = catalogue.include(&a);
        assert_eq!(catalogue.names(&whole).collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn a_catalogue_that_contradicts_itself_is_refused() {
        assert_eq!(Catalogue::new(vec![]).unwrap_err(), InvalidCatalogue::Empty);
        let twice = Catalogue::new(vec![scope("a", &[]), scope("a", &[])]).unwrap_err();
        assert_eq!(twice, InvalidCatalogue::Duplicate { name: "a".into(), index: 1 });
        let unknown = Catalogue::new(vec![scope("a", &["b"])]).unwrap_err();
        assert!(matches!(unknown, InvalidCatalogue::UnknownImplied { index: 0, .. }));
        let many = (0..257).map(|n| scope(&n.to_string(), &[])).collect();
        assert_eq!(Catalogue::new(many).unwrap_err(), InvalidCatalogue::TooMany);
    }

    #[test]
    fn the_last_of_256_scopes_fits() {
        let catalogue = Catalogue::new((0..256).map(|n| scope(&n.to_string(), &[])).collect()).unwrap();
        let mut set = ScopeSet::EMPTY;
        set.insert(catalogue.find("255").unwrap());
        assert_eq!(catalogue.names(&set).collect::<Vec<_>>(), ["255"]);
    }
}
