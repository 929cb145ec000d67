//! The reverse proxy of this process, where one is wanted.

use std::sync::Arc;

use keyward_gateway::{Gateway, Proxy};
use tokio::net::TcpListener;

use super::limits::Room;
use super::listen;
use super::stop::Stop;
use crate::cli::Failure;
use crate::config::proxy::Proxy as Settings;

/// Into how many parts the open files of the data plane are shared out where there is a proxy: one for its doors, and two for
/// the proxy, which has a connection to the product for each of a client's.
const PARTS: usize = 3;

/// How many connections the doors may have.
pub(super) fn doors(proxy: Option<&Settings>, room: Room) -> usize {
    if proxy.is_some() { part(room) } else { room.data_plane }
}

fn part(room: Room) -> usize {
    (room.data_plane / PARTS).max(1)
}

/// Where it listens, if there is one.
pub(crate) fn open(proxy: Option<&Settings>) -> Result<Option<TcpListener>, Failure> {
    proxy.map(|proxy| listen(proxy.listen, "proxy.listen")).transpose()
}

/// Passes requests on until the process is asked to stop. Without a proxy there is nothing to do.
pub(crate) async fn pass_on(
    proxy: Option<&Settings>,
    gateway: Arc<Gateway>,
    listener: Option<TcpListener>,
    room: Room,
    stop: Stop,
) {
    let (Some(proxy), Some(listener)) = (proxy, listener) else { return };
    tracing::info!(listen = %proxy.listen, upstream = %proxy.upstream, "passing requests on");
    let proxy = Arc::new(Proxy::new(gateway, proxy.upstream.clone()));
    keyward_gateway::serve_proxy(proxy, part(room), listener, stop.asked()).await;
}
