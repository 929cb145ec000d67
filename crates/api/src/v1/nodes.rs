//! `GET /api/v1/{slug}/nodes`: the nodes that decide.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use keyward_service::nodes::NodeReport;
use keyward_wire::key::NodeReceipt;
use keyward_wire::node::Nodes;

use crate::extract::{Asking, At};
use crate::openapi::ReadProblems;
use crate::problem::Failure;
use crate::state::Api;

/// The nodes that decide about keys, and how far each has come. All workspaces of a server have the same.
#[utoipa::path(get, path = "/api/v1/{slug}/nodes", tag = "keys", security(("session" = []), ("bearer" = []), ("api_key" = [])),
    params(("slug" = String, Path, description = "The workspace's short name", example = "acme")),
    responses((status = 200, body = Nodes, description = "The nodes"), ReadProblems))]
pub(crate) async fn list_nodes(
    State(api): State<Arc<Api>>,
    Asking(ctx): Asking,
    At(slug): At<String>,
) -> Result<Json<Nodes>, Failure> {
    let (last, nodes) = keyward_service::list_nodes::list_nodes(&api.service, &ctx, &slug).await?;
    Ok(Json(Nodes { epoch: last.0, items: nodes.iter().map(shape).collect() }))
}

/// A node and what it has made of a change.
pub(super) fn shape(node: &NodeReport) -> NodeReceipt {
    NodeReceipt {
        node: node.node.clone(),
        state: node.state.as_str().to_owned(),
        applied_epoch: node.applied.0,
    }
}
