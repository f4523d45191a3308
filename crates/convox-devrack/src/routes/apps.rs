use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};

use super::{ApiResult, app_name, done, json};
use crate::builds::living_app;
use crate::error::Refusal;
use crate::options::Options;
use crate::rack::{Shared, run_to_completion};
use crate::serve::Routes;
use crate::{lifecycle, rollouts, store};
use convox_wire::{App, AppName};

const RESERVED: [&str; 2] = ["rack", "system"];
/// The length of a DNS label: RFC 1123, section 2.1, and RFC 1035.
const MAX_NAME: usize = 63;

pub(super) fn authenticated() -> Routes {
    Router::new()
        .route("/apps", get(list).post(create))
        .route("/apps/{app}", get(info).put(update).delete(delete))
        .route("/apps/{app}/cancel", post(cancel))
}

async fn list(State(rack): State<Shared>) -> ApiResult {
    let apps = rack.store.read(store::all_apps)?;
    json(&apps.iter().map(|app| app.to_wire()).collect::<Vec<App>>())
}

async fn create(State(rack): State<Shared>, options: Options) -> ApiResult {
    let name = checked_name(options.named("name").unwrap_or_default())?;
    let app = run_to_completion(lifecycle::create(rack, name)).await?;
    json(&app.to_wire())
}

fn checked_name(text: String) -> Result<AppName, Refusal> {
    if RESERVED.contains(&text.as_str()) {
        return Err(Refusal::bad_request(format!("app name is reserved: {text}")));
    }
    let label = |text: &str| {
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
    };
    if text.is_empty() || text.len() > MAX_NAME || !label(&text) {
        return Err(Refusal::bad_request(format!(
            "invalid app name: {text:?} (lower-case letters, digits and inner hyphens, at most \
             {MAX_NAME} characters, for example convox-guide)"
        )));
    }
    Ok(AppName::from_rack(text))
}

async fn info(State(rack): State<Shared>, Path(app): Path<String>) -> ApiResult {
    json(&rack.app(&app_name(app))?.to_wire())
}

/// Locks or unlocks the app. Unknown parameters are ignored, as on v3 racks; this rack has none.
async fn update(
    State(rack): State<Shared>,
    Path(app): Path<String>,
    options: Options,
) -> ApiResult {
    let name = app_name(app);
    let Some(locked) = options.text("lock").map(|text| text == "true") else {
        rack.app(&name)?;
        return done();
    };
    let lock = rack.store.write(move |tx| {
        let mut app = living_app(tx, &name)?;
        app.locked = locked;
        Ok::<_, Refusal>(store::put_app(tx, &app)?)
    });
    lock.await?;
    done()
}

async fn delete(State(rack): State<Shared>, Path(app): Path<String>) -> ApiResult {
    run_to_completion(lifecycle::delete(rack, app_name(app))).await?;
    done()
}

async fn cancel(State(rack): State<Shared>, Path(app): Path<String>) -> ApiResult {
    let app = rack.app(&app_name(app))?;
    rollouts::cancel(&rack, &app)?;
    done()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;

    #[test]
    fn app_names_are_dns_labels_and_not_reserved() {
        for good in ["web", "a", "convox-guide", "4ever", &"x".repeat(63)] {
            assert!(checked_name(good.to_owned()).is_ok(), "{good}");
        }
        let long = "x".repeat(64);
        for bad in ["", "Web", "a b", "a_b", "-a", "a-", "a/b", "..", "ü", "rack", "system", &long]
        {
            let refusal = checked_name(bad.to_owned()).unwrap_err();
            assert_eq!(refusal.status, StatusCode::BAD_REQUEST, "{bad}");
        }
    }
}
