//! Parts of lists, for those above the service, who do not see the store.

pub use keyward_storage::{
    AuditFilter, AuditHead, AuditLine, Bucket, Delivery, DeliveryFilter, Found, KeyRow, KeySort, LastUse,
    Member, NewestNetwork, Page, Place, Position, ServiceAccountRow, Session, SortField, SortValue,
    StaleCount, StaleKey, StaleReason, UsageCount, UsageEntry, UsageFilter, UsageGap, Vault, VaultSecret,
    Webhook, hex,
};
