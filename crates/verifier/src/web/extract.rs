//! Extractors for axum: a handler that takes one is not run without the key that it asks for.

use std::fmt;
use std::marker::PhantomData;

use axum_core::body::Body;
use axum_core::extract::{FromRef, FromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use keyward_core::decision::Ask;
use keyward_core::grant::Wanted;

use crate::web::{Presented, Told, presented};
use crate::{Guard, Permit, Place, Question};

/// A scope as a type, for [`RequireScope`].
pub trait Scope {
    /// Its name in the profile, such as `products:read`. One that the profile does not have is held by nobody.
    const NAME: &'static str;
}

/// The key of the request works.
#[derive(Debug, Clone)]
pub struct RequireKey(pub Permit);

/// The key of the request works and holds the scope.
///
/// ```
/// use axum::{Router, routing::get};
/// use keyward_verifier::Guard;
/// use keyward_verifier::web::{RequireScope, Scope};
///
/// struct ApiRead;
///
/// impl Scope for ApiRead {
///     const NAME: &'static str = "api:read";
/// }
///
/// async fn things(RequireScope { permit, .. }: RequireScope<ApiRead>) -> String {
///     format!("hello {}", permit.identity.subject().name)
/// }
///
/// fn product(guard: Guard) -> Router {
///     Router::new().route("/things", get(things)).with_state(guard)
/// }
/// ```
pub struct RequireScope<S> {
    /// Who it is.
    pub permit: Permit,
    scope: PhantomData<fn() -> S>,
}

impl<S> fmt::Debug for RequireScope<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireScope").field("permit", &self.permit).finish_non_exhaustive()
    }
}

/// The request is answered with this instead of the handler's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub Told);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = self.0.status;
        answer.headers_mut().extend(self.0.header);
        answer
    }
}

impl<T: Sync> FromRequestParts<T> for RequireKey
where
    Guard: FromRef<T>,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Refused> {
        check(&Guard::from_ref(state), parts, None).map(Self).map_err(Refused)
    }
}

impl<S: Scope, T: Sync> FromRequestParts<T> for RequireScope<S>
where
    Guard: FromRef<T>,
{
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &T) -> Result<Self, Refused> {
        let permit = check(&Guard::from_ref(state), parts, Some(S::NAME)).map_err(Refused)?;
        Ok(Self { permit, scope: PhantomData })
    }
}

fn check(guard: &Guard, parts: &Parts, scope: Option<&str>) -> Result<Permit, Told> {
    let key = match presented(&parts.headers) {
        Presented::Nothing => return Err(Told::unauthenticated()),
        Presented::Conflicting => return Err(Told::invalid_key()),
        Presented::One(key) => key,
    };
    let catalogue = &guard.verifier().replica().profile().catalogue;
    let wanted: Vec<Wanted<'_>> = scope.iter().map(|scope| Wanted::new(catalogue, scope)).collect();
    let asks = [Ask { all_of: &wanted, ..Ask::default() }];
    // Where the client is, only the program knows; a key that is limited to networks is refused here.
    let question = Question { presented: key, place: Place::Unsaid, ip: None, asks: &asks };
    guard.verify(&question).map_err(|refusal| Told::from(&refusal))
}
