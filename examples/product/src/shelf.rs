//! The data, in memory: a shelf for each workspace. Nothing reaches a shelf but through its workspace.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Most products and most SBOMs of one workspace: this is a memory, no database.
pub(crate) const ITEMS_MAX: usize = 1_000;

/// What a scan knows. A real product asks a vulnerability database.
const KNOWN: &[(&str, &str)] =
    &[("log4j-core@2.14.1", "CVE-2021-44228"), ("openssl@1.0.1f", "CVE-2014-0160")];

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Who made it: the service account of the key, as Keyward named it.
    pub(crate) created_by: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Sbom {
    #[serde(flatten)]
    pub(crate) item: Item,
    pub(crate) components: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Vulnerability {
    pub(crate) id: &'static str,
    pub(crate) component: &'static str,
    pub(crate) sbom: String,
}

/// One workspace's data.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) products: Vec<Item>,
    pub(crate) sboms: Vec<Sbom>,
    pub(crate) vulnerabilities: Vec<Vulnerability>,
}

impl Shelf {
    /// Looks through all SBOMs anew.
    pub(crate) fn scan(&mut self) {
        let components =
            self.sboms.iter().flat_map(|sbom| sbom.components.iter().map(move |component| (sbom, component)));
        self.vulnerabilities = components
            .filter_map(|(sbom, component)| {
                let &(component, id) = KNOWN.iter().find(|(known, _)| known == component)?;
                Some(Vulnerability { id, component, sbom: sbom.item.id.clone() })
            })
            .collect();
    }
}

/// All workspaces' data, by the workspace's identifier.
#[derive(Debug, Default)]
pub(crate) struct Shelves(Mutex<HashMap<String, Shelf>>);

impl Shelves {
    /// Works on one workspace's data.
    pub(crate) fn of<T>(&self, workspace: &str, work: impl FnOnce(&mut Shelf) -> T) -> T {
        let mut shelves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        work(shelves.entry(workspace.to_owned()).or_default())
    }
}
