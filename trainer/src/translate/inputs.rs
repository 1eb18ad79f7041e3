//! Files, folders and patterns as jobs: which image becomes which result. Names of images
//! are gone through as often as needed rather than kept, so that a list of millions costs little
//! memory. Nothing here opens an image.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::data::error::FolderProblem;
use crate::data::source::listing::{has_image_extension, walk};
use crate::image_file::{self, ImageFileError};
use crate::translate::shard::Shard;

/// The flag that errors about folders name.
const FLAG: &str = "INPUT";
const WILDCARDS: [char; 3] = ['*', '?', '['];

/// Inputs that cannot be translated together.
#[derive(Debug, Error)]
pub enum InputError {
    #[error(transparent)]
    Folder(#[from] FolderProblem),
    #[error("INPUT {pattern}: not a pattern ({reason}); * ? [abc] and ** are understood")]
    Pattern { pattern: String, reason: String },
    #[error(
        "INPUT {pattern}: no image (PNG, JPEG, WebP, BMP, GIF, TIFF) matches this pattern; check \
         the path, and for capital letters"
    )]
    NothingMatches { pattern: String },
    #[error(
        "{first} and {second} would both become {output}; name a folder that holds both, which \
         keeps their folders apart, or translate them into different ones"
    )]
    SameOutput {
        first: PathBuf,
        second: PathBuf,
        output: PathBuf,
    },
    #[error(
        "--output {output}: one file cannot hold the results of {words}; name a folder, or one \
         image"
    )]
    OneFile { output: PathBuf, words: String },
    #[error("--output {0}")]
    Format(#[from] ImageFileError),
    #[error("--output {output}: the result would overwrite the input {input}; name another place")]
    OverInput { input: PathBuf, output: PathBuf },
}

/// An image and where its result goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub input: PathBuf,
    /// File to write; a TIFF of the same name where the model makes bands that no PNG holds.
    pub output: PathBuf,
}

/// Everything that is to be translated, or a share of it.
#[derive(Debug)]
pub struct Inputs {
    sources: Vec<Source>,
    /// A folder, or the file for the result of the only image.
    output: PathBuf,
    is_file: bool,
    shard: Shard,
    /// Hashes of the results that several images would have.
    shared: HashSet<u64>,
    /// Images of the share.
    count: usize,
}

/// One word of the command line.
#[derive(Debug)]
enum Source {
    File(PathBuf),
    Folder {
        root: PathBuf,
        /// Where results lie inside it, which are no inputs.
        results: Option<PathBuf>,
    },
    Pattern {
        text: String,
        /// The folders in front of the first wildcard.
        root: PathBuf,
    },
}

/// An image, and its path inside what was named.
struct Found {
    path: PathBuf,
    inside: PathBuf,
}

impl Inputs {
    /// Finds the images: a folder stands for all below it, a pattern for what matches it.
    /// Results go to the folder `output` as PNGs, under the paths that images have inside
    /// what was named. Images whose results would have one name keep their endings:
    /// `x.jpg.png` and `x.png.png`. Names follow from all images, whichever share is taken. Where
    /// `output` ends like an image and is no folder, it is the result of the only image.
    ///
    /// # Errors
    /// [`InputError`]; a file that is missing fails when its turn comes.
    pub fn find(words: &[PathBuf], output: &Path, shard: Shard) -> Result<Self, InputError> {
        let sources = words.iter().map(|word| Source::of(word, output));
        let sources: Vec<Source> = sources.collect::<Result<_, _>>()?;
        let is_file = has_image_extension(output) && !output.is_dir();
        if is_file {
            image_file::output_format(output)?;
            if !matches!(sources[..], [Source::File(_)]) {
                let words = words.iter().map(|word| word.display().to_string());
                return Err(InputError::OneFile {
                    output: output.to_path_buf(),
                    words: words.collect::<Vec<_>>().join(", "),
                });
            }
        }
        let mut inputs = Self {
            sources,
            is_file,
            output: output.to_path_buf(),
            shard,
            shared: HashSet::new(),
            count: 0,
        };
        inputs.shared = inputs.shared_outputs()?;
        inputs.refuse_clashes()?;
        Ok(inputs)
    }

