//! The development rack and its clients are killed at random moments of everything that changes
//! something. Afterward, what was accepted is there, once, and nothing else is.
//!
//! `KILLS` is the number of kills, 40 by default; `SEED` repeats a run as far as the moments go.

#![cfg(target_os = "linux")] // reads the environment of processes in /proc
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)] // helpers of tests too
#![allow(missing_docs)]

#[path = "../support/mod.rs"]
mod support;

mod operation;
mod random;
mod world;

use std::time::{Duration, Instant};

use operation::Operation;
use random::Random;
use world::World;

/// The longest time after which half of the killed racks have to be back. Single ones may take
/// longer on a machine that is busy.
const RECOVERY: Duration = Duration::from_secs(1);

/// Which process is killed.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Rack,
    Client,
    Both,
}

impl Victim {
    /// The rack more often than the client.
    fn choose(random: &mut Random) -> Self {
        *random.one_of(&[
            Self::Rack,
            Self::Rack,
            Self::Rack,
            Self::Client,
            Self::Client,
            Self::Both,
        ])
    }

    fn has_rack(self) -> bool {
        !matches!(self, Self::Client)
    }

    fn has_client(self) -> bool {
        !matches!(self, Self::Rack)
    }
}

#[test]
fn nothing_that_was_accepted_is_lost_or_done_twice_when_the_rack_or_its_client_is_killed() {
    let kills = number("KILLS").unwrap_or(40);
    let seed = number("SEED").unwrap_or_else(random::seed);
    eprintln!("{kills} kills, SEED={seed}");
    let mut random = Random::new(seed);
    let mut world = World::new();
    let mut operations: Vec<(Operation, Option<Duration>)> =
        Operation::all().into_iter().map(|operation| (operation, None)).collect();
    let mut recoveries = Vec::new();
    for kill in 0..kills {
        let chosen = random.below(operations.len());
        let (operation, span) = &mut operations[chosen];
        let span = *span.get_or_insert_with(|| undisturbed(&mut world, *operation, &mut random));
        let victim = Victim::choose(&mut random);
        let moment = span.mul_f64(random.fraction() * 1.2);
        world.note(format!("kill {kill}: {victim:?} after {moment:?} of {operation:?}"));
        recoveries.extend(disturbed(&mut world, *operation, &mut random, victim, moment));
    }
    world.end();
    report(&mut recoveries);
}

/// Performs an operation, and returns how long it takes.
fn undisturbed(world: &mut World, operation: Operation, random: &mut Random) -> Duration {
    world.note(format!("{operation:?}, undisturbed"));
    let attempt = operation.prepare(world, random);
    let before = world.state();
    let started = Instant::now();
    let client = world.start(&attempt.line);
    let has_succeeded = world.outcome(client);
    let span = started.elapsed();
    assert!(has_succeeded, "{}: {}", attempt.line, world.history());
    world.settle(&before);
    attempt.check(world, &before, has_succeeded);
    span
}

/// Performs an operation, and kills a process in the middle. Returns how long the rack took to be
/// back, if it was killed.
fn disturbed(
    world: &mut World,
    operation: Operation,
    random: &mut Random,
    victim: Victim,
    moment: Duration,
) -> Option<Duration> {
    let attempt = operation.prepare(world, random);
    let before = world.state();
    let rack = world.rack_process();
    let mut client = world.start(&attempt.line);
    pause(moment);
    if victim.has_client() {
        client.kill().unwrap();
    }
    if victim.has_rack() {
        world.kill_rack(rack);
    }
    let has_succeeded = world.outcome(client) && !victim.has_client();
    let recovery = world.recover();
    world.settle(&before);
    attempt.check(world, &before, has_succeeded);
    victim.has_rack().then_some(recovery)
}

#[allow(clippy::disallowed_methods)] // the moment of a kill is random on purpose
fn pause(moment: Duration) {
    std::thread::sleep(moment);
}

#[allow(clippy::disallowed_methods)] // settings of this test, not of the program
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number")))
}

fn report(recoveries: &mut [Duration]) {
    recoveries.sort();
    if let (Some(slowest), Some(median)) = (recoveries.last(), recoveries.get(recoveries.len() / 2))
    {
        let racks = recoveries.len();
        eprintln!("racks killed: {racks}; back after {median:?} (median), {slowest:?} at most");
        assert!(*median < RECOVERY, "a rack is back after {median:?}");
    }
}
