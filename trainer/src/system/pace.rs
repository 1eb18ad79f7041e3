//! Where the time of a training goes: into steps, or into waiting for images. Nothing here
//! judges; `run::watch` does.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize, Serializer};

/// How fast some steps were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    pub steps: u64,
    /// How long they took, validations and checkpoints apart.
    pub seconds: f64,
    /// How much of it was spent waiting for images.
    pub data_seconds: f64,
    /// How much of it was spent waiting for the device to finish what was queued.
    pub device_seconds: f64,
}

impl Pace {
    /// Steps per second; 0 where no time passed.
    pub fn steps_per_second(&self) -> f64 {
        match self.seconds > 0.0 {
            true => self.steps as f64 / self.seconds,
            false => 0.0,
        }
    }

    /// How long the device had nothing to do because no image was ready, at most.
    ///
    /// A GPU computes while the next images are waited for. If it had caught up, the wait for it
    /// at the end was that of a single step, and so the other steps took as long; if not, it was
    /// busy all along.
    pub fn idle_seconds(&self) -> f64 {
        let computing_meanwhile = self.device_seconds * self.steps.saturating_sub(1) as f64;
        (self.data_seconds - computing_meanwhile).max(0.0)
    }
}

/// Measures [`Pace`].
#[derive(Debug)]
pub struct Stopwatch {
    since: Instant,
    aside: Duration,
    data: Duration,
    device: Duration,
}

impl Stopwatch {
    pub fn start() -> Self {
        Self {
            since: Instant::now(),
            aside: Duration::ZERO,
            data: Duration::ZERO,
            device: Duration::ZERO,
        }
    }

    /// Does what waits for images.
    pub fn wait_for_data<T>(&mut self, work: impl FnOnce() -> T) -> T {
        timed(&mut self.data, work)
    }

    /// Does what waits for the device.
    pub fn wait_for_device<T>(&mut self, work: impl FnOnce() -> T) -> T {
        timed(&mut self.device, work)
    }

    /// Does what is no part of a step.
    pub fn aside<T>(&mut self, work: impl FnOnce() -> T) -> T {
        timed(&mut self.aside, work)
    }

    /// The pace of the `steps` since the last lap.
    pub fn lap(&mut self, steps: usize) -> Pace {
        let ended = std::mem::replace(self, Self::start());
        let elapsed = self.since.saturating_duration_since(ended.since);
        Pace {
            steps: steps as u64,
            seconds: elapsed.saturating_sub(ended.aside).as_secs_f64(),
            data_seconds: ended.data.as_secs_f64(),
            device_seconds: ended.device.as_secs_f64(),
        }
    }
}

/// A span of time as a number of seconds.
pub fn in_seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

fn timed<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    *total += started.elapsed();
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(data_seconds: f64, device_seconds: f64) -> Pace {
        Pace {
            steps: 25,
            seconds: 1.0,
            data_seconds,
            device_seconds,
        }
    }

    #[test]
    fn waiting_for_images_is_idleness_where_steps_wait_for_themselves() {
        assert_eq!(pace(0.5, 0.0).idle_seconds(), 0.5);
    }

    #[test]
    fn waiting_for_images_is_no_idleness_while_the_device_has_a_queue() {
        // 25 images in 0.5 s, and a device that takes 1 s for them.
        assert_eq!(pace(0.5, 0.5).idle_seconds(), 0.0);
        // 25 images in 1 s, and a device that would take 0.25 s for them.
        assert!((pace(1.0, 0.01).idle_seconds() - 0.76).abs() < 1e-9);
    }

    #[test]
    fn what_is_done_aside_does_not_slow_the_pace() {
        let mut stopwatch = Stopwatch::start();
        stopwatch.aside(|| std::thread::sleep(Duration::from_millis(200)));
        let pace = stopwatch.lap(3);
        assert_eq!(pace.steps, 3);
        assert!(pace.data_seconds == 0.0 && pace.seconds >= 0.0);
        stopwatch.wait_for_data(|| std::thread::sleep(Duration::from_millis(20)));
        let pace = stopwatch.lap(1);
        assert!(pace.data_seconds >= 0.02 && pace.seconds >= pace.data_seconds);
    }
}
