//! `/api/v1/users/{user_id}`: people, for the operator.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_core::person::Person;
use keyward_wire::user::{UpdateUser, User};

use crate::extract::{Asking, At, Body};
use crate::openapi::{ReadProblems, WriteProblems};
use crate::problem::Failure;
use crate::state::Api;

/// A person. Only the operator's credential will do.
#[utoipa::path(get, path = "/api/v1/users/{user_id}", tag = "operator", security(("bearer" = [])),
    params(("user_id" = String, Path, description = "The person")),
    responses((status = 200, body = User, description = "The person"), ReadProblems))]
pub(crate) async fn get_user(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(id): At<String>,
) -> Result<Json<User>, Failure> {
    let person = keyward_service::suspend_user::get_user(&api.service, &ctx, &id).await?;
    Ok(Json(shape(&person)))
}

/// Suspend a person everywhere, or end that. Their sessions and personal keys follow at once. Only the operator's
/// credential will do.
#[utoipa::path(patch, path = "/api/v1/users/{user_id}", tag = "operator", security(("bearer" = [])),
    request_body = UpdateUser,
    params(("user_id" = String, Path, description = "The person")),
    responses((status = 200, body = User, description = "The person"), WriteProblems))]
pub(crate) async fn update_user(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(id): At<String>,
    Body(input): Body<UpdateUser>,
) -> Result<Json<User>, Failure> {
    let suspend = keyward_service::suspend_user::suspend_user;
    let person = suspend(&api.service, &ctx, &id, input.suspended).await?;
    Ok(Json(shape(&person)))
}

fn shape(person: &Person) -> User {
    User {
        id: person.id.to_string(),
        email: person.email.to_string(),
        name: person.name.to_string(),
        created_at: person.created_at,
        suspended_at: person.suspended_at,
    }
}
