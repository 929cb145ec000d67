//! What stands around every page: who is signed in, where they are, and where they can go.

use std::sync::Arc;

use keyward_core::change::Epoch;
use keyward_core::grace::GraceSeconds;
use keyward_core::pages::Pages;
use keyward_core::profile::Profile;
use keyward_service::nodes::NodeState;

use crate::Console;
use crate::form_token::FormToken;
use crate::note::Note;

/// Which page of an area somebody looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    /// None: the page stands alone.
    None,
    /// The workspaces that one is in.
    Workspaces,
    /// One's own name, password and sessions.
    Account,
    /// One's own keys.
    OwnKeys,
    /// Of a workspace: its name, slug and plan.
    General,
    /// Of a workspace: its keys.
    Keys,
    /// Of a workspace: its people.
    Members,
    /// Of a workspace: what people may be.
    Roles,
    /// Of a workspace: what keys act as.
    ServiceAccounts,
    /// Of a workspace: secrets that may be shown again.
    Vaults,
    /// Of a workspace: addresses that are told of its events.
    Webhooks,
    /// Of a workspace: what bounds its keys.
    Security,
    /// Of a workspace: what it pays for.
    Billing,
    /// Of a workspace: what was done.
    Audit,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) token: FormToken,
    /// Name and slug of each workspace that they are in.
    pub(crate) places: Vec<(String, String)>,
}

/// The workspace that a page is about.
#[derive(Debug, Clone)]
pub(crate) struct Here {
    pub(crate) name: String,
    pub(crate) slug: String,
}

/// What stands around a page.
#[derive(Debug, Clone)]
pub(crate) struct Shell {
    pub(crate) profile: Arc<Profile>,
    pub(crate) who: Option<Who>,
    pub(crate) here: Option<Here>,
    pub(crate) tab: Tab,
    pub(crate) note: Option<Note>,
    /// Whether the data plane cannot decide at the moment.
    pub(crate) stale: bool,
}

impl Shell {
    /// For somebody who is not known.
    pub(crate) fn of(console: &Console) -> Self {
        Self {
            profile: Arc::clone(&console.service.profile),
            who: None,
            here: None,
            tab: Tab::None,
            note: None,
            stale: false,
        }
    }

    pub(crate) fn product(&self) -> &str {
        &self.profile.product.name
    }

    pub(crate) fn word(&self) -> &str {
        &self.profile.product.workspace_word
    }

    pub(crate) fn pages(&self) -> &Pages {
        &self.profile.pages
    }

    pub(crate) fn token(&self) -> &str {
        self.who.as_ref().map_or("", |who| who.token.as_str())
    }

    /// Whose settings the link "Settings" leads to: those of the workspace at hand, else of the first.
    pub(crate) fn settings_slug(&self) -> Option<&str> {
        let here = self.here.as_ref().map(|here| here.slug.as_str());
        here.or_else(|| self.who.as_ref()?.places.first().map(|(_, slug)| slug.as_str()))
    }

    /// The links of the navigation: address, words, whether one is there.
    pub(crate) fn links(&self) -> Vec<(String, String, bool)> {
        let mut links =
            vec![("/workspaces".to_owned(), capital(self.word()) + "s", self.tab == Tab::Workspaces)];
        if let Some(slug) = self.settings_slug() {
            links.push((format!("/w/{slug}/settings"), "Settings".to_owned(), self.here.is_some()));
        }
        if self.profile.keys.kinds.personal {
            let words = self.pages().own_keys_tab.to_string();
            links.push(("/account/keys".to_owned(), words, self.tab == Tab::OwnKeys));
        }
        links.push(("/account".to_owned(), "Your account".to_owned(), self.tab == Tab::Account));
        links
    }

    /// The tabs of a workspace's settings: address, words, whether one is there.
    pub(crate) fn tabs(&self) -> Vec<(String, String, bool)> {
        let Some(here) = &self.here else { return Vec::new() };
        let tabs = [
            (Tab::General, "settings", "General"),
            (Tab::Keys, "keys", &*self.pages().keys_word),
            (Tab::Members, "members", "Members"),
            (Tab::Roles, "roles", "Roles"),
            (Tab::ServiceAccounts, "service-accounts", "Service accounts"),
            (Tab::Security, "security", "Security"),
            (Tab::Vaults, "vaults", "Vaults"),
            (Tab::Webhooks, "webhooks", "Webhooks"),
            (Tab::Billing, "billing", "Billing"),
            (Tab::Audit, "audit", "Audit log"),
        ];
        let has_accounts = self.profile.keys.kinds.workspace;
        let shown = tabs.into_iter().filter(|(tab, ..)| has_accounts || *tab != Tab::ServiceAccounts);
        shown
            .map(|(tab, path, words)| (format!("/w/{}/{path}", here.slug), words.to_owned(), tab == self.tab))
            .collect()
    }
}

/// Whether some node of this deployment cannot decide, so that keys are refused there.
pub(crate) async fn is_stale(console: &Console) -> bool {
    let nodes = console.service.nodes.report(Epoch(u64::MAX), GraceSeconds::NONE).await;
    nodes.iter().any(|node| node.state == NodeState::LeaseExpired)
}

/// A word with a capital first.
pub(crate) fn capital(word: &str) -> String {
    let mut chars = word.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    first + chars.as_str()
}
