//! Racks that are started at the same time, and commands that meet the deletion of their app.

use std::process::Child;

use super::account::{Account, as_each_user, stderr};
use super::support::{marked, until};

#[test]
fn of_racks_that_are_started_at_once_one_serves() {
    as_each_user(|account| {
        for round in 0..20 {
            let racks: Vec<Child> =
                (0..3).map(|_| account.start("convox rack start --detach")).collect();
            for rack in racks {
                let output = rack.wait_with_output().unwrap();
                assert!(output.status.success(), "round {round}: {}", stderr(&output));
            }
            account.ok("convox apps");
            account.ok("convox rack stop");
        }
    });
}

/// A command beside which the app is deleted.
const BESIDE: [&str; 8] = [
    "convox deploy --wait",
    "convox releases promote --force",
    "convox exec web sleep 0.3",
    "convox build",
    "convox env set A=1 --promote",
    "convox releases rollback",
    "convox run web sleep 0.3",
    "convox apps create web",
];

#[test]
fn an_app_that_is_deleted_beside_other_commands_is_wholly_gone_or_wholly_there() {
    as_each_user(|account| {
        for beside in BESIDE {
            for delay in 0..2 {
                account.deploy();
                account.ok("convox build");
                let other = account.start(beside);
                wait_for_progress(account, delay);
                let deleted = account.run("convox apps delete web");
                let ended = other.wait_with_output().unwrap();
                assert!(!stderr(&ended).contains("panicked"), "{beside}: {}", stderr(&ended));
                assert!(deleted.status.success(), "{beside}: {}", stderr(&deleted));
                assert_whole(account, beside);
            }
        }
    });
}

/// Lets the command beside go on for as long as a few requests take.
fn wait_for_progress(account: &Account, requests: usize) {
    for _ in 0..requests {
        account.ok("convox apps");
    }
}

fn has_app(account: &Account) -> bool {
    account.list("convox apps").iter().any(|app| app["name"] == "web")
}

/// Some commands create the app again, or come too late: then it can be used, and deleted.
fn assert_whole(account: &Account, beside: &str) {
    if has_app(account) {
        account.ok("convox apps wait web");
        account.ok("convox deploy --wait");
        account.ok("convox apps delete web");
    }
    assert!(!has_app(account), "{beside}");
    until(&format!("the end of its files after {beside}"), || {
        (!account.data().join("apps/web").exists()).then_some(())
    });
    until(
        &format!("the end of its processes after {beside}: {:?}", marked(&account.data())),
        || marked(&account.data()).is_empty().then_some(()),
    );
}
