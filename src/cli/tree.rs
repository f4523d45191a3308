//! Every command, in the order of the help.

use clap::{Args as _, FromArgMatches};

use super::cloud::{self, VARIANTS};
use super::spec::Effect::{Serve, Write};
use super::spec::JsonForm::Events;
use super::spec::{CommandSpec, GroupSpec};
use crate::args::Racks;
use crate::args::Scope::{App, Rack};
use crate::args::Styles::Both;
use crate::args::Waits::{Always, Optional};
use crate::commands;
use convox_client::rack::compat::{LAST_WITHOUT_APP_RESOURCES, V3_24_6};

/// `command!("releases promote" => releases::promote, effect: Write, scope: App)`: the words, the
/// module with `Args` and `run`, and every property that differs from [`CommandSpec::new`].
macro_rules! command {
    ($path:literal => $($module:ident)::+ $(, $property:ident: $value:expr)*) => {
        CommandSpec {
            $($property: $value,)*
            ..CommandSpec::new(
                $path,
                commands::$($module)::+::Args::augment_args,
                |matches, cx| {
                    let args = commands::$($module)::+::Args::from_arg_matches(matches)?;
                    Ok(Box::pin(commands::$($module)::+::run(args, cx)))
                },
            )
        }
    };
}

/// The commands. Those below one word stand together.
pub(crate) static COMMANDS: &[CommandSpec] =
    &cloud::with_variants::<{ OWN.len() + VARIANTS.len() }>(OWN);

