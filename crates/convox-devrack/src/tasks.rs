//! Background work that outlives the request that started it: builds and rollouts.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Running tasks by key, at most one per key.
pub(crate) struct Tasks<K> {
    running: Arc<Mutex<HashMap<K, Task>>>,
}

struct Task {
    number: u64,
    stop: CancellationToken,
    done: JoinHandle<()>,
}

/// The task that a new one supersedes, already cancelled, for the new one to wait for.
pub(crate) type Predecessor = Option<JoinHandle<()>>;

impl<K> Default for Tasks<K> {
    fn default() -> Self {
        Self { running: Arc::default() }
    }
}

impl<K: Clone + Eq + Hash + Send + 'static> Tasks<K> {
    /// Starts a task. A running task with the same key and a lower number is cancelled and handed
    /// to `work` as its predecessor. If the running task has a higher number, the new one is
    /// outdated and is not started.
    pub(crate) fn start<F>(
        &self,
        key: K,
        number: u64,
        work: impl FnOnce(CancellationToken, Predecessor) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut running = self.lock();
        if running.get(&key).is_some_and(|task| task.number >= number) {
            return;
        }
        let before = running.remove(&key).map(|task| {
            task.stop.cancel();
            task.done
        });
        let stop = CancellationToken::new();
        let work = work(stop.clone(), before);
        let (tasks, own) = (self.running.clone(), key.clone());
        let done = tokio::spawn(async move {
            work.await;
            let mut running = tasks.lock().unwrap_or_else(PoisonError::into_inner);
            if running.get(&own).is_some_and(|task| task.number == number) {
                running.remove(&own);
            }
        });
        running.insert(key, Task { number, stop, done });
    }

    /// Cancels a task without waiting for it.
    pub(crate) fn stop(&self, key: &K) {
        if let Some(task) = self.lock().get(key) {
            task.stop.cancel();
        }
    }

    /// Cancels the tasks whose key matches and waits for them. Those that don't finish within
    /// `limit` are aborted.
    pub(crate) async fn end(&self, limit: Duration, which: impl Fn(&K) -> bool) {
        let tasks: Vec<Task> =
            self.lock().extract_if(|key, _| which(key)).map(|(_, task)| task).collect();
        let ends = tasks.into_iter().map(|mut task| async move {
            task.stop.cancel();
            if tokio::time::timeout(limit, &mut task.done).await.is_err() {
                task.done.abort();
            }
        });
        join_all(ends).await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Task>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_later_task_cancels_its_predecessor_and_can_wait_for_it() {
        let tasks = Tasks::default();
        let (say, mut said) = mpsc::unbounded_channel();
        for number in [1, 3, 2] {
            let say = say.clone();
            tasks.start("web", number, |stop, before| async move {
                if let Some(before) = before {
                    before.await.unwrap();
                }
                say.send(format!("begin {number}")).unwrap();
                stop.cancelled().await;
                say.send(format!("end {number}")).unwrap();
            });
            if number == 1 {
                assert_eq!(said.recv().await.unwrap(), "begin 1");
            }
        }
        tasks.end(LONG, |_| true).await;
        drop(say);
        let mut rest = Vec::new();
        while let Some(word) = said.recv().await {
            rest.push(word);
        }
        assert_eq!(rest, ["end 1", "begin 3", "end 3"]);
    }

    #[tokio::test]
    async fn a_task_that_does_not_finish_is_aborted() {
        let tasks = Tasks::default();
        tasks.start("web", 1, |_, _| std::future::pending());
        tasks.end(LONG, |key| *key == "other").await;
        assert_eq!(tasks.lock().len(), 1);
        tasks.end(Duration::from_millis(1), |_| true).await;
        assert!(tasks.lock().is_empty());
    }
}
