//! A harness that starts the real `keyward` binary and speaks to it as clients do.
//!
//! ```no_run
//! use keyward_tests::{Keyward, json};
//!
//! let keyward = Keyward::profile("cveium").start();
//! let workspace = keyward.workspace();
//! let key = workspace.create_key(json!({"name": "ci", "scopes": ["products:read"]}));
//! assert_eq!(keyward.verify_code(&key.secret), "valid");
//! ```
//!
//! Deliberately absent: any use of Keyward's own crates. What is asserted here is what a client,
//! an operator or an attacker can see from outside.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a harness reports what it did not find by panicking in the test that asked"
)]
#![expect(
    clippy::format_collect,
    clippy::needless_pass_by_value,
    clippy::return_self_not_must_use,
    reason = "tests should read like prose, and nothing here is hot"
)]

mod answer;
mod binary;
mod browser;
mod caller;
mod clock;
pub mod cluster;
mod database;
mod gateway;
mod key;
pub mod keys;
mod leak;
mod line;
mod metadata;
mod people;
mod process;
mod proxy;
mod random;
mod receiver;
mod recipe;
pub mod redact;
mod response;
mod server;
mod shared;
mod smtp;
mod source;
mod stripe;
mod taker;
mod upstream;
mod workspace;

pub use answer::Answer;
pub use binary::path as binary_path;
pub use browser::Browser;
pub use caller::Caller;
pub use clock::{eventually, now, seconds_from_now, time};
pub use database::{Database, is_on_postgres, make_template};
pub use gateway::{Gateway, NODE_CREDENTIAL};
pub use key::{Key, crc32_hex, sha256};
pub use leak::Forms;
pub use line::Line;
pub use metadata::{Dependencies, workspace_dependencies};
pub use people::Person;
pub use process::ServerPid;
pub use proxy::{Proxy, Way};
pub use random::{Dice, pick, unique};
pub use receiver::Receiver;
pub use recipe::{Places, Recipe, RunningGateway, tool};
pub use serde_json::{Value, json};
pub use server::{Builder, Keyward, free_port};
pub use shared::shared;
pub use smtp::{Mail, MailServer};
pub use source::{project_root, rust_sources};
pub use stripe::{Stripe, Subscription, hmac_sha256};
pub use taker::{LOOPBACK, taker_url};
pub use upstream::{Arrived, Upstream};
pub use workspace::Workspace;

/// Every profile that the binary embeds.
pub const PROFILES: [&str; 6] = ["cysmiq", "cybrium", "cveium", "cerby", "cycloid", "default"];
