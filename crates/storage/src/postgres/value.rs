//! Values for the parameters of a statement, each with its type, so that no statement has to be prepared to be asked.

use std::error::Error;

use bytes::BytesMut;
use keyward_core::id::{
    AuditId, DeliveryId, EventId, InvitationId, KeyId, MailId, RequestId, RoleId, ServiceAccountId,
    SessionId, UserId, VaultId, VaultSecretId, WebhookId, WorkspaceId,
};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

/// A value. It is never logged: it may be a digest or the hash of a password.
pub(super) enum Value {
    Number(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Flag(bool),
    Numbers(Vec<i64>),
    MaybeNumbers(Vec<Option<i64>>),
    Flags(Vec<bool>),
    Texts(Vec<String>),
    MaybeTexts(Vec<Option<String>>),
    ManyBytes(Vec<Vec<u8>>),
}

impl Value {
    pub(super) const fn kind(&self) -> Type {
        match self {
            Self::Number(_) => Type::INT8,
            Self::Text(_) => Type::TEXT,
            Self::Bytes(_) => Type::BYTEA,
            Self::Flag(_) => Type::BOOL,
            Self::Numbers(_) | Self::MaybeNumbers(_) => Type::INT8_ARRAY,
            Self::Flags(_) => Type::BOOL_ARRAY,
            Self::Texts(_) | Self::MaybeTexts(_) => Type::TEXT_ARRAY,
            Self::ManyBytes(_) => Type::BYTEA_ARRAY,
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({})", self.kind())
    }
}

impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let kind = self.kind();
        match self {
            Self::Number(value) => value.to_sql(&kind, out),
            Self::Text(value) => value.to_sql(&kind, out),
            Self::Bytes(value) => value.to_sql(&kind, out),
            Self::Flag(value) => value.to_sql(&kind, out),
            Self::Numbers(values) => values.to_sql(&kind, out),
            Self::MaybeNumbers(values) => values.to_sql(&kind, out),
            Self::Flags(values) => values.to_sql(&kind, out),
            Self::Texts(values) => values.to_sql(&kind, out),
            Self::MaybeTexts(values) => values.to_sql(&kind, out),
            Self::ManyBytes(values) => values.to_sql(&kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

macro_rules! values_from {
    ($($from:ty => $value:ident => $into:expr;)+) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $into
            }
        })+
    };
}

values_from! {
    i64 => value => Self::Number(Some(value));
    Option<i64> => value => Self::Number(value);
    u8 => value => Self::Number(Some(value.into()));
    u16 => value => Self::Number(Some(value.into()));
    u32 => value => Self::Number(Some(value.into()));
    Option<u32> => value => Self::Number(value.map(i64::from));
    bool => value => Self::Flag(value);
    &str => value => Self::Text(Some(value.to_owned()));
    Option<&str> => value => Self::Text(value.map(ToOwned::to_owned));
    String => value => Self::Text(Some(value));
    Option<String> => value => Self::Text(value);
    [u8; 16] => value => Self::Bytes(Some(value.to_vec()));
    [u8; 32] => value => Self::Bytes(Some(value.to_vec()));
    &[u8] => value => Self::Bytes(Some(value.to_vec()));
    Option<&[u8]> => value => Self::Bytes(value.map(<[u8]>::to_vec));
    Vec<Option<String>> => values => Self::MaybeTexts(values);
    Vec<Option<&str>> => values => Self::MaybeTexts(values.into_iter().map(|text| text.map(ToOwned::to_owned)).collect());
    Vec<i64> => values => Self::Numbers(values);
    Vec<Option<i64>> => values => Self::MaybeNumbers(values);
    Vec<bool> => values => Self::Flags(values);
    Vec<&str> => values => Self::Texts(values.into_iter().map(ToOwned::to_owned).collect());
    Vec<String> => values => Self::Texts(values);
    Vec<Vec<u8>> => values => Self::ManyBytes(values);
}

macro_rules! ids_from {
    ($($id:ty),+) => {
        $(impl From<$id> for Value {
            fn from(id: $id) -> Self {
                Self::Text(Some(id.to_string()))
            }
        }
        impl From<Option<$id>> for Value {
            fn from(id: Option<$id>) -> Self {
                Self::Text(id.map(|id| id.to_string()))
            }
        })+
    };
}

ids_from!(
    AuditId,
    DeliveryId,
    EventId,
    InvitationId,
    KeyId,
    MailId,
    RequestId,
    RoleId,
    ServiceAccountId,
    SessionId,
    UserId,
    VaultId,
    VaultSecretId,
    WebhookId,
    WorkspaceId
);

/// One value of each of some rows, for `unnest`.
pub(super) fn column<'a, Row, T>(rows: &'a [Row], value: impl Fn(&'a Row) -> T) -> Value
where
    Value: From<Vec<T>>,
{
    Value::from(rows.iter().map(value).collect::<Vec<T>>())
}

/// The values of a statement, in the order of its `$1`, `$2`, …
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::postgres::value::Value::from($value)),*]
    };
}
pub(super) use params;
