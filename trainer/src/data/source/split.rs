//! Which images train and which validate, when no folder says so.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// One image in five validates.
const VALIDATION_SHARE: f64 = 0.2;

/// Splits `items` 80/20 into training and validation, the same way for the same seed and order.
/// With two items or more, neither part is empty; both parts keep the order.
pub fn train_and_validation<T>(items: Vec<T>, seed: u64) -> (Vec<T>, Vec<T>) {
    let count = items.len();
    if count < 2 {
        return (items, Vec::new());
    }
    let validating = ((count as f64 * VALIDATION_SHARE).round() as usize).clamp(1, count - 1);
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let mut validates = vec![false; count];
    for &index in &order[..validating] {
        validates[index] = true;
    }
    let (mut train, mut validation) = (Vec::new(), Vec::new());
    for (item, validates) in items.into_iter().zip(validates) {
        match validates {
            true => validation.push(item),
            false => train.push(item),
        }
    }
    (train, validation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_fifths_train_and_the_rest_validate_without_overlap() {
        let (train, validation) = train_and_validation((0..100).collect(), 7);
        assert_eq!((train.len(), validation.len()), (80, 20));
        assert!(validation.iter().all(|item| !train.contains(item)));
    }

    #[test]
    fn the_seed_alone_decides_the_split() {
        let split = |seed| train_and_validation((0..50).collect::<Vec<_>>(), seed);
        assert_eq!(split(1), split(1));
        assert_ne!(split(1), split(2));
    }

    #[test]
    fn two_items_are_enough_for_both_parts() {
        let (train, validation) = train_and_validation(vec!["a", "b"], 0);
        assert_eq!((train.len(), validation.len()), (1, 1));
    }
}
