//! Parts of lists, for those above the service, who do not see the store.

pub use keyward_storage::{
    AuditFilter, AuditHead, AuditLine, Delivery, DeliveryFilter, Found, KeyRow, KeySort, LastUse, Member,
    Page, Place, Position, ServiceAccountRow, SortField, SortValue, Webhook, hex,
};
