use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::support::{TestRunner, WEB, app, base, is_running, limits, until, web};
use crate::runner::Limits;

#[tokio::test]
async fn a_service_answers_at_its_address_and_the_next_release_takes_over() {
    let test = TestRunner::new();
    test.promote(test.deployment("R1", WEB, "")).await.unwrap();
    let address = test.address();
    assert!(address.ip().is_loopback());
    assert_eq!(test.ask().await, "default");
    let old = test.only_process();
    assert_eq!(old.release.as_ref().unwrap().as_str(), "R1");
    assert!(old.ports[0].ends_with(":3000") && old.command == "python3 server.py", "{old:?}");

    test.promote(test.deployment("R2", WEB, "TEXT=from the release")).await.unwrap();
    assert_eq!(test.ask().await, "from the release");
    assert_eq!(test.address(), address);
    let new = test.only_process();
    assert_eq!(new.release.unwrap().as_str(), "R2");
    assert_ne!(new.id, old.id);
    assert_eq!(test.copies(), [new.id.to_string()]);
    assert_eq!(test.store.records.lock().unwrap().len(), 1);

    test.runner.stop_all().await;
    assert!(test.statuses().is_empty() && test.copies().is_empty());
    assert!(test.store.records.lock().unwrap().is_empty());
    assert_eq!(test.runner.address(&app(), &web()), None);
}

#[tokio::test]
async fn the_address_answers_at_every_moment_of_a_promote() {
    let test = TestRunner::new();
    test.promote(test.deployment("R1", WEB, "TEXT=one")).await.unwrap();
    let next = test.deployment("R2", WEB, "TEXT=two");
    let mut answers = Vec::new();
    let mut promote = std::pin::pin!(test.promote(next));
    loop {
        tokio::select! {
            biased;
            done = &mut promote => break done.unwrap(),
            answer = test.ask() => answers.push(answer),
        }
    }
    assert_eq!(test.ask().await, "two");
    assert!(answers.iter().all(|answer| answer == "one" || answer == "two"), "{answers:?}");
    let switched = answers.iter().position(|answer| answer == "two").unwrap_or(answers.len());
    assert!(answers[switched..].iter().all(|answer| answer == "two"));
    test.runner.stop_all().await;
}

#[tokio::test]
async fn a_service_gets_the_documented_variables_only() {
    let test = TestRunner::new();
    let manifest = "environment: [SHARED=1]\nservices: {web: {command: env, port: 80, environment: [OWN=2, A=3, HOME, SERVICE=mine]}}";
    let failure = test
        .promote(test.deployment("R1", manifest, "A=4\nB=x y=z\nHOME=/else"))
        .await
        .unwrap_err();
    let mut lines = failure.last_lines;
    lines.sort();
    let port = lines.iter().position(|line| line.starts_with("PORT=")).unwrap();
    let port: u16 = lines.remove(port)["PORT=".len()..].parse().unwrap();
    assert_ne!(port, 80);
    let (process, running) = (failure.process.unwrap(), test.running().canonicalize().unwrap());
    let path = format!("PATH={}", base().path.to_str().unwrap());
    assert_eq!(
        lines,
        [
            "A=4",
            "APP=shop",
            "BUILD=BXFGHCQLZGQ",
            "BUILD_DESCRIPTION=a test",
            &format!("CONVOX_DEV_PROCESS={}/{process}", running.display()),
            "HOME=/else",
            "LANG=C.UTF-8",
            "OWN=2",
            path.as_str(),
            "PYTHONUNBUFFERED=1",
            "RACK=dev",
            "RELEASE=R1",
            "SERVICE=mine",
            "SHARED=1"
        ]
    );
}

#[tokio::test]
async fn output_and_messages_of_the_rack_go_to_separate_streams() {
    let test = TestRunner::new();
    test.promote(test.deployment("R1", WEB, "")).await.unwrap();
    let id = test.only_process().id;
    until("the service's line", async || !test.lines("service/").is_empty()).await;
    assert_eq!(test.lines(&format!("service/web/{id}")), ["listening"]);
    assert_eq!(
        test.lines(&format!("system/web/{id}")),
        [format!("{id}: starting release R1: python3 server.py"), format!("{id}: ready")]
    );
    assert_eq!(test.lines("system/rack/shop"), ["release R1 is running"]);
    test.runner.stop_app(&app()).await;
    assert!(test.logged(&format!("{id}: stopped")));
}

