//! Event files of a training, read by the real TensorBoard.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod harness;
mod python;

use std::fs;
use std::path::Path;
use std::process::Command;

use harness::{temp, trained};
use python::python;
use serde_json::Value;

/// Prints what TensorBoard finds in the folder that it is given.
const READER: &str = r#"
import json, struct, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0, "tensors": 0})
events.Reload()
tags = events.Tags()
def png_size(image):
    png = image.encoded_image_string
    assert png[:8] == b"\x89PNG\r\n\x1a\n", png[:8]
    return list(struct.unpack(">II", png[16:24]))
print(json.dumps({
    "scalars": {tag: [[event.step, event.value] for event in events.Scalars(tag)]
                for tag in tags["scalars"]},
    "images": {tag: [[event.step, event.width, event.height, png_size(event)]
                     for event in events.Images(tag)] for tag in tags["images"]},
    "texts": {tag: events.Tensors(tag)[0].tensor_proto.string_val[0].decode()
              for tag in tags["tensors"]},
}))
"#;

fn read(run: &Path) -> Value {
    let output = Command::new(python(&["tensorboard"]))
        .args(["-c", READER])
        .arg(run)
        .output()
        .expect("Python starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Steps and values of the losses in `metrics.jsonl`.
fn logged(run: &Path, loss: &str) -> Vec<(u64, f64)> {
    let text = fs::read_to_string(run.join("metrics.jsonl")).expect("metrics");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let steps = lines.filter(|line: &Value| line["event"] == "step");
    steps
        .map(|line| {
            let step = line["step"].as_u64().expect("a step");
            (step, line["losses"][loss].as_f64().expect("a loss"))
        })
        .collect()
}

#[test]
fn tensorboard_reads_every_loss_metric_sample_and_patch_of_a_run() {
    let folder = temp();
    trained(folder.path(), &["--sample-every", "1"]);
    let run = folder.path().join("run");
    let found = read(&run);
    for loss in ["G_GAN", "G_L1", "D_real", "D_fake"] {
        let scalars = found["scalars"][format!("loss/{loss}")].as_array();
        let scalars = scalars.unwrap_or_else(|| panic!("no {loss} in {found}"));
        let expected = logged(&run, loss);
        assert_eq!(scalars.len(), expected.len());
        for (scalar, (step, value)) in scalars.iter().zip(expected) {
            assert_eq!(scalar[0], step);
            let scalar = scalar[1].as_f64().expect("a number");
            assert_eq!(scalar as f32, value as f32);
        }
    }
    for tag in [
        "schedule/lr",
        "speed/steps_per_second",
        "validation_PSNR/output",
        "validation_PSNR/input",
        "validation_L1/output",
        "validation_SSIM/output",
        "outputs_variety/fake_B",
    ] {
        assert!(found["scalars"][tag].is_array(), "no {tag} in {found}");
    }
    // Three images of 128 in each of four rows, 4 pixels between them.
    let (width, height) = (3 * 132 + 4, 4 * 132 + 4);
    let grid = |step: u64| serde_json::json!([step, width, height, [width, height]]);
    assert_eq!(
        found["images"]["samples"],
        serde_json::json!([grid(1), grid(2)])
    );
    for tag in ["patches_D/real", "patches_D/fake"] {
        let maps = found["images"][tag].as_array();
        let maps = maps.unwrap_or_else(|| panic!("no {tag} in {found}"));
        // A PatchGAN sees 14 × 14 patches of 128 × 128 pixels; they are drawn 8 pixels wide.
        assert_eq!(
            (&maps[0][1], &maps[0][2]),
            (&(4 * 120 - 8).into(), &112.into())
        );
    }
    let config = found["texts"]["config"].as_str().expect("settings");
    assert!(config.contains("\"net_g\": \"unet_128\""), "{config}");
}

#[test]
fn tensorboard_reads_both_discriminators_of_cyclegan() {
    let folder = temp();
    trained(folder.path(), &["--model", "cyclegan"]);
    let found = read(&folder.path().join("run"));
    for tag in [
        "patches_D_A/real",
        "patches_D_A/fake",
        "patches_D_B/real",
        "patches_D_B/fake",
    ] {
        assert!(found["images"][tag].is_array(), "no {tag} in {found}");
    }
    for tag in ["loss/cycle_A", "loss/D_B", "outputs_variety/fake_A"] {
        assert!(found["scalars"][tag].is_array(), "no {tag} in {found}");
    }
}