/// The commands without the variants for machines, which [`cloud`] adds.
#[rustfmt::skip] // a table: one line each
const OWN: &[CommandSpec] = &[
    command!("init" => init, effect: Write),
    command!("deploy" => deploy, effect: Write, scope: App, styles: Both, waits: Optional, json: Events, id: true),
    command!("deploy-debug" => deploy_debug, scope: App, watch: true, racks: Racks::V3),
    command!("build" => build, effect: Write, scope: App, waits: Always, json: Events, id: true),
    command!("builds" => builds::list, scope: App, watch: true),
    command!("builds info" => builds::info, scope: App),
    command!("builds export" => builds::export, effect: Write, only_asks: true, scope: App),
    command!("builds import" => builds::import, effect: Write, scope: App, id: true),
    command!("builds import-image" => builds::import_image, effect: Write, scope: App, id: true, racks: Racks::Since(V3_24_6)),
    command!("builds logs" => builds::logs, scope: App, waits: Always, json: Events, raw: true),
    command!("releases" => releases::list, scope: App, styles: Both, watch: true),
    command!("releases info" => releases::info, scope: App, reveal: true),
    command!("releases manifest" => releases::manifest, scope: App),
    command!("releases diff" => releases::diff, scope: App, reveal: true),
    command!("releases promote" => releases::promote, effect: Write, scope: App, styles: Both, waits: Optional),
    command!("releases rollback" => releases::rollback, effect: Write, scope: App, waits: Always, id: true),
    command!("releases create-from" => releases::create_from, effect: Write, scope: App, waits: Always),
    command!("apps" => apps::list, scope: Rack, styles: Both, watch: true),
    command!("apps create" => apps::create, effect: Write, scope: Rack),
    command!("apps delete" => apps::delete, effect: Write, scope: Rack),
    command!("apps info" => apps::info, scope: App),
    command!("apps cancel" => apps::cancel, effect: Write, scope: App),
    command!("apps lock" => apps::lock, effect: Write, scope: App),
    command!("apps unlock" => apps::unlock, effect: Write, scope: App),
    command!("apps params" => apps::params::list, scope: App),
    command!("apps params set" => apps::params::set, effect: Write, scope: App, waits: Always),
    command!("apps export" => apps::export, effect: Write, only_asks: true, scope: App),
    command!("apps import" => apps::import, effect: Write, scope: App, waits: Always),
    command!("apps wait" => apps::wait, effect: Write, only_asks: true, scope: App, waits: Always),
    command!("services" => services::list, scope: App, watch: true),
    command!("services restart" => services::restart, effect: Write, scope: App),
    command!("services update" => services::update, effect: Write, scope: App, waits: Always),
    command!("services triggers enable" => services::triggers::enable, effect: Write, scope: App, racks: Racks::Since(V3_24_6)),
    command!("services triggers disable" => services::triggers::disable, effect: Write, scope: App, racks: Racks::Since(V3_24_6)),
    command!("services triggers threshold-set" => services::triggers::threshold_set, effect: Write, scope: App, racks: Racks::Since(V3_24_6)),
    command!("scale" => scale, effect: Write, scope: App, waits: Always, watch: true),
    command!("restart" => restart, effect: Write, scope: App),
    command!("test" => test, effect: Write, scope: App, waits: Always),
    command!("balancers" => balancers, scope: App, watch: true, racks: Racks::V3),
    command!("budget show" => budget::show, scope: Rack, racks: Racks::Since(V3_24_6)),
    command!("budget set" => budget::set, effect: Write, scope: Rack, racks: Racks::Since(V3_24_6)),
    command!("budget cap raise" => budget::cap::raise, effect: Write, scope: Rack, racks: Racks::Since(V3_24_6)),
    command!("budget clear" => budget::clear, effect: Write, scope: Rack, racks: Racks::Since(V3_24_6)),
    command!("budget reset" => budget::reset, effect: Write, scope: Rack, racks: Racks::Since(V3_24_6)),
    command!("budget simulate-shutdown" => budget::simulate_shutdown, effect: Write, scope: Rack, racks: Racks::Since(V3_24_6)),
    command!("budget dismiss-recovery" => budget::dismiss_recovery, effect: Write, scope: Rack, racks: Racks::Since(V3_24_6)),
    command!("cost" => cost, scope: App, racks: Racks::Since(V3_24_6)),
    command!("config get" => config::get, scope: App, racks: Racks::V3),
    command!("config set" => config::set, effect: Write, scope: App, racks: Racks::V3),
    command!("configs" => configs, scope: App, watch: true, racks: Racks::V3),
    command!("env" => env::list, scope: App, watch: true, reveal: true),
    command!("env get" => env::get, scope: App),
    command!("env set" => env::set, effect: Write, scope: App, waits: Always, id: true),
    command!("env unset" => env::unset, effect: Write, scope: App, waits: Always, id: true),
    command!("env edit" => env::edit, effect: Write, scope: App, waits: Always, id: true),
    command!("env mask" => env::mask::list, scope: App, racks: Racks::V3),
    command!("env mask set" => env::mask::set, effect: Write, scope: App, racks: Racks::V3),
    command!("env mask unset" => env::mask::unset, effect: Write, scope: App, racks: Racks::V3),
    command!("status" => status, scope: App, watch: true),
    command!("open" => open, scope: App),
    command!("logs" => logs, scope: App, json: Events, raw: true, many_apps: true),
    command!("ps" => ps::list, scope: App, watch: true),
    command!("ps info" => ps::info, scope: App, watch: true),
    command!("ps stop" => ps::stop, effect: Write, scope: App),
    command!("exec" => exec, effect: Write, scope: App, foreign_from: Some(1)),
    command!("run" => run, effect: Write, scope: App, id: true, foreign_from: Some(1)),
    command!("cp" => cp, effect: Write, scope: App),
    command!("proxy" => proxy, effect: Serve, only_asks: true, scope: Rack),
    command!("resources" => resources::list, scope: App, watch: true, reveal: true, racks: Racks::After(LAST_WITHOUT_APP_RESOURCES)),
    command!("resources info" => resources::info, scope: App, reveal: true, racks: Racks::After(LAST_WITHOUT_APP_RESOURCES)),
    command!("resources url" => resources::url, scope: App, racks: Racks::After(LAST_WITHOUT_APP_RESOURCES)),
    command!("resources console" => resources::console, effect: Write, only_asks: true, scope: App, racks: Racks::V3),
    command!("resources export" => resources::export, effect: Write, only_asks: true, scope: App, racks: Racks::V3),
    command!("resources import" => resources::import, effect: Write, scope: App, racks: Racks::V3),
    command!("resources proxy" => resources::proxy, effect: Serve, only_asks: true, scope: App, racks: Racks::After(LAST_WITHOUT_APP_RESOURCES)),
    command!("resources db delete" => resources::db::delete, effect: Write, scope: Rack, hidden: true, racks: Racks::V2),
    command!("certs" => certs::list, scope: Rack, watch: true),
    command!("certs generate" => certs::generate, effect: Write, scope: Rack, id: true),
    command!("certs import" => certs::import, effect: Write, scope: Rack, id: true),
    command!("certs delete" => certs::delete, effect: Write, scope: Rack),
    command!("certs renew" => certs::renew, effect: Write, scope: App, racks: Racks::V3),
    command!("letsencrypt dns route53 add" => letsencrypt::add, effect: Write, scope: Rack, racks: Racks::V3),
    command!("letsencrypt dns route53 update" => letsencrypt::update, effect: Write, scope: Rack, racks: Racks::V3),
    command!("letsencrypt dns route53 delete" => letsencrypt::delete, effect: Write, scope: Rack, racks: Racks::V3),
    command!("letsencrypt dns route53 list" => letsencrypt::list, scope: Rack, racks: Racks::V3),
    command!("letsencrypt dns route53 role" => letsencrypt::role, scope: Rack, racks: Racks::V3),
    command!("ssl" => ssl::list, scope: App),
    command!("ssl update" => ssl::update, effect: Write, scope: App, waits: Always, racks: Racks::V2),
    command!("instances" => instances::list, scope: Rack, watch: true),
    command!("instances keyroll" => instances::keyroll, effect: Write, scope: Rack, waits: Always),
    command!("instances ssh" => instances::ssh, effect: Write, scope: Rack, foreign_from: Some(1)),
    command!("instances terminate" => instances::terminate, effect: Write, scope: Rack),
    command!("registries" => registries::list, scope: Rack, watch: true),
    command!("registries add" => registries::add, effect: Write, scope: Rack),
    command!("registries remove" => registries::remove, effect: Write, scope: Rack),
    command!("rack" => rack::info, scope: Rack, watch: true),
    command!("rack access" => rack::access::token, effect: Write, only_asks: true, scope: Rack),
    command!("rack access key rotate" => rack::access::key_rotate, effect: Write, scope: Rack),
    command!("rack karpenter cleanup" => rack::karpenter_cleanup, effect: Write, scope: Rack, racks: Racks::V3),
    command!("rack kubeconfig" => rack::kubeconfig, scope: Rack, racks: Racks::V3),
    command!("rack logs" => rack::logs, scope: Rack, json: Events, raw: true),
    command!("rack ps" => rack::ps, scope: Rack),
    command!("rack releases" => rack::releases, scope: Rack, racks: Racks::V2),
    command!("rack scale" => rack::scale, effect: Write, scope: Rack, racks: Racks::V2),
    command!("rack params" => rack::params::list, scope: Rack, reveal: true),
    command!("rack params set" => rack::params::set, effect: Write, scope: Rack, waits: Optional),
    command!("rack runtimes" => rack::runtimes, scope: Rack, racks: Racks::Console),
    command!("rack runtime attach" => rack::runtime_attach, effect: Write, scope: Rack, racks: Racks::Console),
    command!("rack update" => rack::update, effect: Write, scope: Rack, waits: Optional),
    command!("rack sync" => rack::sync, effect: Write, scope: Rack, racks: Racks::V2),
    command!("rack sync whitelist instances ip" => rack::sync_whitelist, effect: Write, scope: Rack, racks: Racks::V2),
    command!("rack wait" => rack::wait, effect: Write, only_asks: true, scope: Rack, waits: Always),
    command!("rack resources" => rack::resources::list, scope: Rack, watch: true, hidden: true),
    command!("rack resources create" => rack::resources::create, effect: Write, scope: Rack, waits: Optional, hidden: true),
    command!("rack resources delete" => rack::resources::delete, effect: Write, scope: Rack, waits: Optional, hidden: true),
    command!("rack resources info" => rack::resources::info, scope: Rack, hidden: true),
    command!("rack resources link" => rack::resources::link, effect: Write, scope: App, waits: Optional, hidden: true, racks: Racks::V2),
    command!("rack resources options" => rack::resources::options, scope: Rack, hidden: true),
    command!("rack resources proxy" => rack::resources::proxy, effect: Serve, only_asks: true, scope: Rack, hidden: true),
    command!("rack resources types" => rack::resources::types, scope: Rack, hidden: true),
    command!("rack resources unlink" => rack::resources::unlink, effect: Write, scope: App, waits: Optional, hidden: true, racks: Racks::V2),
    command!("rack resources update" => rack::resources::update, effect: Write, scope: Rack, waits: Optional, hidden: true, racks: Racks::V2),
    command!("rack resources url" => rack::resources::url, scope: Rack, hidden: true),
    command!("rack start" => rack::start, effect: Serve, racks: Racks::Dev),
    command!("rack stop" => rack::stop, effect: Write, racks: Racks::Dev),
    command!("rack status" => rack::status, reveal: true, racks: Racks::Dev),
    command!("rack prune" => rack::prune, effect: Write, racks: Racks::Dev),
    command!("runtimes" => runtimes, racks: Racks::Console),
    command!("workflows" => workflows::list, scope: Rack, racks: Racks::Console),
    command!("workflows run" => workflows::run, effect: Write, scope: App, racks: Racks::Console),
    command!("racks" => racks, watch: true),
    command!("switch" => switch, effect: Write),
    command!("login" => login, effect: Write, racks: Racks::Console),
    command!("version" => version, scope: Rack),
    command!("api get" => api::get, scope: Rack),
    command!("encrypt" => encrypt),
    command!("decrypt" => decrypt),
    command!("completions" => completions),
    command!("man" => man),
    command!("cloud machines" => cloud::machines, watch: true, racks: Racks::Console),
];

