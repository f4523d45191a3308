//! Checks the parameters of one `rack params set`, by the table of [`steps`](super::steps).

use std::collections::BTreeMap;
use std::io;

use super::steps::STEPS;
use super::{prometheus, v2};
use crate::error::CommandError;
use crate::flows::managed_rack::Current;
use crate::flows::rack_parameter_names::{has, of_provider};
use crate::flows::rack_version::are_of_v2;

pub(super) type Parameters = BTreeMap<String, String>;

/// Parameters that are to be set, and the rack that they are for.
pub(super) struct RequestedParams<'a> {
    /// The parameters. Checks give them their stored form.
    pub(super) new: Parameters,
    /// Those that the rack has.
    pub(super) current: &'a Parameters,
    /// Its provider, if that is known.
    pub(super) provider: Option<&'a str>,
    /// Whether managed and unknown parameters are set, too.
    pub(super) force: bool,
    /// Reads a file that a value names.
    pub(super) read: &'a dyn Fn(&str) -> io::Result<Vec<u8>>,
    /// What is worth knowing about parameters that are allowed. Each may have several lines.
    pub(super) warnings: Vec<String>,
}

/// A row of the table.
pub(super) struct Step(pub(super) u8, pub(super) Check);

/// What a step checks.
pub(super) enum Check {
    /// Each of these parameters, by its name and its value; blank values are not checked.
    Value(&'static str, fn(&str, &str) -> Result<(), String>),
    /// The same, also of the values that the rack has if Karpenter is turned on: they were not used
    /// before.
    Karpenter(&'static str, fn(&str, &str) -> Result<(), String>),
    /// The parameters together.
    RequestedParams(fn(&mut RequestedParams<'_>) -> Result<(), CommandError>),
    /// The host of this parameter, a URL.
    Host(&'static str),
}

/// The steps that are taken for v2 racks, too.
const FOR_ALL_RACKS: u8 = 3;

/// Takes the steps in order. The first failure ends them.
pub(super) async fn check(call: &mut RequestedParams<'_>) -> Result<(), CommandError> {
    let is_v3 = call.looks_like_v3();
    let last = if is_v3 { u8::MAX } else { FOR_ALL_RACKS };
    for Step(number, check) in STEPS {
        if *number <= last {
            call.take(check).await?;
        }
    }
    if is_v3 { Ok(()) } else { v2::check(call) }
}

impl<'a> RequestedParams<'a> {
    pub(super) fn new(
        new: Parameters,
        current: &'a Current,
        force: bool,
        read: &'a dyn Fn(&str) -> io::Result<Vec<u8>>,
    ) -> Self {
        let provider = current.provider.as_deref();
        let current = &current.parameters;
        Self { new, current, provider, force, read, warnings: Vec::new() }
    }

    fn looks_like_v3(&self) -> bool {
        self.known().is_none() || !are_of_v2(self.current)
    }

    /// The parameters of the provider; `None` if it is not known.
    pub(super) fn known(&self) -> Option<&'static str> {
        self.provider.and_then(of_provider)
    }

    async fn take(&mut self, check: &Check) -> Result<(), CommandError> {
        match check {
            Check::RequestedParams(check) => check(self),
            Check::Value(names, check) => {
                let given = self.new.iter().filter(|(name, _)| has(names, name));
                first_problem(given, *check)
            }
            Check::Karpenter(names, check) => {
                let is_new = |name: &String| self.new.contains_key(name);
                let stored = self.current.iter().filter(|(name, _)| !is_new(name));
                let stored = stored.filter(|_| self.turns_on("karpenter_enabled"));
                let all = self.new.iter().chain(stored).filter(|(name, _)| has(names, name));
                first_problem(all, *check)
            }
            Check::Host(name) => match self.new.get(*name).filter(|value| !value.is_empty()) {
                Some(value) => prometheus::check(name, value).await,
                None => Ok(()),
            },
        }
    }

    /// Whether the call sets a parameter to this value.
    pub(super) fn sets(&self, name: &str, value: &str) -> bool {
        self.new.get(name).is_some_and(|given| given == value)
    }

    /// Whether a parameter is `true` on the rack.
    pub(super) fn was_on(&self, name: &str) -> bool {
        self.current.get(name).is_some_and(|value| value == "true")
    }

    /// Whether a parameter is `true` after the call.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| value == "true")
    }

    /// Whether the call makes a parameter `true` that was not.
    pub(super) fn turns_on(&self, name: &str) -> bool {
        self.sets(name, "true") && !self.was_on(name)
    }

    /// The value of a parameter after the call, if it is not empty.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let value = self.new.get(name).or_else(|| self.current.get(name));
        value.map(String::as_str).filter(|value| !value.is_empty())
    }
}

fn first_problem<'a>(
    mut parameters: impl Iterator<Item = (&'a String, &'a String)>,
    check: fn(&str, &str) -> Result<(), String>,
) -> Result<(), CommandError> {
    let checked =
        parameters.try_for_each(
            |(name, value)| {
                if value.trim().is_empty() { Ok(()) } else { check(name, value) }
            },
        );
    checked.map_err(CommandError::new)
}
