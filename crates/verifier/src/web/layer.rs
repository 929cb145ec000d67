//! The layer: requests whose key works pass, with their [`Permit`] among the extensions; the others are answered.

use std::future::{Future, Ready, ready};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use keyward_core::decision::Ask;
use keyward_core::grant::Wanted;
use tower_layer::Layer;
use tower_service::Service;

use crate::web::{Presented, Told, presented};
use crate::{Guard, Permit, Place, Question};

/// Says where a request came from, as far as the program believes it.
type Client<B> = fn(&Request<B>) -> Option<IpAddr>;

/// Lets requests through whose key works and holds every scope that is named here.
#[derive(Debug)]
pub struct KeyLayer<B> {
    guard: Guard,
    scopes: Arc<[Box<str>]>,
    client: Client<B>,
}

impl<B> Clone for KeyLayer<B> {
    fn clone(&self) -> Self {
        Self { guard: self.guard.clone(), scopes: Arc::clone(&self.scopes), client: self.client }
    }
}

impl<B> KeyLayer<B> {
    /// A layer that asks for all of these scopes, or for none. A key that is limited to networks is refused, until [`Self::at`]
    /// says where requests come from.
    pub fn new(guard: Guard, scopes: &[&str]) -> Self {
        Self { guard, scopes: scopes.iter().map(|scope| Box::from(*scope)).collect(), client: |_| None }
    }

    /// Where requests come from.
    #[must_use]
    pub fn at(self, client: fn(&Request<B>) -> Option<IpAddr>) -> Self {
        Self { client, ..self }
    }

    fn check(&self, request: &Request<B>) -> Result<Permit, Told> {
        let key = match presented(request.headers()) {
            Presented::Nothing => return Err(Told::unauthenticated()),
            Presented::Conflicting => return Err(Told::invalid_key()),
            Presented::One(key) => key,
        };
        let catalogue = &self.guard.verifier().replica().profile().catalogue;
        let wanted: Vec<Wanted<'_>> = self.scopes.iter().map(|scope| Wanted::new(catalogue, scope)).collect();
        let asks = [Ask { all_of: &wanted, ..Ask::default() }];
        let question =
            Question { presented: key, place: Place::Unsaid, ip: (self.client)(request), asks: &asks };
        self.guard.verify(&question).map_err(|refusal| Told::from(&refusal))
    }
}

impl<S, B> Layer<S> for KeyLayer<B> {
    type Service = Guarded<S, B>;

    fn layer(&self, inner: S) -> Guarded<S, B> {
        Guarded { inner, layer: self.clone() }
    }
}

/// A service behind a [`KeyLayer`].
#[derive(Debug)]
pub struct Guarded<S, B> {
    inner: S,
    layer: KeyLayer<B>,
}

impl<S: Clone, B> Clone for Guarded<S, B> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S, B, R> Service<Request<B>> for Guarded<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Answering<S::Future, R, S::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.layer.check(&request) {
            Ok(permit) => {
                request.extensions_mut().insert(permit);
                Answering::Passed(Box::pin(self.inner.call(request)))
            }
            Err(told) => {
                let mut answer = Response::new(R::default());
                *answer.status_mut() = told.status;
                answer.headers_mut().extend(told.header);
                Answering::Refused(ready(Ok(answer)))
            }
        }
    }
}

/// The answer of the service, or the refusal.
#[derive(Debug)]
pub enum Answering<F, R, E> {
    /// The service answers.
    Passed(Pin<Box<F>>),
    /// It was refused.
    Refused(Ready<Result<Response<R>, E>>),
}

impl<F, R, E> Future for Answering<F, R, E>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Passed(passed) => passed.as_mut().poll(context),
            Self::Refused(refused) => Pin::new(refused).poll(context),
        }
    }
}

// A response is moved out whole; nothing of it is pinned.
impl<F, R, E> Unpin for Answering<F, R, E> {}
