//! An image as networks see it: planes of numbers. What the numbers mean is not known here, see
//! [`Encoding`](crate::Encoding).

/// Shares of red, green and blue in a grey (Rec. 601).
pub(crate) const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// Planes of equal size, one after the other (CHW), values in `[-1, 1]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Raster {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Raster {
    /// Planes of `width × height`; values that do not fill a plane are dropped.
    pub fn from_planes(width: usize, height: usize, mut values: Vec<f32>) -> Self {
        let plane = width * height;
        values.truncate(values.len() / plane.max(1) * plane);
        Self {
            width,
            height,
            values,
        }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn height(&self) -> usize {
        self.height
    }

    /// Pixels of one plane.
    pub fn pixels(&self) -> usize {
        self.width * self.height
    }

    pub fn channels(&self) -> usize {
        self.values.len() / self.pixels().max(1)
    }

    /// All values, plane after plane.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, plane after plane.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// The values of one channel, row by row. Panics for a channel that is not there.
    pub fn plane(&self, channel: usize) -> &[f32] {
        &self.values[channel * self.pixels()..][..self.pixels()]
    }

    /// The planes named by `channels`, in that order.
    pub fn select(&self, channels: &[usize]) -> Self {
        let values = channels.iter().flat_map(|&channel| self.plane(channel));
        Self::from_planes(self.width, self.height, values.copied().collect())
    }

    /// Grey as three equal planes; of more channels than three, the first three; of two, the
    /// first as grey.
    pub fn to_rgb(&self) -> Self {
        match self.channels() {
            0 => self.clone(),
            1 | 2 => self.select(&[0, 0, 0]),
            _ => self.select(&[0, 1, 2]),
        }
    }

    /// Rec. 601 luma of three or more channels; of fewer, the first.
    pub fn to_grey(&self) -> Self {
        if self.channels() < 3 {
            return self.select(&[0]);
        }
        let (red, green, blue) = (self.plane(0), self.plane(1), self.plane(2));
        let luma = red.iter().zip(green).zip(blue);
        let luma =
            luma.map(|((red, green), blue)| LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue);
        Self::from_planes(self.width, self.height, luma.collect())
    }
}
