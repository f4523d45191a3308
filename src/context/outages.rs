//! Notices about an unavailable rack: one for each outage, however often a request is retried.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use convox_client::transport::{Event, RequestLine};

/// The outages of a run. Cheap to clone; clones share their state.
#[derive(Clone, Default)]
pub(crate) struct OutageNotices(Arc<Mutex<Reported>>);

#[derive(Default)]
struct Reported {
    /// A poll has reported that the rack is unavailable.
    by_poll: bool,
    /// The requests whose failure was reported.
    failing: Vec<RequestLine>,
}

impl OutageNotices {
    fn reported(&self) -> MutexGuard<'_, Reported> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that a poll reports an outage.
    pub(crate) fn note_poll(&self) {
        self.reported().by_poll = true;
    }

    /// Returns whether an event is worth reporting: a failure that was reported before is not.
    pub(super) fn is_news(&self, event: &Event) -> bool {
        match event {
            Event::Retrying { request, .. } => self.reported().fails(request),
            Event::Responded { request, status, .. } => {
                // Proxies respond for racks that are unavailable.
                if *status < 500 && *status != 429 {
                    self.reported().works(request);
                }
                true
            }
            Event::SocketOpened { request, .. } => {
                self.reported().works(request);
                true
            }
            _ => true,
        }
    }
}

impl Reported {
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

    fn is_news(outages: &OutageNotices, name: &str) -> bool {
        let (why, budget) = ("no".to_owned(), Duration::ZERO);
        outages.is_news(&Event::Retrying { request: request(name), why, budget })
    }

    fn opens(outages: &OutageNotices, name: &str) {
        outages.is_news(&Event::SocketOpened { request: request(name), took: Duration::ZERO });
    }

    #[test]
    fn repeated_failures_of_a_request_are_reported_once_until_it_succeeds() {
        let outages = OutageNotices::default();
        assert!(is_news(&outages, "one") && !is_news(&outages, "one"));
        opens(&outages, "other");
        assert!(!is_news(&outages, "one") && is_news(&outages, "other"));
        opens(&outages, "one");
        assert!(is_news(&outages, "one"));
    }

    #[test]
    fn a_failure_is_not_reported_while_a_poll_reports_the_outage() {
        let outages = OutageNotices::default();
        outages.note_poll();
        assert!(!is_news(&outages, "one"));
        opens(&outages, "one");
        assert!(is_news(&outages, "one"));
    }
}
