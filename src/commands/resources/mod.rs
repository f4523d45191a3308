pub(crate) mod console;
pub(crate) mod db;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod info;
pub(crate) mod list;
pub(crate) mod proxy;
pub(crate) mod url;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use convox_client::rack::Rack;
use convox_wire::{AppName, Resource, ResourceName};

/// The rack, if its apps can have resources.
async fn rack(cx: &Context) -> Result<Rack, CommandError> {
    let rack = cx.rack().await?;
    if rack.compat().await?.has_app_resources() {
        return Ok(rack);
    }
    Err(CommandError::new("command unavailable, please upgrade this rack"))
}

/// The URL of a resource.
async fn url_of(rack: &Rack, app: &AppName, name: &ResourceName) -> Result<String, CommandError> {
    let resource = rack.resource(app, name).await?;
    resource.url.ok_or_else(|| {
        CommandError::new(format!("no url for resource: {name}"))
            .hint(Hint::command("show it with", "resources info").arg(name).app(app))
    })
}

/// Hides the password in the URL of a resource.
fn without_password(mut resource: Resource) -> Resource {
    resource.url = resource.url.map(|url| masked(&url));
    resource
}

fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((credentials, host)) = rest.rsplit_once('@') else { return url.to_owned() };
    match credentials.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:****@{host}"),
        None => format!("{scheme}://****@{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_a_url_is_hidden_whatever_it_contains() {
        for (url, expected) in [
            ("postgres://u:s3cret@h:5432/d", "postgres://u:****@h:5432/d"),
            ("postgres://u:a@b/c:d@h:5432/d", "postgres://u:****@h:5432/d"),
            ("redis://:s3cret@h:6379/0", "redis://:****@h:6379/0"),
            ("https://token@h/", "https://****@h/"),
            ("redis://h:6379/0", "redis://h:6379/0"),
            ("h:11211", "h:11211"),
        ] {
            assert_eq!(masked(url), expected);
        }
    }
}
