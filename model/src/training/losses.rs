//! The named values that a step gives. Nothing here waits for the device but [`Losses::read`].

use std::borrow::Cow;
use std::fmt;

use burn::tensor::{ExecutionError, Tensor, TensorData};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Losses of one step under the field's names, unread: reading one waits for the device.
#[derive(Clone, Debug)]
pub struct Losses(Vec<(&'static str, Tensor<1>)>);

impl Losses {
    /// Names and values, in the order of reports; gradients are let go.
    pub fn new<const N: usize>(named: [(&'static str, Tensor<1>); N]) -> Self {
        let inner = |(name, loss): (_, Tensor<1>)| (name, loss.inner());
        Self(named.into_iter().map(inner).collect())
    }

    /// Losses of a whole batch, of which these are those of one part, from those of the `others`.
    #[must_use]
    pub fn weighted<'a>(
        self,
        part: f64,
        others: impl Iterator<Item = (&'a LossValues, f64)>,
    ) -> Self {
        let mut sums: Vec<_> = self
            .0
            .into_iter()
            .map(|(name, loss)| (name, loss * part))
            .collect();
        for (values, part) in others {
            for ((_, sum), (_, loss)) in sums.iter_mut().zip(values.iter()) {
                *sum = sum.clone() + f64::from(loss) * part;
            }
        }
        Self(sums)
    }

    /// Reads the numbers; waits for the device.
    pub fn read(self) -> LossValues {
        let (names, values) = self.joined();
        LossValues::of(names, &values.into_data())
    }

    /// As [`Self::read`], on a thread that must not block.
    ///
    /// # Errors
    /// The device has failed.
    pub async fn read_async(self) -> Result<LossValues, ExecutionError> {
        let (names, values) = self.joined();
        Ok(LossValues::of(names, &values.into_data_async().await?))
    }

    fn joined(self) -> (Vec<&'static str>, Tensor<1>) {
        let (names, tensors): (_, Vec<_>) = self.0.into_iter().unzip();
        (names, Tensor::cat(tensors, 0))
    }
}

/// [`Losses`] as numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossValues(Vec<(Cow<'static, str>, f32)>);

impl LossValues {
    fn of(names: Vec<&'static str>, values: &TensorData) -> Self {
        let names = names.into_iter().map(Cow::Borrowed);
        Self(names.zip(values.iter::<f32>()).collect())
    }

    pub fn mean(all: &[Self]) -> Self {
        let names = all.first().map_or(&[][..], |first| &first.0);
        let mean_at = |index: usize| {
            let values = all.iter().map(|losses| losses.0[index].1);
            values.sum::<f32>() / all.len() as f32
        };
        let named = names.iter().enumerate();
        Self(
            named
                .map(|(index, (name, _))| (name.clone(), mean_at(index)))
                .collect(),
        )
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f32)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), *value))
    }

    /// The loss of this name.
    pub fn get(&self, wanted: &str) -> Option<f32> {
        let found = self.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value)
    }

    /// How far fake pictures are from those that they should equal: the L1 loss of pix2pix, both
    /// cycle losses of CycleGAN.
    pub fn reconstruction(&self) -> f32 {
        let names = ["G_L1", "cycle_A", "cycle_B"];
        let parts = names.iter().filter_map(|name| self.get(name));
        parts.sum()
    }

    /// Whether every loss is a number.
    pub fn is_finite(&self) -> bool {
        self.iter().all(|(_, value)| value.is_finite())
    }
}

impl fmt::Display for LossValues {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.iter().enumerate() {
            let gap = if index == 0 { "" } else { "  " };
            write!(formatter, "{gap}{name} {value:.3}")?;
        }
        Ok(())
    }
}

impl FromIterator<(&'static str, f32)> for LossValues {
    fn from_iter<I: IntoIterator<Item = (&'static str, f32)>>(named: I) -> Self {
        let named = named.into_iter();
        Self(
            named
                .map(|(name, value)| (Cow::Borrowed(name), value))
                .collect(),
        )
    }
}

impl Serialize for LossValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
