//! The routes of consoles. Everything else goes to the rack that the header `Rack` names.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Console, Fault, Target, proxy};
use crate::auth;
use crate::error::{Refusal, render_refusal};
use crate::routes::ApiResult;

pub(super) fn router(console: Console) -> Router {
    let about_racks = Router::new()
        .route("/auth", get(async || Json(json!({"id": "user-1"}))))
        .route("/racks", get(racks))
        .route("/racks/{organization}/{name}", get(rack).put(change))
        .route("/racks/{organization}/{name}/host", get(host))
        .route("/racks/{organization}/{name}/sync", post(change))
        .route("/racks/{organization}/{name}/runtimes", get(runtimes).put(attach))
        .route("/racks/{organization}/{name}/workflows", get(workflows))
        .route("/racks/{organization}/{name}/workflows/{id}/run", post(run))
        .route("/organizations/{organization}/runtimes", get(organization_runtimes))
        .route("/machines", get(machines))
        .route("/machines/{id}/{*path}", any(on_machine))
        .fallback(on_rack)
        .layer(from_fn_with_state(console.clone(), admit));
    Router::new()
        .route("/session", get(challenge).post(session))
        .route("/login/u2f", get(sign))
        .merge(about_racks)
        .layer(map_response(async |response: Response| render_refusal(response, None)))
        .with_state(console)
}

/// Requires the password and a session, and lets the script of the test interfere.
async fn admit(State(console): State<Console>, request: Request, next: Next) -> Response {
    match (console.0.script)(&format!("{} {}", request.method(), request.uri().path())) {
        Fault::Pass => (),
        Fault::Expire(required) => console.require(required),
        Fault::BadGateway => return StatusCode::BAD_GATEWAY.into_response(),
    }
    if let Err(refusal) = auth::check_password(request.headers(), &console.0.password) {
        return refusal.into_response();
    }
    let missing = console.sessions().missing(request.headers());
    match missing {
        Some(wanted) => {
            (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, wanted)]).into_response()
        }
        None => next.run(request).await,
    }
}

async fn challenge(State(console): State<Console>, headers: HeaderMap) -> Response {
    if let Err(refusal) = auth::check_password(&headers, &console.0.password) {
        return refusal.into_response();
    }
    let (opaque, document) = console.sessions().challenge();
    ([("challenge", opaque)], Json(document)).into_response()
}

async fn session(State(console): State<Console>, headers: HeaderMap, body: Bytes) -> Response {
    if let Err(refusal) = auth::check_password(&headers, &console.0.password) {
        return refusal.into_response();
    }
    let opaque = headers.get("challenge").and_then(|value| value.to_str().ok());
    let given = console.sessions().give(opaque, &body);
    match given {
        Some(id) => Json(json!({ "id": id })).into_response(),
        None => (StatusCode::FORBIDDEN, "invalid assertion").into_response(),
    }
}

#[derive(Deserialize)]
struct Page {
    callback_url: String,
    token: String,
}

