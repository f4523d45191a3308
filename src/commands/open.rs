use serde::Serialize;

use crate::context::Context;
use crate::error::{CommandError, Hint};
use crate::outcome::Outcome;
use crate::output::{Render, RenderContext, View};
use crate::programs::browser;
use convox_wire::{AppName, Service, ServiceName};

/// Open the address of a service in the browser
///
/// The browser is $BROWSER, or that of the system.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  convox open\n  curl \"$(convox open web --print)\"")]
pub(crate) struct Args {
    /// Service to open; defaults to the only one with an address, or else to web
    #[arg(value_name = "SERVICE")]
    service: Option<ServiceName>,
    /// Print the address instead
    #[arg(long)]
    print: bool,
}

/// The service that is opened if several have an address.
const MAIN: &str = "web";

pub(crate) async fn run(args: Args, cx: &Context) -> Result<Outcome, CommandError> {
    let app = cx.app()?;
    let services = cx.rack().await?.services(&app).await?;
    let service = choose(&app, &services, args.service.as_ref())?;
    let Some(url) = address(service) else {
        return Err(CommandError::new(format!("service {} has no address", service.name))
            .hint(Hint::command("list the services with", "services").app(&app)));
    };
    let address = Address { app, service: service.name.clone(), url };
    if args.print {
        return Ok(Outcome::render(address));
    }
    let program = cx.settings.env.browser.clone();
    let url = address.url.clone();
    cx.step(format!("Opening {}", address.url), async move {
        let opened = tokio::task::spawn_blocking(move || browser::open(program, &url));
        let opened = opened.await.map_err(|error| CommandError::while_doing("opening", error))?;
        opened.map_err(|error| {
            CommandError::from(error)
                .hint("set BROWSER to the program to use, or print the address with --print")
        })
    })
    .await?;
    Ok(Outcome::json(address))
}

#[derive(Serialize)]
struct Address {
    app: AppName,
    service: ServiceName,
    url: String,
}

impl Render for Address {
    fn render(&self, _rc: &RenderContext) -> View {
        View::Data(self.url.clone())
    }
}

fn choose<'a>(
    app: &AppName,
    services: &'a [Service],
    name: Option<&ServiceName>,
) -> Result<&'a Service, CommandError> {
    let list = || Hint::command("list the services with", "services").app(app);
    if let Some(name) = name {
        let found = services.iter().find(|service| service.name == *name);
        let missing = || CommandError::new(format!("no such service: {name}")).hint(list());
        return found.ok_or_else(missing);
    }
    let reachable: Vec<&Service> =
        services.iter().filter(|service| address(service).is_some()).collect();
    let main = reachable.iter().find(|service| service.name.as_str() == MAIN);
    match (reachable.as_slice(), main) {
        ([only], _) => Ok(only),
        (_, Some(main)) => Ok(main),
        ([], _) => {
            Err(CommandError::new(format!("no service of {app} has an address")).hint(list()))
        }
        (several, _) => {
            let names: Vec<&str> = several.iter().map(|service| service.name.as_str()).collect();
            Err(CommandError::new(format!(
                "several services have an address: {}",
                names.join(", ")
            ))
            .hint(Hint::command("choose one", "open").arg(names[0]).app(app)))
        }
    }
}

/// The URL of a service: over HTTPS if its router has port 443.
fn address(service: &Service) -> Option<String> {
    let domain = service.domain.as_ref()?;
    // The development rack gives the port with the address.
    let has_port = domain.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let has = |port| service.ports.iter().any(|known| known.balancer == port);
    let first = service.ports.iter().map(|port| port.balancer).find(|port| *port != 0);
    Some(match first {
        _ if has_port => format!("http://{domain}"),
        _ if has(443) => format!("https://{domain}"),
        Some(port) if port != 80 => format!("http://{domain}:{port}"),
        _ => format!("http://{domain}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, domain: &str, ports: &[u32]) -> Service {
        let ports: Vec<String> =
            ports.iter().map(|port| format!(r#"{{"balancer":{port},"container":3000}}"#)).collect();
        let ports = ports.join(",");
        let json = format!(r#"{{"name":"{name}","domain":"{domain}","ports":[{ports}]}}"#);
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn the_address_follows_from_the_ports_of_the_router() {
        for (domain, ports, url) in [
            ("web.example.org", &[80, 443][..], "https://web.example.org"),
            ("web.example.org", &[80], "http://web.example.org"),
            ("web.example.org", &[8080], "http://web.example.org:8080"),
            ("127.0.0.1:41234", &[41234], "http://127.0.0.1:41234"),
        ] {
            assert_eq!(address(&service("web", domain, ports)).as_deref(), Some(url));
        }
        assert_eq!(address(&service("worker", "", &[])), None);
    }

    #[test]
    fn without_a_name_the_only_service_with_an_address_is_opened_or_else_web() {
        let app: AppName = "shop".parse().unwrap();
        let (api, web) = (service("api", "a.test", &[443]), service("web", "w.test", &[443]));
        let (admin, worker) = (service("admin", "b.test", &[443]), service("worker", "", &[]));
        let name = |services: &[Service]| {
            choose(&app, services, None).map(|service| service.name.to_string()).ok()
        };
        assert_eq!(name(&[worker.clone(), api.clone()]).as_deref(), Some("api"));
        assert_eq!(name(&[api.clone(), web]).as_deref(), Some("web"));
        assert_eq!(name(&[api, admin]), None);
        assert_eq!(name(&[worker]), None);
    }
}
