//! The learning rate of each step.

/// Constant for the first half of the training, then falling in a line to zero, as the
/// reference does with equal numbers of epochs for both.
pub fn learning_rate(base: f64, step: u64, steps: u64) -> f64 {
    let half = steps / 2;
    if step < half {
        return base;
    }
    let left = steps.saturating_sub(step) as f64;
    base * (left / (steps - half).max(1) as f64).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_constant_for_half_the_steps_and_then_falls_to_nothing() {
        assert_eq!(learning_rate(2e-4, 0, 100), 2e-4);
        assert_eq!(learning_rate(2e-4, 50, 100), 2e-4);
        assert!((learning_rate(2e-4, 75, 100) - 1e-4).abs() < 1e-12);
        assert!(learning_rate(2e-4, 99, 100) > 0.0);
        assert!(learning_rate(2e-4, 0, 1) > 0.0);
    }
}
