//! Values of flags: words and numbers, checked as the command line is read.

use std::fmt::Display;
use std::num::{IntErrorKind, ParseIntError};
use std::ops::Not;
use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use serde::de::DeserializeOwned;

/// One of `names`, which are also the names in `config.json` and in manifests.
pub fn one_of<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    of_values(PossibleValuesParser::new(names))
}

/// As [`one_of`], each name with what it means.
pub fn one_of_explained<T>(
    names: &'static [(&'static str, &'static str)],
) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    let value =
        |(name, meaning): &(&'static str, &'static str)| PossibleValue::new(*name).help(*meaning);
    of_values(PossibleValuesParser::new(names.iter().map(value)))
}

fn of_values<T>(names: PossibleValuesParser) -> impl TypedValueParser<Value = T>
where
    T: DeserializeOwned + Clone + Send + Sync + 'static,
{
    names.try_map(|name| serde_json::from_value::<T>(serde_json::Value::String(name)))
}

/// A whole number from 1 on.
pub fn at_least_one<N>(text: &str) -> Result<N, String>
where
    N: FromStr<Err = ParseIntError> + From<u8> + PartialOrd + Display + Not<Output = N>,
{
    match text.parse::<N>() {
        Ok(number) if number >= N::from(1) => Ok(number),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => {
            Err(format!("must be at most {}", !N::from(0)))
        }
        _ => Err("must be a whole number, 1 or more".to_string()),
    }
}

pub fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.0..1.0).contains(&rate) => Ok(rate),
        _ => Err("must be a number from 0 to below 1".to_string()),
    }
}

pub fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("must be a number from 0 to 1".to_string()),
    }
}

/// A number above 0.
pub fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value > 0.0 => Ok(value),
        _ => Err("must be a number above 0".to_string()),
    }
}

/// A number of 0 or above.
pub fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        _ => Err("must be 0 or a number above".to_string()),
    }
}