    /// The folder that results lie in, or that which holds the only one.
    pub fn folder(&self) -> &Path {
        match (self.is_file, self.output.parent()) {
            (false, _) => &self.output,
            (true, Some(parent)) if !parent.as_os_str().is_empty() => parent,
            (true, _) => Path::new("."),
        }
    }

    /// How many images the share has.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether the share has no image.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The images of the share, in the order of the words and of their names.
    pub fn jobs(&self) -> impl Iterator<Item = Job> + '_ {
        // What cannot be listed any more was listed a moment ago.
        let found = self.found().filter_map(Result::ok);
        found
            .filter(|found| self.shard.holds(&found.inside))
            .map(|found| Job {
                output: self.output_of(&found),
                input: found.path,
            })
    }

    fn found(&self) -> impl Iterator<Item = Result<Found, InputError>> + '_ {
        self.sources.iter().flat_map(Source::found)
    }

    fn shared_outputs(&self) -> Result<HashSet<u64>, InputError> {
        let mut seen: HashMap<u64, bool> = HashMap::new();
        for found in self.found() {
            let output = hash(&self.output.join(found?.inside).with_extension("png"));
            seen.entry(output)
                .and_modify(|twice| *twice = true)
                .or_insert(false);
        }
        let twice = seen.into_iter().filter(|(_, twice)| *twice);
        Ok(twice.map(|(output, _)| output).collect())
    }

    fn refuse_clashes(&mut self) -> Result<(), InputError> {
        let mut seen = HashSet::new();
        let mut count = 0;
        for found in self.found() {
            let found = found?;
            let output = self.output_of(&found);
            if !seen.insert(hash(&output)) {
                return Err(self.same_output(found.path, output));
            }
            if is_same_file(&found.path, &output) {
                return Err(InputError::OverInput {
                    input: found.path,
                    output: self.output.clone(),
                });
            }
            count += usize::from(self.shard.holds(&found.inside));
        }
        self.count = count;
        Ok(())
    }

    fn same_output(&self, second: PathBuf, output: PathBuf) -> InputError {
        let mut found = self.found().filter_map(Result::ok);
        let first = found.find(|found| self.output_of(found) == output);
        InputError::SameOutput {
            first: first.map_or_else(PathBuf::new, |found| found.path),
            second,
            output,
        }
    }

    fn output_of(&self, found: &Found) -> PathBuf {
        if self.is_file {
            return self.output.clone();
        }
        let output = self.output.join(&found.inside).with_extension("png");
        if !self.shared.contains(&hash(&output)) {
            return output;
        }
        let mut name = found.inside.file_name().unwrap_or_default().to_os_string();
        name.push(".png");
        output.with_file_name(name)
    }
}