#[tokio::test]
async fn each_process_runs_in_its_own_copy() {
    let test = TestRunner::new();
    let manifest = "services: {a: {command: sh -c 'touch mine-$NAME; exec sleep 600', environment: [NAME=a]}, \
                    b: {command: sh -c 'touch mine-$NAME; exec sleep 600', environment: [NAME=b]}}";
    let deployment = test.deployment("R1", manifest, "");
    let source = deployment.source.clone();
    test.promote(deployment).await.unwrap();
    for copy in test.copies() {
        let own = format!("mine-{}", &copy[..1]);
        let other = if own == "mine-a" { "mine-b" } else { "mine-a" };
        assert!(test.running().join(&copy).join("server.py").exists());
        assert!(test.running().join(&copy).join(own).exists());
        assert!(!test.running().join(&copy).join(other).exists());
    }
    assert_eq!(test.copies().len(), 2);
    assert_eq!(std::fs::read_dir(source).unwrap().count(), 1);
    test.runner.stop_all().await;
}

#[tokio::test]
async fn just_copied_programs_can_be_started_concurrently() {
    let test = TestRunner::new();
    let services: String =
        ('a'..='h').map(|name| format!("  {name}: {{command: ./run.sh}}\n")).collect();
    let deployment = test.deployment("R1", &format!("services:\n{services}"), "");
    let script = deployment.source.join("run.sh");
    std::fs::write(&script, "#!/bin/sh\nexec sleep 600\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    test.promote(deployment).await.unwrap();
    assert_eq!(test.statuses().len(), 8);
    test.runner.stop_all().await;
    assert!(test.statuses().is_empty() && test.copies().is_empty());
}

#[tokio::test]
async fn a_stop_ends_grandchildren_even_if_they_ignore_term() {
    let quick = Limits { stop: Duration::from_millis(300), ..limits() };
    let test = TestRunner::with(quick, std::sync::Arc::new(crate::runner::context::free_port));
    let manifest = "services: {job: {x-dev: {command: [sh, -c, \"(trap '' TERM; echo $$; exec sleep 600) & \
                    sh -c 'trap \\\"\\\" TERM; echo $$; while :; do sleep 600; done' & echo $!; wait\"]}}}";
    test.promote(test.deployment("R1", manifest, "")).await.unwrap();
    until("the pids", async || test.lines("service/job").len() >= 3).await;
    let pids: Vec<i32> =
        test.lines("service/job").iter().map(|line| line.parse().unwrap()).collect();
    assert!(pids.iter().all(|pid| is_running(*pid)));
    test.runner.stop_app(&app()).await;
    assert!(!pids.iter().any(|pid| is_running(*pid)), "{pids:?}");
}

/// Leaves its group and session in three ways: marked, with its environment cleared, and with its
/// parent still there.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_stop_ends_processes_that_have_left_their_group() {
    let test = TestRunner::new();
    let script = "\
        (cd / && setsid sh -c 'echo $$; exec sleep 600' &)\n\
        (env -i PATH=$PATH setsid sh -c 'echo $$; exec sleep 600' &)\n\
        cd / && env -i PATH=$PATH setsid sh -c 'echo $$; exec sleep 600' &\n\
        wait\n";
    let deployment = test.deployment("R1", "services: {job: {command: sh job.sh}}", "");
    std::fs::write(deployment.source.join("job.sh"), script).unwrap();
    test.promote(deployment).await.unwrap();
    until("the pids", async || test.lines("service/job").len() >= 3).await;
    let pids: Vec<i32> =
        test.lines("service/job").iter().map(|line| line.parse().unwrap()).collect();
    assert!(pids.iter().all(|pid| is_running(*pid)), "{pids:?}");
    test.runner.stop_app(&app()).await;
    assert!(!pids.iter().any(|pid| is_running(*pid)), "{pids:?}");
    assert!(test.copies().is_empty());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_promote_that_is_dropped_kills_processes_that_have_left_their_group() {
    let test = TestRunner::new();
    let manifest = "services: {web: {command: sh job.sh, port: 1}}";
    let deployment = test.deployment("R1", manifest, "");
    let script = "setsid sh -c 'echo $$; exec sleep 600' & wait";
    std::fs::write(deployment.source.join("job.sh"), script).unwrap();
    let lines = || test.lines("service/web");
    tokio::select! {
        _ = test.promote(deployment) => panic!("nothing listens"),
        () = until("the pid", async || !lines().is_empty()) => (),
    }
    let pid: i32 = lines()[0].parse().unwrap();
    until("the end", async || !is_running(pid)).await;
}

#[tokio::test]
async fn a_stopped_process_does_not_use_up_its_grace() {
    let patient = Limits { stop: Duration::from_secs(600), ..limits() };
    let test = TestRunner::with(patient, std::sync::Arc::new(crate::runner::context::free_port));
    let manifest = "services: {job: {x-dev: {command: [sh, -c, 'echo ready; kill -STOP $$']}}}";
    test.promote(test.deployment("R1", manifest, "")).await.unwrap();
    let app = app();
    let stop = test.runner.stop_app(&app);
    tokio::time::timeout(Duration::from_secs(60), stop).await.unwrap();
    assert!(test.statuses().is_empty());
}

/// All of its processes ignore TERM, also one that has left its group.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn processes_that_ignore_term_cost_their_grace_once() {
    let grace = Duration::from_secs(4);
    let stubborn = Limits { stop: grace, ..limits() };
    let test = TestRunner::with(stubborn, std::sync::Arc::new(crate::runner::context::free_port));
    let script = "trap '' TERM\n\
        setsid sh -c \"trap '' TERM; echo ready; while :; do sleep 1; done\" &\n\
        echo ready; while :; do sleep 1; done\n";
    let manifest = "services: {one: {command: sh job.sh}, two: {command: sh job.sh}}";
    let deployment = test.deployment("R1", manifest, "");
    std::fs::write(deployment.source.join("job.sh"), script).unwrap();
    test.promote(deployment).await.unwrap();
    let ready = || ["service/one", "service/two"].map(|stream| test.lines(stream).len());
    until("four processes", async || ready() == [2, 2]).await;
    let started = std::time::Instant::now();
    test.runner.stop_app(&app()).await;
    let took = started.elapsed();
    assert!(took >= grace && took < grace * 2, "{took:?}");
}

