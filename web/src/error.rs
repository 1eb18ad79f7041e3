//! What can go wrong, as the page sees it: a JS `Error` whose `code` is one of
//! the words that the page's own errors use as well.

use std::fmt::Display;

use model::{LoadError, ManifestError, TilingError, TranslateError, WeightsError};

/// The part of an error that a program can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    Integrity,
    Manifest,
    Version,
    Weights,
    InputSize,
    NoWebGpu,
    DeviceLost,
    OutOfMemory,
    /// Settings of a training.
    Settings,
    /// Pairs to learn from.
    Pairs,
    /// A checkpoint of a training.
    Checkpoint,
    /// Losses that are no numbers.
    Diverged,
    Internal,
}

impl ErrorCode {
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorCode::Integrity => "integrity",
            ErrorCode::Manifest => "manifest",
            ErrorCode::Version => "version",
            ErrorCode::Weights => "weights",
            ErrorCode::InputSize => "input-size",
            ErrorCode::NoWebGpu => "no-webgpu",
            ErrorCode::DeviceLost => "device-lost",
            ErrorCode::OutOfMemory => "out-of-memory",
            ErrorCode::Settings => "settings",
            ErrorCode::Pairs => "pairs",
            ErrorCode::Checkpoint => "checkpoint",
            ErrorCode::Diverged => "diverged",
            ErrorCode::Internal => "internal",
        }
    }
}

/// A code for the program and a sentence for the person.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct WebError {
    code: ErrorCode,
    message: String,
}

impl WebError {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub fn internal(cause: impl Display) -> Self {
        Self::new(ErrorCode::Internal, cause.to_string())
    }

    /// A library's message, with a capital letter and a full stop for the page.
    fn sentence(code: ErrorCode, cause: impl Display) -> Self {
        let text = cause.to_string();
        let mut letters = text.chars();
        let message = match letters.next() {
            Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
            None => text,
        };
        Self { code, message }
    }

    pub fn code(&self) -> ErrorCode {
        self.code
    }
}

#[cfg(target_arch = "wasm32")]
impl From<WebError> for wasm_bindgen::JsValue {
    fn from(error: WebError) -> Self {
        let js_error = js_sys::Error::new(&error.message);
        let code = Self::from_str(error.code.as_str());
        // Setting a property on a fresh object only fails if it is frozen.
        let _ = js_sys::Reflect::set(&js_error, &Self::from_str("code"), &code);
        js_error.into()
    }
}

impl From<ManifestError> for WebError {
    fn from(error: ManifestError) -> Self {
        let code = match error {
            ManifestError::Version(_) => ErrorCode::Version,
            ManifestError::Syntax(_)
            | ManifestError::TooLong
            | ManifestError::Format(_)
            | ManifestError::Field { .. } => ErrorCode::Manifest,
        };
        Self::sentence(code, error)
    }
}

impl From<LoadError> for WebError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Manifest(error) => error.into(),
            LoadError::Weights(WeightsError::Length { .. } | WeightsError::Checksum { .. }) => {
                Self::sentence(ErrorCode::Integrity, error)
            }
            LoadError::Weights(_) | LoadError::State(_) => {
                Self::sentence(ErrorCode::Weights, error)
            }
        }
    }
}

impl From<TranslateError> for WebError {
    fn from(error: TranslateError) -> Self {
        let code = match &error {
            TranslateError::Pixels(_) => ErrorCode::InputSize,
            TranslateError::OutOfMemory(_) => ErrorCode::OutOfMemory,
            TranslateError::Device(_) => ErrorCode::Internal,
        };
        Self::sentence(code, error)
    }
}

impl From<TilingError> for WebError {
    fn from(error: TilingError) -> Self {
        Self::sentence(ErrorCode::InputSize, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(error: impl Into<WebError>) -> &'static str {
        error.into().code().as_str()
    }

    #[test]
    fn a_manifest_of_a_later_version_is_told_from_a_broken_one() {
        assert_eq!(code_of(ManifestError::Version(2)), "version");
        assert_eq!(code_of(ManifestError::Syntax("cut".into())), "manifest");
    }

    #[test]
    fn weights_that_were_cut_or_altered_fail_their_integrity() {
        let cut = WeightsError::Length {
            expected: 2,
            found: 1,
        };
        assert_eq!(code_of(LoadError::Weights(cut)), "integrity");
        let altered = WeightsError::Checksum {
            expected: "a".into(),
            found: "b".into(),
        };
        assert_eq!(code_of(LoadError::Weights(altered)), "integrity");
        let foreign = WeightsError::Container("no header".into());
        assert_eq!(code_of(LoadError::Weights(foreign)), "weights");
    }

    #[test]
    fn a_device_without_memory_is_told_from_one_that_failed() {
        let full = TranslateError::OutOfMemory("full".into());
        assert_eq!(code_of(full), "out-of-memory");
        let failed = TranslateError::Device("validation".into());
        assert_eq!(code_of(failed), "internal");
    }

    #[test]
    fn messages_are_sentences() {
        let error = WebError::from(ManifestError::Version(2));
        let text = error.to_string();
        assert!(text.starts_with("The ") && text.ends_with('.'), "{text}");
    }
}
