//! A runtime of the control plane's own.
//!
//! In one runtime every task waits for those before it: a thousand people who search would keep decisions, and the
//! questions that renew the lease, waiting behind them. Apart, the machine shares its processors between the two.

use std::future::Future;
use std::io;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// Threads for the control plane. Connections to the database that were opened here work only as long as it is there.
#[derive(Debug)]
pub(super) struct Apart(Option<Runtime>);

impl Apart {
    pub(super) fn begin() -> io::Result<Self> {
        Builder::new_multi_thread()
            .thread_name("control-plane")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
    }

    /// Does work here that a listener brings in, and waits for its end.
    pub(super) async fn run<F>(
        &self,
        listener: TcpListener,
        work: impl FnOnce(TcpListener) -> F,
    ) -> io::Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(runtime) = &self.0 else { return Ok(()) };
        // A listener is woken by the runtime in which it was made.
        let listener = {
            let _entered = runtime.enter();
            TcpListener::from_std(listener.into_std()?)?
        };
        runtime.spawn(work(listener)).await.map_err(io::Error::other)
    }
}

impl Drop for Apart {
    /// A runtime must not be waited for within another one.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