/// The page of the second factor. It signs at once and calls back.
async fn sign(
    State(console): State<Console>,
    page: Result<Query<Page>, QueryRejection>,
) -> Response {
    if console.sessions().has_no_page {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Query(page) = match page {
        Ok(page) => page,
        Err(rejection) => return rejection.into_response(),
    };
    let document = BASE64_STANDARD.decode(page.token).ok();
    let Some(document) = document.and_then(|text| serde_json::from_slice::<Value>(&text).ok())
    else {
        return (StatusCode::BAD_REQUEST, "token is malformed").into_response();
    };
    let assertion = console.sessions().sign(&document).to_string();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("data", &BASE64_STANDARD.encode(assertion))
        .finish();
    Redirect::temporary(&format!("{}/?{query}", page.callback_url)).into_response()
}

async fn racks(State(console): State<Console>) -> Json<Value> {
    Json(console.0.racks.iter().map(described).collect())
}

fn described(target: &Target) -> Value {
    let (organization, name) = target.name.split_once('/').unwrap_or(("", &target.name));
    json!({
        "name": name,
        "organization": {"name": organization},
        "provider": "aws",
        "status": "running",
        "parameters": {},
        "state": "e30=",
    })
}

impl Console {
    fn rack(&self, name: &str) -> Result<&Target, Refusal> {
        let found = self.0.racks.iter().find(|rack| rack.name == name);
        found.ok_or_else(|| Refusal::not_found(format!("rack not found: {name}")))
    }
}

type Named = Path<BTreeMap<String, String>>;

/// `organization/name` in the path of a request.
fn full_name(path: &BTreeMap<String, String>) -> String {
    let part = |name: &str| path.get(name).map(String::as_str).unwrap_or_default();
    format!("{}/{}", part("organization"), part("name"))
}

async fn rack(State(console): State<Console>, Path(path): Named) -> ApiResult {
    Ok(Json(described(console.rack(&full_name(&path))?)).into_response())
}

async fn host(State(console): State<Console>, Path(path): Named) -> ApiResult {
    let rack = console.rack(&full_name(&path))?;
    Ok(Json(json!({"host": rack.address.to_string()})).into_response())
}

/// Notes a change, which has no effect but that tests can see it.
async fn change(
    State(console): State<Console>,
    Path(path): Named,
    method: Method,
    uri: Uri,
    form: String,
) -> ApiResult {
    console.rack(&full_name(&path))?;
    console.note_change(format!("{method} {} {form}", uri.path()));
    Ok(Json(json!({"jod_id": "job-1"})).into_response())
}

/// The only cloud account.
const RUNTIME: &str = "runtime-1";

/// The only workflow.
const WORKFLOW: &str = "workflow-1";

fn accounts() -> Response {
    Json(json!([{"id": RUNTIME, "title": "production account"}])).into_response()
}

async fn attach(console: State<Console>, path: Named, uri: Uri, form: String) -> ApiResult {
    match field(&form, "runtime") {
        Some(id) if id == RUNTIME => change(console, path, Method::PUT, uri, form).await,
        id => Err(Refusal::not_found(format!("runtime not found: {}", id.unwrap_or_default()))),
    }
}

async fn run(console: State<Console>, path: Named, uri: Uri, form: String) -> ApiResult {
    match path.get("id").map(String::as_str) {
        Some(WORKFLOW) => change(console, path, Method::POST, uri, form).await,
        id => Err(Refusal::not_found(format!("workflow not found: {}", id.unwrap_or_default()))),
    }
}

/// A field of a form.
fn field(form: &str, name: &str) -> Option<String> {
    let mut fields = url::form_urlencoded::parse(form.as_bytes());
    fields.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

async fn runtimes(State(console): State<Console>, Path(path): Named) -> ApiResult {
    console.rack(&full_name(&path)).map(|_| accounts())
}

async fn organization_runtimes(
    State(console): State<Console>,
    Path(organization): Path<String>,
) -> ApiResult {
    let of = |rack: &Target| rack.name.split('/').next() == Some(&organization);
    if console.0.racks.iter().any(of) {
        return Ok(accounts());
    }
    Err(Refusal::not_found(format!("organization not found: {organization}")))
}

async fn workflows(State(console): State<Console>, Path(path): Named) -> ApiResult {
    console.rack(&full_name(&path))?;
    let workflow = json!({"id": WORKFLOW, "name": "deploy", "kind": "deployment"});
    Ok(Json(json!({"oid": "organization-1", "workflows": [workflow]})).into_response())
}

async fn machines(State(console): State<Console>) -> Json<Value> {
    let machines = console.0.machines.iter().enumerate().map(|(index, machine)| {
        let (organization, name) = machine.name.split_once('/').unwrap_or(("", &machine.name));
        json!({
            "ID": format!("machine-{}", index + 1),
            "Name": name,
            "organization_info": {"name": organization},
            "Dimensions": {"vcpu": "1", "mem": "2"},
            "Age": "1d",
        })
    });
    Json(machines.collect())
}

/// `/machines/machine-1/apps…` is `/apps…` of the rack that stands for the machine.
async fn on_machine(
    State(console): State<Console>,
    Path((id, _)): Path<(String, String)>,
    request: Request,
) -> ApiResult {
    let index = id.strip_prefix("machine-").and_then(|number| number.parse::<usize>().ok());
    let machine = index.and_then(|number| console.0.machines.get(number.checked_sub(1)?)).cloned();
    let machine = machine.ok_or_else(|| Refusal::not_found(format!("machine not found: {id}")))?;
    let target = request.uri().to_string();
    let path = target.strip_prefix(&format!("/machines/{id}")).map(str::to_owned);
    Ok(proxy::forward(&machine, request, path.as_deref()).await)
}

async fn on_rack(State(console): State<Console>, request: Request) -> ApiResult {
    let name = request.headers().get("rack").and_then(|name| name.to_str().ok());
    let rack = console.rack(name.unwrap_or_default())?.clone();
    Ok(proxy::forward(&rack, request, None).await)
}
