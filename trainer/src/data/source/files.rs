//! The files behind pairs, and which of them can be used.

use std::path::Path;

use model::pixels::MAX_PIXELS;

use crate::data::error::DataError;
use crate::data::sample::frame::Frame;
use crate::data::sample::raster::SampleFormat;
use crate::image_file::Header;

/// Files as a source of pairs uses them.
pub(crate) struct FileGroup<'a> {
    pub(crate) name: &'static str,
    pub(crate) paths: Vec<&'a Path>,
    /// What is made of each file, from left to right.
    pub(crate) halves: Vec<(&'static str, SampleFormat)>,
}

/// Removes the items that `check` finds unusable and gives the reasons.
pub(crate) fn keep_usable<T>(
    items: &mut Vec<T>,
    check: impl Fn(&T) -> Result<(), DataError>,
) -> Result<Vec<DataError>, DataError> {
    let (mut problems, mut mistake) = (Vec::new(), None);
    items.retain(|item| match check(item) {
        Ok(()) => true,
        Err(error) if error.spares_the_others() => {
            problems.push(error);
            false
        }
        Err(error) => {
            mistake.get_or_insert(error);
            false
        }
    });
    mistake.map_or(Ok(problems), Err)
}

/// Refuses images that are smaller than the crop, or would become too large a sample.
pub(crate) fn check_frame(
    path: &Path,
    (width, height): (u32, u32),
    frame: Frame,
    scaled: (u32, u32),
) -> Result<(), DataError> {
    let path = || path.to_path_buf();
    if frame.preprocess.crops() && scaled.0.min(scaled.1) < frame.size {
        return Err(DataError::TooSmall {
            path: path(),
            width,
            height,
            size: frame.size,
        });
    }
    let (width, height) = scaled;
    match u64::from(width) * u64::from(height) <= MAX_PIXELS as u64 {
        true => Ok(()),
        false => Err(DataError::TooLarge {
            path: path(),
            width,
            height,
        }),
    }
}

/// Checks a file against the side that it is on and the frame, by its header.
pub(crate) fn check_file(
    path: &Path,
    header: Header,
    side: SampleFormat,
    frame: Frame,
) -> Result<(), DataError> {
    side.accept(path, header)?;
    let size = (header.width, header.height);
    check_frame(path, size, frame, frame.scaled(size))
}
