//! Numbers that must come back from a JSON file bit for bit: its reader may be off by the last
//! bit, and it knows neither NaN nor infinity.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An `f64`, written as text; older files have it as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Exact(pub f64);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // The shortest text that is read back as this very number.
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Number(f64),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(value) => Ok(Self(value)),
            Written::Text(text) => text.parse().map(Self).map_err(serde::de::Error::custom),
        }
    }
}

/// A sum that is exact over a restart, and of how many numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    sum: Exact,
    count: u64,
}

impl Mean {
    /// Takes a number.
    pub fn add(&mut self, value: f64) {
        self.sum.0 += value;
        self.count += 1;
    }

    /// The mean since the last call; `None` if there was no number.
    pub fn take(&mut self) -> Option<f64> {
        let Self { sum, count } = std::mem::take(self);
        (count > 0).then(|| sum.0 / count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back_bit_for_bit() {
        let mut bits = 0x9E37_79B9_7F4A_7C15u64;
        for _ in 0..10_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let written = Exact(f64::from_bits(bits));
            let json = serde_json::to_string(&written).expect("JSON");
            let read: Exact = serde_json::from_str(&json).expect("a number");
            let same = read.0.to_bits() == written.0.to_bits();
            assert!(same || (read.0.is_nan() && written.0.is_nan()), "{json}");
        }
        assert_eq!(
            serde_json::from_str::<Exact>("0.5").expect("a number"),
            Exact(0.5)
        );
    }
}
