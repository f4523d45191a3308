//! The HTTP server: from a bound listener to a graceful shutdown.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;

use super::connections::Listeners;
use super::error::{RackError, render_refusal};
use super::rack::{Lifecycle, RackOptions, Shared};
use super::{auth, connections, drain, ids, lifecycle, routes, timers};

/// Serves a rack on `listener`, which must be bound to a loopback address, until `shutdown`
/// resolves. Then open requests and builds get [`Limits::stop`](crate::Limits::stop) to finish and
/// the apps are stopped. The next rack on the same data directory starts the apps again.
///
/// # Errors
/// Fails if the data directory can't be used, if another rack is using it, if the password is empty,
/// or if `listener` is reachable from other machines.
pub async fn serve(
    listener: TcpListener,
    options: RackOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RackError> {
    serve_on(Listeners { tcp: Some(listener), unix: None }, options, shutdown).await
}

/// [`serve`] on both kinds of listeners.
pub(crate) async fn serve_on(
    listeners: Listeners,
    options: RackOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RackError> {
    if let Some(tcp) = &listeners.tcp {
        let address = tcp.local_addr().map_err(RackError::Listen)?;
        if !address.ip().is_loopback() {
            return Err(RackError::NotLoopback(address));
        }
    }
    if options.password.expose_secret().is_empty() {
        return Err(RackError::NoPassword);
    }
    let rack = lifecycle::open(options)?;
    let start = tokio::spawn(lifecycle::start(rack.clone()));
    let timers = tokio::spawn(timers::run(rack.clone()));
    let (stopping, stop) = (rack.clone(), rack.lifecycle.subscribe());
    let signal = tokio::spawn(async move {
        shutdown.await;
        stopping.lifecycle.send_replace(Lifecycle::Stopping);
    });
    tokio::select! {
        () = connections::serve(listeners, rack.clone(), router(rack.clone())) => (),
        () = overdue(stop, &rack) => (),
    }
    signal.abort();
    start.abort();
    // They start nothing from here on. The runtime reports a panic.
    rack.lifecycle.send_replace(Lifecycle::Stopping);
    let _ = timers.await;
    lifecycle::stop(&rack).await;
    Ok(())
}

/// Resolves once the rack has been stopping for its time limit.
async fn overdue(mut stop: tokio::sync::watch::Receiver<Lifecycle>, rack: &Shared) {
    // The sender lives in the rack, so the channel is never closed.
    let _ = stop.wait_for(|life| *life == Lifecycle::Stopping).await;
    rack.clock.sleep(rack.limits.stop).await;
}

/// Returns the router. As on v3 racks, unknown paths are an empty 404 and wrong methods an empty
/// 405.
fn router(rack: Shared) -> Router {
    let authenticated = routes::authenticated()
        .route_layer(from_fn_with_state(rack.clone(), require_password))
        .merge(routes::public());
    let matched = authenticated.merge(routes::websockets()).route_layer(from_fn(with_request_id));
    matched
        .fallback(|| async { StatusCode::NOT_FOUND })
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .layer(middleware::from_fn(guarded))
        .layer(from_fn(drain::refused_bodies))
        .with_state(rack)
}

/// Rejects requests that did not come through a loopback address, and renders refusals in the
/// format that the client accepts.
async fn guarded(request: Request, next: Next) -> Response {
    let accept = request.headers().get(header::ACCEPT).cloned();
    let mut response = match auth::check_origin(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    render_refusal(response, accept.as_ref().and_then(|accept| accept.to_str().ok()))
}

async fn require_password(State(rack): State<Shared>, request: Request, next: Next) -> Response {
    match auth::check_password(request.headers(), &rack.password) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

async fn with_request_id(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let id = ids::hex::<6>().ok().and_then(|id| HeaderValue::from_str(&id).ok());
    if let Some(id) = id.filter(|_| response.status() != StatusCode::SWITCHING_PROTOCOLS) {
        response.headers_mut().insert("request-id", id);
    }
    response
}

/// The router type of all route modules.
pub(crate) type Routes = Router<Arc<super::rack::Rack>>;