impl Source {
    fn of(word: &Path, output: &Path) -> Result<Self, InputError> {
        if word.is_dir() {
            let results = results_inside(word, output);
            if results.as_deref() == Some(word) {
                return Err(InputError::OverInput {
                    input: word.to_path_buf(),
                    output: output.to_path_buf(),
                });
            }
            return Ok(Self::Folder {
                root: word.to_path_buf(),
                results,
            });
        }
        let text = word.to_string_lossy();
        if word.exists() || !text.contains(WILDCARDS) {
            return Ok(Self::File(word.to_path_buf()));
        }
        let text = text.into_owned();
        let literal = |part: &std::path::Component<'_>| {
            !part.as_os_str().to_string_lossy().contains(WILDCARDS)
        };
        let pattern = Self::Pattern {
            root: word.components().take_while(literal).collect(),
            text: text.clone(),
        };
        let first = pattern.found().next();
        match first {
            None => Err(InputError::NothingMatches { pattern: text }),
            Some(Err(error)) => Err(error),
            Some(Ok(_)) => Ok(pattern),
        }
    }

    fn found(&self) -> Box<dyn Iterator<Item = Result<Found, InputError>> + '_> {
        let inside =
            |path: &Path, root: &Path| path.strip_prefix(root).unwrap_or(path).to_path_buf();
        match self {
            Self::File(path) => Box::new(std::iter::once(Ok(Found {
                inside: PathBuf::from(path.file_name().unwrap_or_default()),
                path: path.clone(),
            }))),
            Self::Folder { root, results } => {
                let mut images = walk(FLAG, root, results.as_deref()).peekable();
                if images.peek().is_none() {
                    let problem = FolderProblem::NoImages {
                        flag: FLAG.to_string(),
                        path: root.clone(),
                    };
                    return Box::new(std::iter::once(Err(problem.into())));
                }
                Box::new(images.map(move |path| {
                    let path = path?;
                    let inside = inside(&path, root);
                    Ok(Found { path, inside })
                }))
            }
            Self::Pattern { text, root } => match matches(text) {
                Err(error) => Box::new(std::iter::once(Err(error))),
                Ok(paths) => Box::new(paths.map(move |path| {
                    let path = path?;
                    let inside = inside(&path, root);
                    Ok(Found { path, inside })
                })),
            },
        }
    }
}

/// Images that match, and those below folders that do. `**` matches folders and what is in
/// them, so that there files alone count.
fn matches(
    pattern: &str,
) -> Result<Box<dyn Iterator<Item = Result<PathBuf, InputError>>>, InputError> {
    let paths = glob::glob(pattern).map_err(|error| InputError::Pattern {
        pattern: pattern.to_string(),
        reason: error.to_string(),
    })?;
    let into_folders = !pattern.contains("**");
    Ok(Box::new(paths.flat_map(
        move |path| -> Box<dyn Iterator<Item = Result<PathBuf, InputError>>> {
            match path {
                Err(error) => Box::new(std::iter::once(Err(unreadable(&error)))),
                Ok(path) if path.is_dir() && into_folders => {
                    let below: Vec<_> = walk(FLAG, &path, None).collect();
                    Box::new(below.into_iter().map(|path| Ok(path?)))
                }
                Ok(path) if path.is_dir() || !has_image_extension(&path) => {
                    Box::new(std::iter::empty())
                }
                Ok(path) => Box::new(std::iter::once(Ok(path))),
            }
        },
    )))
}

fn unreadable(error: &glob::GlobError) -> InputError {
    InputError::Folder(FolderProblem::Unreadable {
        flag: FLAG.to_string(),
        path: error.path().to_path_buf(),
        reason: error.error().to_string(),
    })
}

/// Where `output` lies if it is inside `root`, as a path that begins with `root`.
fn results_inside(root: &Path, output: &Path) -> Option<PathBuf> {
    let mut missing = Vec::new();
    let mut existing = output;
    let real = loop {
        match (
            existing.canonicalize(),
            existing.parent(),
            existing.file_name(),
        ) {
            (Ok(real), ..) => break real,
            (Err(_), Some(parent), Some(name)) => {
                missing.push(name);
                existing = match parent.as_os_str().is_empty() {
                    true => Path::new("."),
                    false => parent,
                };
            }
            _ => return None,
        }
    };
    let output: PathBuf = std::iter::once(real.as_os_str())
        .chain(missing.into_iter().rev())
        .collect();
    let inside = output.strip_prefix(root.canonicalize().ok()?).ok()?;
    Some(match inside.as_os_str().is_empty() {
        true => root.to_path_buf(),
        false => root.join(inside),
    })
}

fn is_same_file(input: &Path, output: &Path) -> bool {
    // Most results are not there yet, which costs least to ask.
    let output = output.canonicalize();
    output.is_ok_and(|output| input.canonicalize().is_ok_and(|input| input == output))
}

fn hash(path: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    path.hash(&mut hasher);
    hasher.finish()
}
