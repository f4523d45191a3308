use std::fs::File;
use std::io;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use futures_util::{Stream, stream};
use tokio::io::AsyncReadExt;

use super::{ApiResult, app_name, done, json};
use crate::error::Refusal;
use crate::ids;
use crate::objects::{self, Key};
use crate::options::Options;
use crate::rack::{Shared, run_to_completion};
use crate::serve::Routes;
use convox_wire::{AppName, Object, ObjectUrl};

const CHUNK: usize = 64 * 1024;

pub(super) fn authenticated() -> Routes {
    let one = get(read).post(store).delete(delete).head(exists);
    Router::new()
        .route("/apps/{app}/objects", get(list))
        .route("/apps/{app}/objects/", post(store_unnamed))
        .route("/apps/{app}/objects/{*key}", one)
}

async fn store(
    State(rack): State<Shared>,
    Path((app, key)): Path<(String, String)>,
    body: Body,
) -> ApiResult {
    keep(rack, app_name(app), key, body).await
}

/// Stores an object under a key that the rack chooses.
async fn store_unnamed(
    State(rack): State<Shared>,
    Path(app): Path<String>,
    body: Body,
) -> ApiResult {
    let key = format!("tmp/{}", ids::hex::<15>()?);
    keep(rack, app_name(app), key, body).await
}

async fn keep(rack: Shared, app: AppName, text: String, body: Body) -> ApiResult {
    let key = Key::parse(&text)?;
    rack.check_living(&app)?;
    let url = ObjectUrl(format!("object://{app}/{text}"));
    let kept = async move {
        let dir = rack.directories.objects(&app);
        let stored = objects::store(&dir, &key, body.into_data_stream(), rack.limits.object).await;
        // The files of an app that is deleted meanwhile are moved away.
        stored.map_err(|error| rack.check_living(&app).err().unwrap_or(error))
    };
    run_to_completion(kept).await?;
    json(&Object { url })
}

async fn read(State(rack): State<Shared>, Path((app, text)): Path<(String, String)>) -> ApiResult {
    let key = Key::parse(&text)?;
    let app = rack.app(&app_name(app))?.name;
    let Some(file) = objects::open(&rack.directories.objects(&app), &key)? else {
        return Err(Refusal::not_found(format!("object not found: {text}")));
    };
    let length = file.metadata()?.len().to_string();
    let kind = "application/octet-stream".to_owned();
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_LENGTH, length)];
    Ok((headers, Body::from_stream(chunks(file))).into_response())
}

fn chunks(file: File) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold(tokio::fs::File::from_std(file), |mut file| async move {
        let mut chunk = vec![0; CHUNK];
        let count = file.read(&mut chunk).await?;
        chunk.truncate(count);
        Ok((count > 0).then_some((Bytes::from(chunk), file)))
    })
}

/// Always answers 200, as v3 racks do: the content length is that of the body that a GET would
/// have, `true` or `false` and a newline.
async fn exists(
    State(rack): State<Shared>,
    Path((app, text)): Path<(String, String)>,
) -> ApiResult {
    let key = Key::parse(&text)?;
    let app = rack.app(&app_name(app))?.name;
    let there = objects::open(&rack.directories.objects(&app), &key)?.is_some();
    json(&there)
}

async fn delete(
    State(rack): State<Shared>,
    Path((app, text)): Path<(String, String)>,
) -> ApiResult {
    let key = Key::parse(&text)?;
    let app = rack.app(&app_name(app))?.name;
    objects::delete(&rack.directories.objects(&app), &key)?;
    done()
}

async fn list(State(rack): State<Shared>, Path(app): Path<String>, options: Options) -> ApiResult {
    let app = rack.app(&app_name(app))?.name;
    let prefix = options.query("prefix").unwrap_or_default();
    if prefix.split('/').any(|segment| segment == "..") {
        return Err(Refusal::bad_request("invalid prefix"));
    }
    json(&objects::list(&rack.directories.objects(&app), prefix))
}
