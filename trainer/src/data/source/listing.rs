//! Images in folders, and which folders train and validate.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::split::train_and_validation;
use crate::data::error::FolderProblem;
use crate::image_file::EXTENSIONS;

/// Names of the folder that trains.
const TRAIN_FOLDERS: [&str; 1] = ["train"];
/// Names of the folder that validates, the first one found.
const VALIDATION_FOLDERS: [&str; 3] = ["val", "validation", "test"];
/// Images for training and for validation.
pub type Split<T> = (T, T);

/// Images below `folder`, sorted; `train` and `val` inside it are kept apart, and without them
/// the images are split 80/20 by `seed`.
pub(crate) fn split_images(
    flag: &str,
    folder: &Path,
    seed: u64,
) -> Result<Split<Vec<PathBuf>>, FolderProblem> {
    if let Some((train, validation)) = parts(folder) {
        return Ok((list(flag, &train)?, list(flag, &validation)?));
    }
    let trains = TRAIN_FOLDERS.map(|name| folder.join(name));
    let all = match trains.iter().find(|path| path.is_dir()) {
        Some(train) => list(flag, train)?,
        None => list(flag, folder)?,
    };
    Ok(train_and_validation(all, seed))
}

/// Every image below `folder`, sorted by path.
pub fn list(flag: &str, folder: &Path) -> Result<Vec<PathBuf>, FolderProblem> {
    let flag = flag.to_string();
    let path = folder.to_path_buf();
    if !folder.is_dir() {
        return Err(FolderProblem::Missing { flag, path });
    }
    let images: Vec<PathBuf> = walk(&flag, folder, None).collect::<Result<_, _>>()?;
    match images.is_empty() {
        true => Err(FolderProblem::NoImages { flag, path }),
        false => Ok(images),
    }
}

/// Every image below `folder` in the order of their paths, without those below `skipped`.
pub(crate) fn walk(
    flag: &str,
    folder: &Path,
    skipped: Option<&Path>,
) -> impl Iterator<Item = Result<PathBuf, FolderProblem>> + use<> {
    let (flag, path) = (flag.to_string(), folder.to_path_buf());
    let skipped = skipped.map(Path::to_path_buf);
    let entries = WalkDir::new(folder).follow_links(true).sort_by_file_name();
    let entries = entries.into_iter();
    let entries = entries.filter_entry(move |entry| skipped.as_deref() != Some(entry.path()));
    entries.filter_map(move |entry| match entry {
        Ok(entry) if entry.file_type().is_file() && has_image_extension(entry.path()) => {
            Some(Ok(entry.into_path()))
        }
        Ok(_) => None,
        Err(error) => Some(Err(FolderProblem::Unreadable {
            flag: flag.clone(),
            path: path.clone(),
            reason: error.to_string(),
        })),
    })
}

/// Whether the file's ending is one of [`EXTENSIONS`].
pub fn has_image_extension(path: &Path) -> bool {
    path.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str()))
}

/// The folders inside that train and validate.
pub(super) fn parts(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let first = |names: &[&str]| {
        let mut paths = names.iter().map(|name| folder.join(name));
        paths.find(|path| path.is_dir())
    };
    Some((first(&TRAIN_FOLDERS)?, first(&VALIDATION_FOLDERS)?))
}

/// Whether `folder` is laid out as unpaired sets are: `trainA` and `trainB` inside.
pub fn is_unpaired_layout(folder: &Path) -> bool {
    ["trainA", "trainB"]
        .iter()
        .all(|name| folder.join(name).is_dir())
}

pub(crate) fn stem(path: &Path) -> String {
    let name = path.file_stem().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
