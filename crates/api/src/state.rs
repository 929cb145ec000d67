//! What the handlers share.

use std::sync::Arc;

use ipnet::IpNet;
use keyward_service::Service;

use crate::docs::Documents;

/// Whether the process can answer. Asked by `/readyz`.
pub type Ready = Arc<dyn Fn() -> bool + Send + Sync>;

/// What the handlers share.
pub struct Api {
    /// What Keyward does.
    pub service: Arc<Service>,
    /// Peers whose `X-Forwarded-…` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The OpenAPI documents that are served.
    pub documents: Documents,
    /// Whether the process can answer.
    pub ready: Ready,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").field("trusted_proxies", &self.trusted_proxies).finish_non_exhaustive()
    }
}
