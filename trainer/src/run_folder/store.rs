//! The checkpoints of a run: each in a folder that appears whole or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use model::Generator;
use model::training::Gan;
use model::training::checkpoint::{CheckpointSource, generator_file};

use super::checkpoint::{Best, Checkpoint, Digest, PROGRESS_FILE, Progress, Stored};
use super::content::{files, restore};
use super::error::RunFolderError;
use super::files::{
    damaged, name_of, read_json, sync_folder, write_error, write_synced, write_whole,
};
use super::folder::RunFolder;
use crate::config::TrainConfig;
use crate::data::direction::Direction;
use crate::system::files::UNFINISHED;

const LATEST_FILE: &str = "latest";
const BEST_FILE: &str = "best";
const SET_ASIDE: &str = "damaged";

/// What resuming found.
pub struct Restored {
    /// The checkpoint; `None` when the run never got so far.
    pub checkpoint: Option<Checkpoint>,
    /// What was wrong with newer ones.
    pub damaged: Vec<RunFolderError>,
}

impl RunFolder {
    /// Writes a checkpoint beside its place, syncs it, and renames it; then points `latest` at
    /// it. Older ones than the last `keep` are deleted, but for the best.
    ///
    /// # Errors
    /// [`RunFolderError::Write`]; earlier checkpoints are untouched then.
    pub fn save(
        &self,
        model: &Gan,
        progress: &Progress,
        keep: u32,
    ) -> Result<PathBuf, RunFolderError> {
        let parent = self.checkpoints();
        let path = parent.join(format!("{:08}", progress.step));
        let staging = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempdir_in(&parent)
            .map_err(|source| write_error(&parent, source))?;
        let mut digests = BTreeMap::new();
        for file in files(model) {
            let (name, file_path) = (file.name.clone(), staging.path().join(&file.name));
            let bytes = file.bytes().map_err(|error| damaged(&file_path, error))?;
            write_synced(&file_path, &bytes)?;
            digests.insert(name, Digest::of(&bytes));
        }
        let stored = Stored {
            progress: progress.clone(),
            files: digests,
        };
        let progress_path = staging.path().join(PROGRESS_FILE);
        let json = serde_json::to_vec(&stored).map_err(|error| damaged(&progress_path, error))?;
        write_synced(&progress_path, &json)?;
        sync_folder(staging.path())?;
        if path.exists() {
            remove(&path)?;
        }
        fs::rename(staging.path(), &path).map_err(|source| write_error(&path, source))?;
        // It has left its place: there is nothing to clean up.
        let _ = staging.keep();
        sync_folder(&parent)?;
        write_whole(&parent.join(LATEST_FILE), name_of(&path).as_bytes())?;
        self.delete_oldest(keep)?;
        Ok(path)
    }

    /// Names the checkpoint of `best` as the best one; it exists.
    pub fn mark_best(&self, best: Best) -> Result<(), RunFolderError> {
        let path = self.checkpoints().join(BEST_FILE);
        let json = serde_json::to_vec(&best).map_err(|error| damaged(&path, error))?;
        write_whole(&path, &json)
    }

    /// The best checkpoint, if the run keeps it.
    pub fn best(&self) -> Option<Best> {
        read_json(&self.checkpoints().join(BEST_FILE)).ok()
    }

    /// Restores `model` from the newest checkpoint that can be read. Newer ones that cannot are
    /// renamed, so that they are in nobody's way.
    pub fn restore(&self, model: &mut Gan) -> Result<Restored, RunFolderError> {
        let mut damaged = Vec::new();
        let mut in_the_way = Vec::new();
        for path in self.saved()?.into_iter().rev() {
            let opened = Checkpoint::open(&path);
            let restored = opened.and_then(|found| restore(model, &found).map(|()| found));
            match restored {
                Ok(checkpoint) => {
                    self.set_aside(&in_the_way)?;
                    let checkpoint = Some(checkpoint);
                    return Ok(Restored {
                        checkpoint,
                        damaged,
                    });
                }
                Err(error) if error.is_of_this_checkpoint() => damaged.push(error),
                Err(error) => return Err(error),
            }
            in_the_way.push(path);
        }
        match damaged.into_iter().next() {
            Some(newest) => Err(newest),
            None => Ok(Restored {
                checkpoint: None,
                damaged: Vec::new(),
            }),
        }
    }

