//! Whose rows a connection shows, and the SQL functions that statements ask.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use crate::Tenant;

/// Whose rows the open transaction of a connection sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// No transaction is open: nobody's.
    Nothing,
    /// Everybody's.
    System,
    /// One tenant's.
    Tenant(Tenant),
}

/// The view of a connection, shared with its SQL functions.
#[derive(Debug, Clone)]
pub(super) struct SharedView(Arc<Mutex<View>>);

impl SharedView {
    /// Gives a connection the functions `is_system()`, `tenant_workspace()` and `tenant_person()`, which tell
    /// its view at the time they are called. They are not said to be deterministic, so that a cached statement
    /// asks anew at each run, and no view, trigger or index may use them.
    pub(super) fn install(connection: &Connection) -> Result<Self, rusqlite::Error> {
        let view = Self(Arc::new(Mutex::new(View::Nothing)));
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
        let asked = view.clone();
        connection.create_scalar_function("is_system", 0, flags, move |_| Ok(asked.is_system()))?;
        let asked = view.clone();
        connection.create_scalar_function("tenant_workspace", 0, flags, move |_| {
            Ok(asked.tenant().workspace.map(|id| id.to_bytes().to_vec()))
        })?;
        let asked = view.clone();
        connection.create_scalar_function("tenant_person", 0, flags, move |_| {
            Ok(asked.tenant().person.map(|id| id.to_bytes().to_vec()))
        })?;
        Ok(view)
    }

    pub(super) fn set(&self, view: View) {
        *self.lock() = view;
    }

    fn is_system(&self) -> bool {
        *self.lock() == View::System
    }

    fn tenant(&self) -> Tenant {
        match *self.lock() {
            View::Tenant(tenant) => tenant,
            View::Nothing | View::System => Tenant::default(),
        }
    }

    /// A poisoned lock still holds a whole view: it is written in one step.
    fn lock(&self) -> MutexGuard<'_, View> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
