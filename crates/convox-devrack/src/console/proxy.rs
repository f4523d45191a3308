//! Passes a request on to a rack, websockets included.

use axum::body::Body;
use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Target;
use crate::auth;

/// Sends a request to `target`, with its password, and returns the response. `path` replaces the
/// path of the request, if given.
pub(super) async fn forward(target: &Target, mut request: Request, path: Option<&str>) -> Response {
    if let Some(path) = path.and_then(|path| path.parse::<PathAndQuery>().ok()) {
        *request.uri_mut() = Uri::from(path);
    }
    auth::set_password(request.headers_mut(), &target.password);
    request.headers_mut().remove("session");
    request.headers_mut().remove("rack");
    match exchange(target, request).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn exchange(target: &Target, mut request: Request) -> Result<Response, Failure> {
    let stream = TcpStream::connect(target.address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection.with_upgrades());
    let from_client = hyper::upgrade::on(&mut request);
    let mut response = sender.send_request(request).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let from_rack = hyper::upgrade::on(&mut response);
        tokio::spawn(async move {
            let (Ok(client), Ok(rack)) = tokio::join!(from_client, from_rack) else { return };
            let (mut client, mut rack) = (TokioIo::new(client), TokioIo::new(rack));
            // Either side may break it off.
            drop(tokio::io::copy_bidirectional(&mut client, &mut rack).await);
        });
    }
    Ok(response.map(Body::new))
}