    /// A generator of the latest checkpoint, on `device`, and how far it was trained: the
    /// average where the run keeps one.
    pub fn latest_generator(
        &self,
        config: &TrainConfig,
        direction: Direction,
        device: &Device,
    ) -> Result<(Generator, Progress), RunFolderError> {
        let mut saved = self.saved()?;
        let newest = saved.pop().ok_or_else(|| RunFolderError::NoCheckpoint {
            path: self.checkpoints(),
        })?;
        let network = match direction {
            Direction::AtoB => config.generator(),
            Direction::BtoA => config.generator_back(),
        };
        let file = generator_file(config.model, direction.index(), config.ema.is_some());
        let loaded = Checkpoint::open(&newest).and_then(|checkpoint| {
            let generator = checkpoint.network(&file, network.init(device))?;
            Ok((generator, checkpoint.stored.progress))
        });
        loaded.map_err(|error| match (error.is_of_this_checkpoint(), saved.pop()) {
            (true, Some(previous)) => RunFolderError::NewestDamaged {
                error: Box::new(error),
                newest,
                previous,
            },
            _ => error,
        })
    }

    /// Deletes what a killed trainer left half done. Only for who holds the lock.
    pub fn clear_unfinished(&self) -> Result<(), RunFolderError> {
        for folder in [self.root().to_path_buf(), self.checkpoints()] {
            for path in entries(&folder)? {
                if !name_of(&path).starts_with(UNFINISHED) {
                    continue;
                }
                let removed = match path.is_dir() {
                    true => fs::remove_dir_all(&path),
                    false => fs::remove_file(&path),
                };
                removed.map_err(|source| write_error(&path, source))?;
            }
        }
        Ok(())
    }

    /// Folders of checkpoints, oldest first.
    fn saved(&self) -> Result<Vec<PathBuf>, RunFolderError> {
        let is_step = |path: &PathBuf| name_of(path).bytes().all(|byte| byte.is_ascii_digit());
        let mut saved = entries(&self.checkpoints())?;
        saved.retain(|path| is_step(path) && path.is_dir());
        saved.sort_by_key(|path| name_of(path).parse::<u64>().ok());
        Ok(saved)
    }

    fn set_aside(&self, damaged: &[PathBuf]) -> Result<(), RunFolderError> {
        for path in damaged {
            let numbers = 1u32..;
            let name = |number| path.with_extension(format!("{SET_ASIDE}-{number}"));
            let free = numbers.map(name).find(|aside| !aside.exists());
            let aside = free.unwrap_or_else(|| path.with_extension(SET_ASIDE));
            fs::rename(path, &aside).map_err(|source| write_error(path, source))?;
        }
        Ok(())
    }

    fn delete_oldest(&self, keep: u32) -> Result<(), RunFolderError> {
        let mut saved = self.saved()?;
        let surplus = saved.len().saturating_sub(keep.max(1) as usize);
        let best = self.best().map(|best| format!("{:08}", best.step));
        for path in saved.drain(..surplus) {
            if Some(name_of(&path)) != best {
                remove(&path)?;
            }
        }
        Ok(())
    }
}

/// Renames a folder before it is deleted, so that nobody finds half of it.
fn remove(path: &Path) -> Result<(), RunFolderError> {
    let doomed = path.with_file_name(format!("{UNFINISHED}{}", name_of(path)));
    let removed = fs::rename(path, &doomed).and_then(|()| fs::remove_dir_all(&doomed));
    removed.map_err(|source| write_error(path, source))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, RunFolderError> {
    let read_error = |source| RunFolderError::Read {
        path: folder.to_path_buf(),
        source,
    };
    let found = fs::read_dir(folder).map_err(read_error)?;
    let paths = found.map(|entry| Ok(entry?.path()));
    paths.collect::<std::io::Result<_>>().map_err(read_error)
}