#[tokio::test]
async fn a_port_lost_to_another_program_is_replaced() {
    // Bound but not listening: connections are refused, and no other program can bind it.
    let holder = tokio::net::TcpSocket::new_v4().unwrap();
    holder.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let held = holder.local_addr().unwrap().port();
    let first = std::sync::atomic::AtomicBool::new(true);
    let ports = move || match first.swap(false, std::sync::atomic::Ordering::SeqCst) {
        true => Ok(held),
        false => crate::runner::context::free_port(),
    };
    let test = TestRunner::with(limits(), std::sync::Arc::new(ports));
    test.promote(test.deployment("R1", WEB, "TEXT=here")).await.unwrap();
    assert_eq!(test.ask().await, "here");
    assert!(test.logged("its port is used by another program"));
    test.runner.stop_all().await;
}

#[tokio::test]
async fn addresses_stay_over_a_restart_and_move_only_if_taken() {
    let mut test = TestRunner::new();
    let manifest = test.deployment("R1", WEB, "").manifest;
    let first = test.runner.open_gateways(&app(), &manifest).await.unwrap();
    assert_eq!(first, test.runner.open_gateways(&app(), &manifest).await.unwrap());
    let port = first[0].1.port();
    test.runner.stop_all().await;

    // The task that owns the listener closes it soon.
    let holder = async {
        loop {
            match std::net::TcpListener::bind(("127.0.0.1", port)) {
                Ok(listener) => return listener,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let holder = tokio::time::timeout(Duration::from_secs(10), holder).await.unwrap();
    test.restart();
    let moved = test.runner.open_gateways(&app(), &manifest).await.unwrap();
    assert_ne!(moved[0].1.port(), port);
    assert!(test.logged(&format!("127.0.0.1:{port} is used by another program")));
    drop(holder);

    test.restart();
    let again = test.runner.open_gateways(&app(), &manifest).await;
    // The previous runner may still be closing its listener; the store has its port.
    assert!(again.is_ok());
    assert!(test.store.ports.lock().unwrap().len() == 1);
}

#[tokio::test]
async fn a_service_that_is_no_longer_in_the_manifest_loses_its_address() {
    let test = TestRunner::new();
    test.promote(test.deployment("R1", WEB, "")).await.unwrap();
    let without = "services: {job: {command: sleep 600}}";
    test.promote(test.deployment("R2", without, "")).await.unwrap();
    assert_eq!(test.runner.address(&app(), &web()), None);
    assert_eq!(test.statuses(), ["job running"]);
    test.runner.stop_all().await;
}

#[tokio::test]
async fn two_promotes_of_an_app_follow_one_another() {
    let test = TestRunner::new();
    let (one, two) = (test.deployment("R1", WEB, "TEXT=1"), test.deployment("R2", WEB, "TEXT=2"));
    let (first, second) = tokio::join!(test.promote(one), test.promote(two));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(test.ask().await, "2");
    assert_eq!(test.statuses(), ["web running"]);
    test.runner.stop_all().await;
}

#[tokio::test]
async fn dropping_a_promote_leaves_nothing_behind() {
    let test = TestRunner::new();
    let deployment = test.deployment("R1", "services: {web: {command: sleep 600, port: 1}}", "");
    let promote = test.runner.promote(deployment, CancellationToken::new());
    tokio::select! {
        _ = promote => panic!("it cannot end"),
        () = until("the start", async || test.store.records.lock().unwrap().len() == 1) => {}
    }
    until("the end", async || test.statuses().is_empty() && test.copies().is_empty()).await;
    assert!(test.store.records.lock().unwrap().is_empty());
}
