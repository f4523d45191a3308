use super::{rack, url_of};
use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::flows::proxy::{Target, serve};
use crate::outcome::Outcome;
use convox_wire::ResourceName;

/// Make a resource available on this machine
///
/// Listens on 127.0.0.1, on the port of the resource unless another one is given, until it is
/// interrupted.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox resources proxy database\n  \
                        convox resources proxy database --port 15432")]
pub(crate) struct Args {
    /// Name of the resource
    resource: ResourceName,
    /// Local port
    #[arg(short, long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    #[arg(short, long, hide = true)]
    tls: bool,
}

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let rack = rack(cx).await?;
    let url = url_of(&rack, &app, &args.resource).await?;
    let target = target(&url, args.port).ok_or_else(|| {
        CommandError::new(format!("unknown port for the url of resource {}", args.resource))
            .hint(Hint::command("print it with", "resources url").arg(&args.resource).app(&app))
    })?;
    serve(cx, &rack, vec![target]).await?;
    Ok(Outcome::streamed())
}

/// What a URL leads to, if that is known. It is served at its own port unless another is given.
pub(crate) fn target(url: &str, local: Option<u16>) -> Option<Target> {
    let (host, port) = address(url)?;
    Some(Target { local: local.unwrap_or(port), host, port })
}

/// The host and the port of a URL, which may have a password with unescaped characters.
fn address(url: &str) -> Option<(String, u16)> {
    let url = if url.contains("://") { url.to_owned() } else { format!("tcp://{url}") };
    let parsed = url::Url::parse(&url).ok().filter(url::Url::has_host).or_else(|| {
        let (scheme, rest) = url.split_once("://")?;
        let (_, address) = rest.rsplit_once('@')?;
        url::Url::parse(&format!("{scheme}://{address}")).ok()
    })?;
    let host = parsed.host_str()?.trim_matches(['[', ']']).to_owned();
    let port = parsed.port_or_known_default().or_else(|| default_port(parsed.scheme()))?;
    Some((host, port)).filter(|(host, _)| !host.is_empty())
}

fn default_port(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "postgres" | "postgresql" => 5432,
        "mysql" | "mariadb" => 3306,
        "redis" | "rediss" => 6379,
        "memcached" => 11211,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_resource_is_found_in_its_url() {
        for (url, expected) in [
            ("postgres://u:p@db.internal:5433/app", Some(("db.internal", 5433))),
            ("postgres://u:p/w?x#y@db.internal:5433/app", Some(("db.internal", 5433))),
            ("postgres://u:p@db.internal/app", Some(("db.internal", 5432))),
            ("redis://cache:6379/0?name=a@b", Some(("cache", 6379))),
            ("https://search.internal", Some(("search.internal", 443))),
            ("cache.internal:11211", Some(("cache.internal", 11211))),
            ("redis://[fd00::1]:6379", Some(("fd00::1", 6379))),
            ("amqp://queue.internal", None),
            ("nonsense", None),
        ] {
            let expected = expected.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(address(url), expected, "{url}");
        }
    }
}
