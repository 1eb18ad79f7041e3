//! Feature maps with the channels of a pixel side by side and a border around each image, so
//! that a convolution finds every value where its kernel looks.

use crate::inference::dataflow::Size;
use crate::network::plan::Edge;
use crate::vector::threads::*;

/// `[images, border + height + border, border + width + border, channels]`, row-major.
#[derive(Debug, Default)]
pub(super) struct Features {
    pub values: Vec<f32>,
    pub size: Size,
    pub border: usize,
    /// What the border holds.
    edge: Edge,
}

impl Features {
    /// All zeros.
    pub fn new(size: Size, border: usize) -> Self {
        let area = (size.height + 2 * border) * (size.width + 2 * border);
        Self {
            values: vec![0.0; size.images * area * size.channels],
            size,
            border,
            edge: Edge::Zeros,
        }
    }

    /// Values from one row to the next.
    pub fn row_length(&self) -> usize {
        (self.size.width + 2 * self.border) * self.size.channels
    }

    /// Values from one image to the next.
    pub fn image_length(&self) -> usize {
        (self.size.height + 2 * self.border) * self.row_length()
    }

    /// Hands every row inside the border to `work`, with the indices of image and row.
    pub fn for_each_row(&mut self, work: impl Fn(usize, usize, &mut [f32]) + Sync + Send) {
        let (border, size, length) = (self.border, self.size, self.row_length());
        let rows = size.height + 2 * border;
        let lines = self.values.par_chunks_mut(length).enumerate();
        lines.for_each(|(index, row)| {
            let (image, row_index) = (index / rows, index % rows);
            if (border..border + size.height).contains(&row_index) {
                let inside = &mut row[border * size.channels..][..size.width * size.channels];
                work(image, row_index - border, inside);
            }
        });
    }

    /// Takes a tensor `[images, channels, height, width]`.
    pub fn fill(&mut self, values: &[f32]) {
        let size = self.size;
        let plane = size.height * size.width;
        self.for_each_row(|image, y, row| {
            for channel in 0..size.channels {
                let start = (image * size.channels + channel) * plane + y * size.width;
                let line = &values[start..][..size.width];
                for (pixel, value) in row.chunks_exact_mut(size.channels).zip(line) {
                    pixel[channel] = *value;
                }
            }
        });
    }

    /// The tensor `[images, channels, height, width]`.
    pub fn tensor(&self) -> Vec<f32> {
        let size = self.size;
        let mut tensor = vec![0.0; size.images * size.channels * size.height * size.width];
        let rows = tensor.par_chunks_mut(size.width).enumerate();
        rows.for_each(|(index, row)| {
            let (plane, y) = (index / size.height, index % size.height);
            let (image, channel) = (plane / size.channels, plane % size.channels);
            let start = self.start(image, y) + channel;
            let pixels = self.values[start..].iter().step_by(size.channels);
            for (value, pixel) in row.iter_mut().zip(pixels) {
                *value = *pixel;
            }
        });
        tensor
    }

    /// The first and the last rows inside the border of one image, as many as the border is wide.
    pub fn outer_rows(&self) -> Vec<f32> {
        let length = self.border * self.row_length();
        let last = self.size.height * self.row_length();
        [length, last]
            .map(|start| &self.values[start..][..length])
            .concat()
    }

    /// Takes what lies above and below one image, where something does, in place of the border: what
    /// [`Self::outer_rows`] gives of the images there.
    pub fn set_neighbours(&mut self, rows: &[f32], lies: [bool; 2]) {
        let length = self.border * self.row_length();
        let below = length + self.size.height * self.row_length();
        let sides = [0, below].into_iter().zip(rows.chunks_exact(length));
        for ((start, rows), _) in sides.zip(lies).filter(|(_, lies)| *lies) {
            self.values[start..][..length].copy_from_slice(rows);
        }
    }

    /// All rows inside the border of one image.
    pub fn rows(&self) -> &[f32] {
        let length = self.row_length();
        &self.values[self.border * length..][..self.size.height * length]
    }

    /// Takes what [`Self::rows`] gives.
    pub fn set_rows(&mut self, rows: &[f32]) {
        let start = self.border * self.row_length();
        self.values[start..][..rows.len()].copy_from_slice(rows);
    }

    /// Brings the border up to date with what it encloses.
    pub fn close(&mut self, edge: Edge) {
        for image in 0..self.size.images {
            match (self.edge, edge) {
                (Edge::Zeros, Edge::Zeros) => {}
                (Edge::Reflection, Edge::Zeros) => self.clear_border(image),
                (_, Edge::Reflection) => self.reflect(image),
            }
        }
        self.edge = edge;
    }

    /// Index of the first value of a row inside the border.
    fn start(&self, image: usize, y: usize) -> usize {
        image * self.image_length()
            + (y + self.border) * self.row_length()
            + self.border * self.size.channels
    }

    fn clear_border(&mut self, image: usize) {
        let inside = self.size.width * self.size.channels;
        let whole = self.image_length();
        let mut end = image * whole;
        for y in 0..self.size.height {
            let start = self.start(image, y);
            self.values[end..start].fill(0.0);
            end = start + inside;
        }
        self.values[end..(image + 1) * whole].fill(0.0);
    }

    fn reflect(&mut self, image: usize) {
        let (border, size, length) = (self.border, self.size, self.row_length());
        let channels = size.channels;
        let whole = self.image_length();
        let values = &mut self.values[image * whole..][..whole];
        for row in values
            .chunks_exact_mut(length)
            .skip(border)
            .take(size.height)
        {
            for beyond in 1..=border {
                let left = (border + beyond) * channels;
                row.copy_within(left..left + channels, (border - beyond) * channels);
                let right = (border + size.width - 1 - beyond) * channels;
                let to = (border + size.width - 1 + beyond) * channels;
                row.copy_within(right..right + channels, to);
            }
        }
        let last = border + size.height - 1;
        for beyond in 1..=border {
            let above = (border + beyond) * length;
            values.copy_within(above..above + length, (border - beyond) * length);
            let below = (last - beyond) * length;
            values.copy_within(below..below + length, (last + beyond) * length);
        }
    }
}
