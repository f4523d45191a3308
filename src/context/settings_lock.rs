//! Writing to the settings directory, which other clients may be writing to.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Context;
use crate::error::CommandError;
use crate::settings::{ConfigDir, ConfigError, ConfigWriter};

/// How long to wait for the lock.
#[derive(Debug, Clone, Copy)]
struct LockWait {
    /// Print a notice after this time.
    notice: Duration,
    /// Give up after this time.
    limit: Duration,
}

const LOCK_WAIT: LockWait =
    LockWait { notice: Duration::from_secs(2), limit: Duration::from_secs(60) };

/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(50);

impl Context {
    /// Writes settings under the lock of their directory. While another process holds it, signals
    /// still end the run.
    pub(crate) async fn write_settings<T>(
        &self,
        write: impl FnOnce(&ConfigWriter<'_>) -> Result<T, ConfigError>,
    ) -> Result<T, CommandError> {
        let config = &self.settings.config;
        let on_wait = || self.notice("another process is writing settings; waiting for it");
        match lock(config, LOCK_WAIT, on_wait).await? {
            Some(writer) => Ok(write(&writer)?),
            None => {
                let dir = config.dir().unwrap_or_else(|| std::path::Path::new(""));
                Err(CommandError::new(format!(
                    "the settings directory {} is locked by another process",
                    dir.display()
                ))
                .hint("find out which one with: fuser .lock (in that directory)"))
            }
        }
    }
}

/// Takes the lock. `None` if the time limit is reached.
async fn lock(
    config: &ConfigDir,
    patience: LockWait,
    on_wait: impl FnOnce(),
) -> Result<Option<ConfigWriter<'_>>, ConfigError> {
    let started = Instant::now();
    let mut on_wait = Some(on_wait);
    loop {
        if let Some(writer) = config.try_lock()? {
            return Ok(Some(writer));
        }
        if started.elapsed() >= patience.limit {
            return Ok(None);
        }
        if started.elapsed() >= patience.notice
            && let Some(on_wait) = on_wait.take()
        {
            on_wait();
        }
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const SOON: LockWait = LockWait { notice: Duration::ZERO, limit: Duration::from_millis(120) };
    const LATE: LockWait = LockWait { notice: Duration::ZERO, limit: Duration::from_secs(60) };

    fn config_dir() -> (tempfile::TempDir, ConfigDir) {
        let home = tempfile::tempdir().unwrap();
        let config = ConfigDir::new(Some(home.path().to_owned()));
        (home, config)
    }

    #[tokio::test]
    async fn a_lock_that_is_never_released_is_given_up_after_a_notice() {
        let (_home, config) = config_dir();
        let held = config.try_lock().unwrap();
        let notices = Cell::new(0);
        let locked = lock(&config, SOON, || notices.set(notices.get() + 1)).await.unwrap();
        assert!(locked.is_none() && held.is_some());
        assert_eq!(notices.get(), 1);
    }

    #[tokio::test]
    async fn a_lock_is_taken_once_it_is_released_without_blocking_other_tasks() {
        let (_home, config) = config_dir();
        let held = config.try_lock().unwrap();
        let release = async {
            tokio::task::yield_now().await;
            drop(held);
        };
        let (locked, ()) = tokio::join!(lock(&config, LATE, || ()), release);
        assert!(locked.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_free_lock_is_taken_without_a_notice() {
        let (_home, config) = config_dir();
        let locked = lock(&config, LATE, || panic!("a notice")).await.unwrap();
        assert!(locked.is_some());
    }
}
