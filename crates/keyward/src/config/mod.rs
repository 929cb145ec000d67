//! The configuration: settings from flags, environment, file and defaults, and the profile.
//!
//! Deliberately absent: reading the configuration anywhere else. What is loaded here is passed on as values.

pub(crate) mod audit;
pub(crate) mod billing;
pub(crate) mod bootstrap;
pub(crate) mod data_plane;
mod document;
mod environment;
pub(crate) mod feed;
mod file;
mod files;
mod flags;
pub(crate) mod gateway;
mod load;
pub(crate) mod log;
pub(crate) mod mail;
mod mistake;
pub(crate) mod notices;
pub(crate) mod operator;
mod origin;
mod profile;
pub(crate) mod proxy;
mod reference;
pub(crate) mod secret;
pub(crate) mod server;
mod setting;
mod settings;
mod show;
pub(crate) mod sign_in;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub(crate) mod usage;
mod values;
pub(crate) mod webhooks;

pub(crate) use flags::{Flags, StoreFlags};
pub(crate) use load::{Loaded, load};
pub(crate) use mistake::ConfigError;
pub(crate) use reference::reference;
pub(crate) use settings::Settings;
pub(crate) use show::{check, show};
