//! The product's endpoints. Each takes the [`Caller`] that the guard let in, and works on that workspace's data
//! alone. An endpoint without a guard has no caller, and answers nothing.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Extension, Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::guard::{Caller, needs};
use crate::keyward::Keyward;
use crate::problem::Problem;
use crate::shelf::{ITEMS_MAX, Item, Sbom, Shelves};

/// Longest body: an SBOM of a few thousand components.
const BODY_LEN_MAX: usize = 256 * 1024;
/// Longest name.
const NAME_CHARS_MAX: usize = 100;

/// What the endpoints share.
#[derive(Debug)]
pub(crate) struct Product {
    pub(crate) keyward: Keyward,
    pub(crate) shelves: Shelves,
}

type Answer<T> = Result<T, Problem>;

/// All routes, each beside the scope that it needs.
pub(crate) fn router(product: Arc<Product>) -> Router {
    let needs = |scope, route| needs(&product, scope, route);
    let guarded = Router::new()
        .route("/api/products", needs("products:read", get(list_products)))
        .route("/api/products", needs("products:write", post(create_product)))
        .route("/api/products/{id}", needs("products:read", get(get_product)))
        .route("/api/sboms", needs("sboms:read", get(list_sboms)))
        .route("/api/sboms", needs("sboms:write", post(upload_sbom)))
        .route("/api/vulnerabilities", needs("vulnerabilities:read", get(list_vulnerabilities)))
        .route("/api/cve-scan", needs("cve:trigger", post(trigger_scan)));
    guarded
        .route("/readyz", get(|| async { "ready\n" }))
        .fallback(|| async { Problem::not_found() })
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
        .with_state(product)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewProduct {
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSbom {
    name: String,
    /// Such as `log4j-core@2.14.1`.
    components: Vec<String>,
}

async fn list_products(
    State(product): State<Arc<Product>>,
    Extension(caller): Extension<Caller>,
) -> Json<Value> {
    product.shelves.of(&caller.workspace, |shelf| Json(json!({ "items": shelf.products })))
}

async fn create_product(
    State(product): State<Arc<Product>>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<NewProduct>, JsonRejection>,
) -> Answer<(StatusCode, Json<Item>)> {
    let Json(NewProduct { name }) = body?;
    product.shelves.of(&caller.workspace, |shelf| {
        let item = new_item("prd", shelf.products.len(), name, &caller)?;
        shelf.products.push(item.clone());
        Ok((StatusCode::CREATED, Json(item)))
    })
}

/// Another workspace's product is not on this workspace's shelf: 404, as if it did not exist.
async fn get_product(
    State(product): State<Arc<Product>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer<Json<Item>> {
    product.shelves.of(&caller.workspace, |shelf| {
        let found = shelf.products.iter().find(|item| item.id == id);
        found.cloned().map(Json).ok_or_else(Problem::not_found)
    })
}

async fn list_sboms(
    State(product): State<Arc<Product>>,
    Extension(caller): Extension<Caller>,
) -> Json<Value> {
    product.shelves.of(&caller.workspace, |shelf| Json(json!({ "items": shelf.sboms })))
}

async fn upload_sbom(
    State(product): State<Arc<Product>>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<NewSbom>, JsonRejection>,
) -> Answer<(StatusCode, Json<Sbom>)> {
    let Json(NewSbom { name, components }) = body?;
    product.shelves.of(&caller.workspace, |shelf| {
        let sbom = Sbom { item: new_item("sbom", shelf.sboms.len(), name, &caller)?, components };
        shelf.sboms.push(sbom.clone());
        Ok((StatusCode::CREATED, Json(sbom)))
    })
}

async fn list_vulnerabilities(
    State(product): State<Arc<Product>>,
    Extension(caller): Extension<Caller>,
) -> Json<Value> {
    product.shelves.of(&caller.workspace, |shelf| Json(json!({ "items": shelf.vulnerabilities })))
}

async fn trigger_scan(
    State(product): State<Arc<Product>>,
    Extension(caller): Extension<Caller>,
) -> Json<Value> {
    product.shelves.of(&caller.workspace, |shelf| {
        shelf.scan();
        Json(json!({ "scanned": shelf.sboms.len(), "found": shelf.vulnerabilities.len() }))
    })
}

/// Nothing is ever deleted here, so the number of what is there makes a new identifier.
fn new_item(kind: &str, taken: usize, name: String, caller: &Caller) -> Answer<Item> {
    if taken >= ITEMS_MAX {
        let detail = format!("this example keeps at most {ITEMS_MAX} of them in memory");
        return Err(Problem::new(StatusCode::CONFLICT, "conflict", &detail));
    }
    if name.trim().is_empty() || name.chars().count() > NAME_CHARS_MAX {
        return Err(Problem::invalid(&format!("give a name of 1 to {NAME_CHARS_MAX} characters")));
    }
    Ok(Item { id: format!("{kind}_{}", taken + 1), name, created_by: caller.subject.clone() })
}
