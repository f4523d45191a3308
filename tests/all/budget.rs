//! `budget` and its subcommands.

use snapbox::str;

use crate::support::{MockServer, Request, Response, Story, ordinary};

const BUDGET: &str = r#"{"config":{"monthly-cap-usd":250,"alert-threshold-percent":75,
    "at-cap-action":"auto-shutdown","pricing-adjustment":0.9},
    "state":{"month-start":"2026-02-01T00:00:00Z","current-month-spend-usd":61.25,
    "current-month-spend-as-of":"2026-02-11T10:00:00Z","circuit-breaker-tripped":true,
    "per-service-spend-usd":{"my-web":61.25}}}"#;

/// The answers of a rack with a budget.
fn answer(ask: &Request) -> Response {
    match ask.line.as_str() {
        "GET /apps/web/budget" => Response::json(BUDGET),
        "GET /apps/web/cost" => Response::json(r#"{"app":"web","spend-usd":61.25}"#),
        "GET /apps/web/budget/shutdown-state" => Response::json("null"),
        "POST /apps/web/budget" | "DELETE /apps/web/budget" | "POST /apps/web/budget/reset" => {
            Response::refusal(200, "ok\n")
        }
        "POST /apps/web/budget/dismiss-recovery" => {
            Response::json(r#"{"app":"web","status":"dismissed"}"#)
        }
        "POST /apps/web/budget/simulate-shutdown" => Response::json(
            r#"{"app":"web","at-cap-action":"auto-shutdown","webhook-url":"https://hooks.test",
                "notify-before-minutes":30,"shutdown-grace-period":"5m",
                "shutdown-order":"largest-cost","recovery-mode":"auto-on-reset","eligibility":[
                {"service":"web","eligible":true,"replicas":2,"cost-usd-per-hour":0.12},
                {"service":"job","eligible":false,"reason":"never-auto-shutdown"},
                {"service":"tiny","eligible":true,"replicas":1,"cost-usd-per-hour":0.0004}],
                "would-shut-down-services":["web","tiny"],"would-shut-down-count":2,
                "estimated-cost-saved-usd-per-hour":0.1204,
                "simulated-at":"2026-02-11T10:00:00Z"}"#,
        ),
        _ => ordinary(ask),
    }
}

/// Like [`answer`], with this state of the shutdown.
fn shut_down(state: &'static str) -> MockServer {
    MockServer::new(move |ask| match ask.line.as_str() {
        "GET /apps/web/budget/shutdown-state" => Response::json(state),
        _ => answer(ask),
    })
}

fn story(fake: &MockServer) -> Story {
    let mut story = Story::against(fake);
    story.set("USER", "ada");
    story
}

#[test]
fn a_budget_is_shown_with_the_words_of_the_rack() {
    let fake = MockServer::new(answer);
    let story = story(&fake);
    story.run("convox budget show web").prints(str![[r#"
{
  "config": {
    "monthly-cap-usd": 250,
    "alert-threshold-percent": 75,
    "at-cap-action": "auto-shutdown",
    "pricing-adjustment": 0.9
  },
  "state": {
    "month-start": "TIME",
    "current-month-spend-usd": 61.25,
    "current-month-spend-as-of": "TIME",
    "alert-fired-at-threshold": "TIME",
    "alert-fired-at-cap": "TIME",
    "circuit-breaker-tripped": true,
    "circuit-breaker-ack-at": "TIME",
    "per-service-spend-usd": {
      "my-web": 61.25
    }
  }
}
"#]]);
    let json = story.run("convox budget show web --json").json();
    assert_eq!(json["config"]["monthly_cap_usd"], 250);
    assert_eq!(json["state"]["circuit_breaker_tripped"], true);
    assert_eq!(json["state"]["circuit_breaker_ack_at"], serde_json::Value::Null);
    assert_eq!(json["state"]["per_service_spend_usd"], serde_json::json!({"my-web": 61.25}));
}

#[test]
fn a_shutdown_has_a_line_above_the_budget() {
    for (state, expected) in [
        (
            r#"{"shutdownAt":"2026-02-11T10:00:00Z","services":[{"name":"a"},{"name":"b"}]}"#,
            "[ACTIVE] Auto-shutdown ACTIVE for web. 2 services scaled to 0 at \
             TIME. Run `convox budget reset web` to restore.\n{",
        ),
        (
            r#"{"shutdownAt":"2026-02-11T10:00:00Z","restoredAt":"2026-02-12T10:00:00Z",
                "flapSuppressedUntil":"2026-02-13T00:00:00Z","services":[]}"#,
            "[RECOVERED] Auto-shutdown RECOVERED for web at TIME. Cooldown until \
             TIME. Run `convox budget dismiss-recovery web` to clear banner.\n{",
        ),
        (
            r#"{"armedAt":"2026-02-11T10:00:00Z","failedNotificationFiredAt":"2026-02-12T10:00:00Z",
                "failureReason":"api","services":[]}"#,
            "[FAILED] Auto-shutdown FAILED for web. Reason: api. Run `convox budget reset web` to \
             clear state.\n{",
        ),
        (
            r#"{"armedAt":"2026-02-11T10:00:00Z","services":[]}"#,
            "[ARMED] Auto-shutdown ARMED for web. Services will scale to 0 at \
             TIME. Run `convox budget cap raise --monthly-cap-usd <higher> web` or \
             `convox budget reset web` to abort.\n{",
        ),
        (r#"{"armedAt":"2026-02-11T10:00:00Z","notifyBeforeMinutes":9223372036854775807}"#, "{"),
    ] {
        let fake = shut_down(state);
        let ran = story(&fake).run("convox budget show web");
        ran.ok();
        assert!(ran.out.starts_with(expected), "{ran}");
    }
}

#[test]
fn changes_say_who_made_them() {
    let fake = MockServer::new(answer);
    let mut story = story(&fake);
    story
        .run("convox budget set web --monthly-cap 99.50")
        .prints(str!["Setting budget for web... OK"]);
    let sent = fake.one("POST /apps/web/budget").text();
    assert_eq!(
        sent,
        "monthly-cap-usd=99.5&alert-threshold-percent=80&at-cap-action=alert-only&ack_by=ada"
    );
    story.set("CONVOX_ACTOR", "bot");
    story
        .run("convox budget reset web --force --force-clear-cooldown")
        .prints(str!["Resetting budget for web... OK"]);
    let sent = fake.one("POST /apps/web/budget/reset").text();
    assert_eq!(sent, "force_clear_cooldown=true&ack_by=bot");
    let ran = story.run("convox budget clear web --ack-by eve");
    ran.code(0).err(str!["WARNING: --ack-by is deprecated; ack_by is now derived from your JWT identity. Flag will be rejected in 3.25.0."]);
    assert_eq!(fake.one("DELETE /apps/web/budget").text(), "ack_by=eve");
    story.run("convox budget dismiss-recovery web").prints(str!["Banner dismissed for web."]);
    story
        .run("convox budget cap raise web --monthly-cap-usd 900")
        .prints(str!["Raising monthly cap for web... OK"]);
    let sent = fake.requests().pop().unwrap();
    assert_eq!(sent.text(), "monthly-cap-usd=900&ack_by=bot");
    for line in ["budget set web --pricing-adjustment 1.2", "budget clear web"] {
        let changed = story.run(&format!("convox {line} --json")).json();
        assert_eq!(changed, serde_json::json!({"app": "web"}), "{line}");
    }
}

#[test]
fn a_cap_that_takes_effect_at_once_and_a_shutdown_are_warned_about() {
    let fake = MockServer::new(answer);
    let story = story(&fake);
    let ran = story.run("convox budget set web --monthly-cap 10 --at-cap-action auto-shutdown");
    ran.code(0).err(str![[r#"
WARNING: --monthly-cap=$10.00 is below current month-to-date spend $61.25. Cap will trip immediately on next accumulator tick.
WARNING: auto-shutdown will scale eligible services to 0 replicas at cap breach. Verify your atCapWebhookUrl is configured (configured in convox.yml budget block) and your team is paged on :armed events. Run 'convox budget simulate-shutdown <app>' to validate the configuration.
NOTE: services with KEDA idleReplicaCount: 0 will return to KEDA-driven scaling at restore and may scale back to 0 if triggers are inactive. This is the user's KEDA config working as intended.
"#]]);
    let ran = story.run("convox budget cap raise web --monthly-cap 20");
    ran.code(0).err(str!["WARNING: --monthly-cap-usd=$20.00 is below current month-to-date spend $61.25. Cap will trip immediately on next accumulator tick."]);
}

#[test]
fn a_budget_that_makes_no_sense_is_not_sent() {
    let fake = MockServer::new(answer);
    let story = story(&fake);
    let set = "convox budget set web";
    story.run(set).fails(str!["ERROR: --monthly-cap or --pricing-adjustment is required"]);
    story
        .run(&format!("{set} --alert-at 50"))
        .fails(str!["ERROR: --alert-at and --at-cap-action require --monthly-cap"]);
    story
        .run(&format!("{set} --monthly-cap lots"))
        .fails(str![[r#"ERROR: --monthly-cap must be a number: "lots""#]]);
    story
        .run(&format!("{set} --monthly-cap NaN"))
        .fails(str!["ERROR: --monthly-cap must be a finite number"]);
    story
        .run(&format!("{set} --pricing-adjustment inf"))
        .fails(str!["ERROR: --pricing-adjustment must be a finite number"]);
    story.run(&format!("{set} --monthly-cap 5 --at-cap-action panic")).fails(str![[
        r#"ERROR: --at-cap-action must be "alert-only", "block-new-deploys", or "auto-shutdown""#
    ]]);
    story.run("convox budget cap raise web").fails(str!["ERROR: --monthly-cap-usd is required"]);
    story.run("convox budget show").code(2);
    assert!(fake.requests().is_empty());
}

#[test]
fn a_reset_is_confirmed_at_a_terminal() {
    let fake = MockServer::new(answer);
    let story = story(&fake);
    story.run("convox budget reset web").fails(str!["ERROR: refusing to prompt for confirmation on non-interactive stdin; pass --force to proceed"]);
    let mut terminal = story.on_terminal("convox budget reset web");
    terminal.shows("Continue? [y/N]: ");
    terminal.types("n\r");
    let (code, shown) = terminal.end();
    assert!(code == 1 && shown.contains("ERROR: aborted"), "{shown}");
    assert!(fake.requests().is_empty());
    let mut terminal = story.on_terminal("convox budget reset web");
    terminal.shows("Continue? [y/N]: ");
    terminal.types("yes\r");
    let (code, shown) = terminal.end();
    assert!(code == 0 && shown.contains("Resetting budget for web... OK"), "{shown}");
    assert_eq!(fake.count("POST /apps/web/budget/reset"), 1);
}

#[test]
fn a_simulation_lists_what_would_be_stopped() {
    let fake = MockServer::new(answer);
    let story = story(&fake);
    story.run("convox budget simulate-shutdown web").prints(str![[r#"
Simulating auto-shutdown for web...

Configuration:
  at_cap_action: auto-shutdown
  webhook URL: https://hooks.test
  notify_before_minutes: 30
  shutdown_grace_period: 5m
  shutdown_order: largest-cost
  recovery_mode: auto-on-reset

Eligibility:
  web: ELIGIBLE -- replicas=2, cost=$0.12/hr
  job: EXEMPT (never-auto-shutdown)
  tiny: ELIGIBLE -- replicas=1, cost=—/hr
— : low-spend rates rounded to —; see Spend column for actual cost.

Shutdown order (largest-cost):
  1. web -- would scale to 0
  2. tiny -- would scale to 0

Estimated savings: $0.12/hr

Webhook payload sent (dry_run=true):
  See app:budget:auto-shutdown:simulated event in your atCapWebhookUrl webhook delivery and rack log aggregation

Status: SIMULATION COMPLETE. No changes made.
"#]]);
    let json = story.run("convox budget simulate-shutdown web --json").json();
    assert_eq!(json["eligibility"][0]["cost_usd_per_hour"], 0.12);
}

#[test]
fn racks_without_budgets_say_so() {
    let fake = MockServer::new(ordinary);
    let old = Story::against(&fake);
    old.run("convox budget show web")
        .fails(str!["ERROR: budget caps requires rack version 3.24.6 or later"]);
    old.run("convox budget simulate-shutdown web")
        .fails(str!["ERROR: budget simulate-shutdown requires rack version 3.24.6 or later"]);
    old.run("convox budget dismiss-recovery web")
        .fails(str!["ERROR: budget dismiss-recovery requires rack version 3.24.6 or later"]);
    let dev = Story::deployed("web");
    dev.run("convox budget show web").prints(str!["no budget configured for web"]);
    dev.run("convox budget show shop").fails(str![[r#"
ERROR: app not found: shop
HINT: list apps with: convox apps
"#]]);
    dev.run("convox budget set web --monthly-cap 5")
        .fails(str!["ERROR: the development rack has no budgets: its apps cost nothing"]);
    dev.run("convox budget clear web")
        .fails(str!["ERROR: the development rack has no budgets: its apps cost nothing"]);
}
