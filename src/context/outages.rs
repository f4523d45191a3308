//! What a person was told of a rack that is away: once is enough, until it answers again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use convox_client::transport::{Event, RequestLine};

/// The absences of a run. Cheap to clone; clones are the same.
#[derive(Clone, Default)]
pub(crate) struct OutageNotices(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    /// A poll has told that the rack is away.
    by_poll: bool,
    /// The calls that were told to fail.
    failing: Vec<RequestLine>,
}

impl OutageNotices {
    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A poll tells it now.
    pub(crate) fn note_poll(&self) {
        self.told().by_poll = true;
    }

    /// Is an event no repetition of what was told?
    pub(super) fn is_news(&self, event: &Event) -> bool {
        match event {
            Event::Retrying { request, .. } => self.told().fails(request),
            Event::Responded { request, status, .. } => {
                // Proxies on the way answer for racks that are away.
                if *status < 500 && *status != 429 {
                    self.told().works(request);
                }
                true
            }
            Event::SocketOpened { request, .. } => {
                self.told().works(request);
                true
            }
            _ => true,
        }
    }
}

impl Told {
    fn fails(&mut self, request: &RequestLine) -> bool {
        let is_news = !self.by_poll && !self.failing.contains(request);
        if is_news {
            self.failing.push(request.clone());
        }
        is_news
    }

    fn works(&mut self, request: &RequestLine) {
        self.by_poll = false;
        self.failing.retain(|failing| failing != request);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use convox_client::path;
    use convox_client::transport::Request;

    fn request(name: &str) -> RequestLine {
        Request::get(path!["apps", name]).line()
    }

    fn is_told(absence: &OutageNotices, name: &str) -> bool {
        let (why, budget) = ("no".to_owned(), Duration::ZERO);
        absence.is_news(&Event::Retrying { request: request(name), why, budget })
    }

    fn opens(absence: &OutageNotices, name: &str) {
        absence.is_news(&Event::SocketOpened { request: request(name), took: Duration::ZERO });
    }

    #[test]
    fn a_call_that_goes_on_to_fail_is_told_once_until_it_has_worked() {
        let absence = OutageNotices::default();
        assert!(is_told(&absence, "one") && !is_told(&absence, "one"));
        opens(&absence, "other");
        assert!(!is_told(&absence, "one") && is_told(&absence, "other"));
        opens(&absence, "one");
        assert!(is_told(&absence, "one"));
    }

    #[test]
    fn what_a_poll_has_told_is_told_by_no_call() {
        let absence = OutageNotices::default();
        absence.note_poll();
        assert!(!is_told(&absence, "one"));
        opens(&absence, "one");
        assert!(is_told(&absence, "one"));
    }
}
