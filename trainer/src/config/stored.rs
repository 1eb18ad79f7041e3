//! Reads `config.json`, and says which key is wrong when one is.

use clap::error::ErrorKind;
use clap::{Args, Command};
use serde_json::{Map, Value};

use super::TrainArgs;
use crate::config::TrainConfig;

/// Keys whose values are objects with keys of their own.
const NESTED: [&str; 3] = ["data", "schedule", "diff_augment"];

/// The settings in `bytes`.
pub fn read(bytes: &[u8]) -> Result<TrainConfig, String> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| format!("not JSON ({error}); restore the file"))?;
    let Value::Object(found) = &value else {
        return Err("not a JSON object; restore the file".to_string());
    };
    if let Some(example) = example() {
        check(found, &example, &example, None)?;
    }
    serde_json::from_value(value).map_err(|error| format!("{error}; restore the file"))
}

/// Settings with every key, all valid.
fn example() -> Option<Map<String, Value>> {
    let args = TrainArgs::parsed(&["train"]).ok()?;
    match serde_json::to_value(args.decide(false, 1).ok()?).ok()? {
        Value::Object(example) => Some(example),
        _ => None,
    }
}

/// Checks the keys of `found`, the settings or their part `inside`, against those of `known`.
fn check(
    found: &Map<String, Value>,
    known: &Map<String, Value>,
    example: &Map<String, Value>,
    inside: Option<&str>,
) -> Result<(), String> {
    for (key, value) in found {
        let name = inside.map_or(key.clone(), |outer| format!("{outer}.{key}"));
        let Some(known_value) = known.get(key) else {
            let nearest = nearest(key, known.keys());
            return Err(format!(
                "no setting is called \"{name}\"; the nearest is \"{nearest}\": correct or remove it"
            ));
        };
        match (value, known_value) {
            (Value::Object(found), Value::Object(known)) if NESTED.contains(&key.as_str()) => {
                check(found, known, example, Some(key))?;
            }
            _ => check_type(key, value, example, inside)
                .map_err(|error| error.to_string())
                .and_then(|()| check_range(key, value))
                .map_err(|error| format!("\"{name}\": {error}; correct it"))?,
        }
    }
    Ok(())
}

/// Whether the settings that are all valid stay so with this one value.
fn check_type(
    key: &str,
    value: &Value,
    example: &Map<String, Value>,
    inside: Option<&str>,
) -> Result<(), serde_json::Error> {
    let mut tried = example.clone();
    let part = match inside {
        Some(outer) => tried.get_mut(outer).and_then(Value::as_object_mut),
        None => Some(&mut tried),
    };
    if let Some(part) = part {
        part.insert(key.to_string(), value.clone());
    }
    serde_json::from_value::<TrainConfig>(Value::Object(tried)).map(|_| ())
}

/// Whether the flag of the same name would take the number.
fn check_range(key: &str, value: &Value) -> Result<(), String> {
    let command = TrainArgs::augment_args(Command::new("train"));
    let flag = key.replace('_', "-");
    let is_flag = command
        .get_arguments()
        .any(|arg| arg.get_long() == Some(&flag));
    if !is_flag || !value.is_number() {
        return Ok(());
    }
    let words = ["train".to_string(), format!("--{flag}={value}")];
    match command.try_get_matches_from(words) {
        Err(error) if error.kind() == ErrorKind::ValueValidation => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            Err(first.trim_start_matches("error: ").to_string())
        }
        _ => Ok(()),
    }
}

fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a String>) -> &'a str {
    let by_distance = known.min_by_key(|candidate| strsim::levenshtein(key, candidate));
    by_distance.map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(change: impl FnOnce(&mut Map<String, Value>)) -> Result<TrainConfig, String> {
        let mut config = example().expect("an example");
        change(&mut config);
        read(&serde_json::to_vec(&config).expect("JSON"))
    }

    #[test]
    fn a_number_that_its_flag_would_not_take_is_refused() {
        for (key, value) in [
            ("base", Value::from(u32::MAX)),
            ("base_d", Value::from(0)),
            ("workers", Value::from(1 << 30)),
            ("lr", Value::from(-1.0)),
            ("pool_size", Value::from(u32::MAX)),
        ] {
            let error = changed(|config| {
                config.insert(key.to_string(), value);
            });
            let error = error.expect_err("refused");
            assert!(error.contains(&format!("\"{key}\"")), "{error}");
        }
        let error = changed(|config| {
            config["data"]["channels_a"] = Value::from(1_000_000_000);
        });
        assert!(error.expect_err("refused").contains("\"data.channels_a\""));
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_known_one() {
        assert!(changed(|_| ()).is_ok());
        let error = changed(|config| {
            config.insert("lamda_l1".to_string(), Value::from(10));
        });
        let error = error.expect_err("refused");
        assert!(error.contains("\"lamda_l1\"") && error.contains("\"lambda_l1\""));
        let error = changed(|config| {
            config["data"]["directon"] = Value::from("AtoB");
        });
        let error = error.expect_err("refused");
        assert!(error.contains("\"data.directon\"") && error.contains("\"direction\""));
    }

    #[test]
    fn an_ill_typed_key_is_named_with_what_it_should_be() {
        for (key, value, expected) in [
            ("batch", Value::from("four"), "u32"),
            ("ema", Value::from(true), "f64"),
            ("net_g", Value::from("unet_7"), "unet_256"),
            ("data", Value::from(3), "DataArgs"),
        ] {
            let error = changed(|config| {
                config.insert(key.to_string(), value);
            });
            let error = error.expect_err("refused");
            let names = error.contains(&format!("\"{key}\"")) && error.contains(expected);
            assert!(names, "{error}");
        }
        let error = changed(|config| config["schedule"]["decay"] = Value::from(-1));
        assert!(error.expect_err("refused").contains("\"schedule.decay\""));
    }

    #[test]
    fn a_missing_key_is_named() {
        let error = changed(|config| {
            config.remove("batch");
        });
        assert!(error.expect_err("refused").contains("`batch`"));
    }
}