/// Words that are no commands themselves but group others.
#[rustfmt::skip] // a table
pub(crate) static GROUPS: &[GroupSpec] = &[
    GroupSpec { path: "api", about: "Send requests to the rack's API" },
    GroupSpec { path: "budget", about: "Show and change the budget of an app" },
    GroupSpec { path: "budget cap", about: "Change the cap of a budget" },
    GroupSpec { path: "cloud", about: "List the machines of a console, and use apps on them" },
    GroupSpec { path: "cloud budget", about: "Change the budget of an app on a machine" },
    GroupSpec { path: "cloud budget cap", about: "Change the cap of a budget" },
    GroupSpec { path: "cloud config", about: "Show and change the config files of an app on a machine" },
    GroupSpec { path: "cloud services triggers", about: "Change what makes an autoscaled service scale" },
    GroupSpec { path: "config", about: "Show and change the config files of an app; its variables are in env" },
    GroupSpec { path: "letsencrypt", about: "Let racks get certificates from Let's Encrypt" },
    GroupSpec { path: "letsencrypt dns", about: "Change how the owner of a domain is verified" },
    GroupSpec {
        path: "letsencrypt dns route53",
        about: "Show and change the Route 53 zones in which a rack verifies domains",
    },
    GroupSpec { path: "rack access key", about: "Change the key of a rack's tokens" },
    GroupSpec { path: "rack karpenter", about: "Clean up after Karpenter" },
    GroupSpec { path: "rack runtime", about: "Change the cloud account of a rack" },
    GroupSpec { path: "resources db", about: "Delete databases of v2 racks" },
    GroupSpec { path: "rack sync whitelist", about: "Update the addresses that may reach a rack" },
    GroupSpec { path: "rack sync whitelist instances", about: "Update the addresses of a rack's instances" },
    GroupSpec { path: "services triggers", about: "Change what makes an autoscaled service scale" },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::args::Scope;

    #[test]
    fn each_command_is_listed_once() {
        let paths: BTreeSet<&str> = COMMANDS.iter().map(|spec| spec.path).collect();
        assert_eq!(paths.len(), COMMANDS.len());
    }

    #[test]
    fn what_needs_no_rack_names_none_but_the_development_rack_or_the_console() {
        for spec in COMMANDS.iter().filter(|spec| spec.scope == Scope::Local) {
            let fits = matches!(spec.racks, Racks::All | Racks::Dev | Racks::Console);
            assert!(fits, "{} is for {}", spec.path, spec.works_on());
        }
    }

    #[test]
    fn descriptions_leave_it_to_the_properties_on_which_racks_a_command_works() {
        for spec in COMMANDS {
            let command = (spec.augment)(clap::Command::new("x"));
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.contains("racks)") && !about.contains(" on)"), "{about}");
        }
    }

    #[test]
    fn commands_below_one_word_stand_together_and_the_word_itself_comes_first() {
        let mut seen: Vec<&str> = Vec::new();
        for spec in COMMANDS {
            let first = spec.words().next().unwrap();
            if seen.last() != Some(&first) {
                assert!(!seen.contains(&first), "{first} is listed in two places");
                seen.push(first);
            } else {
                assert_ne!(spec.path, first, "{first} comes after its subcommands");
            }
        }
    }

    #[test]
    fn each_word_above_a_command_is_a_command_or_a_group_with_a_description() {
        for spec in COMMANDS {
            let words: Vec<&str> = spec.words().collect();
            for length in 1..words.len() {
                let above = words[..length].join(" ");
                let is_command = COMMANDS.iter().any(|other| other.path == above);
                let is_group = GROUPS.iter().any(|group| group.path == above);
                assert!(is_command != is_group, "{above}");
            }
        }
        assert!(GROUPS.iter().all(|group| !group.about.is_empty()));
    }
}
