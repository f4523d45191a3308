//! `cost`.

use snapbox::str;

use crate::support::{MockServer, Response, Story, ordinary};

/// A rack whose app has cost something.
fn fake(more: &'static str) -> MockServer {
    MockServer::new(move |ask| match ask.line.as_str() {
        "GET /apps/web/cost" => Response::json(&format!(
            r#"{{"app":"web","month-start":"2026-02-01T00:00:00Z","as-of":"2026-02-11T10:00:00Z",
                "spend-usd":61.25,"breakdown":[{{"service":"web","gpu-hours":0,"cpu-hours":120.5,
                "mem-gb-hours":240.25,"instance-type":"t3.large","spend-usd":61.25}},
                {{"service":"job","gpu-hours":0,"cpu-hours":0,"mem-gb-hours":0.001,
                "spend-usd":0.0002}}],"pricing-source":"on-demand-static-table",
                "pricing-table-version":"2026-01","pricing-adjustment":1{more}}}"#
        )),
        _ => ordinary(ask),
    })
}

#[test]
fn costs_are_listed_by_service_or_summed_up() {
    let fake = fake("");
    let story = Story::against(&fake);
    story.run("convox cost").prints(str![[r#"
SERVICE  GPU-HOURS  CPU-HOURS  MEM-GB-HOURS  INSTANCE  SPEND-USD
web      0.00       120.50     240.25        t3.large  $61.25
job      0.00       0.00       0.00                    —
— : low-spend rates rounded to —; see Spend column for actual cost.
"#]]);
    let ran = story.run("convox cost --aggregate");
    ran.ok().stdout_contains("web  $61.25").stdout_contains("pricing-table:2026-01");
    story.run("convox cost --start 2026-02-11 --end 2026-02-11").stdout_contains("$61.25");
    story
        .run("convox cost --start 2026-02-12")
        .prints(str!["SERVICE  GPU-HOURS  CPU-HOURS  MEM-GB-HOURS  INSTANCE  SPEND-USD"]);
    let json = story.run("convox cost --json").json();
    assert_eq!(json["breakdown"][0]["mem_gb_hours"], 240.25);
    let ran = story.run("convox cost --format json");
    ran.ok().stdout_contains("  \"spend-usd\": 61.25,\n");
}

#[test]
fn variants_and_a_snapshot_that_is_not_kept_up_are_explained() {
    let fake = fake(
        r#","tracking-enabled":false,"variant-breakdown":[{"service":"web",
        "instance-type":"t3.large","capacity-type":"spot","spend-usd":12.5,"replicas":2},
        {"service":"job","instance-type":"t3.small","capacity-type":"unknown","spend-usd":1}]"#,
    );
    Story::against(&fake).run("convox cost").prints(str![[r#"
Cost tracking is disabled on this rack. Values shown are the most-recent persisted snapshot and may be empty or stale. To enable: convox rack params set cost_tracking_enable=true
SERVICE  INSTANCE  CAPACITY  ACTIVE-REPLICAS  SPEND-USD
web      t3.large  spot      2                $12.50
job      t3.small  unknown   —                $1.00
TOTAL: $13.50
Cost accumulates per (instance-type, capacity-type) combination across the month. A row may show 0 active replicas if pods previously ran on that variant but have since migrated or been removed.
Spot pricing applies a discount automatically when nodes are provisioned via Karpenter or an EKS spot ASG. Capacity "unknown" means the node carried neither label.
"#]]);
}

#[test]
fn dates_and_forms_are_checked_first() {
    let fake = fake("");
    let story = Story::against(&fake);
    story.run("convox cost --start yesterday").fails(str!["ERROR: --start must be YYYY-MM-DD"]);
    story.run("convox cost --end 2026-02-30").fails(str!["ERROR: --end must be YYYY-MM-DD"]);
    story
        .run("convox cost --start 2026-02-03 --end 2026-02-01")
        .fails(str!["ERROR: --start must not be after --end"]);
    story
        .run("convox cost --format xml")
        .fails(str![[r#"ERROR: --format must be "table" or "json""#]]);
    assert!(fake.requests().is_empty());
}

#[test]
fn racks_without_costs_say_so() {
    let fake = MockServer::new(ordinary);
    Story::against(&fake).run("convox cost").fails(str!["ERROR: cost tracking requires rack version 3.24.6 or later (V2 racks use a separate cost-tracking surface). See https://docs.convox.com/management/cost-tracking"]);
    let fake = MockServer::new(|ask| match ask.line.as_str() {
        "GET /apps/web/cost" => Response::json("null"),
        _ => ordinary(ask),
    });
    Story::against(&fake)
        .run("convox cost")
        .fails(str!["ERROR: no cost data returned for app web"]);
    let dev = Story::new("web");
    dev.run("convox cost")
        .fails(str!["ERROR: failed to fetch cost for app web: app not found: web"]);
    dev.run("convox apps create").ok();
    dev.run("convox cost")
        .fails(str!["ERROR: failed to fetch cost for app web: the development rack has no costs"]);
}
