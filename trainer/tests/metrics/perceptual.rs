//! LPIPS, Inception features and Fréchet distances are those of lpips, pytorch-fid and scipy:
//! fixtures/perceptual/make.py made the numbers.

use std::path::Path;

use burn::tensor::Device;
use image::RgbImage;
use trainer::evaluate::metrics::perceptual::{
    FEATURES, FeatureRows, Inception, Lpips, PerceptualError, frechet_distance,
};

use crate::made_weights::{Weights, hashed, numbers, weights, write};
use crate::networks::{IMAGES, RELATIVE, assert_near, cropped, features_match, lpips_matches};

/// A distance is made of squares of features, and is a difference of larger numbers.
const OF_DISTANCES: f64 = 10.0 * RELATIVE;

fn temp() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn is_of_layers(name: &str) -> bool {
    name.starts_with("lin")
}

#[test]
fn lpips_is_that_of_the_python_package_from_one_file_or_two() {
    let folder = temp();
    let all = weights("lpips");
    let (layers, backbone): (Weights, Weights) = all
        .clone()
        .into_iter()
        .partition(|(name, _)| is_of_layers(name));
    // As the package writes all of it: other names, and each layer twice.
    let slices = [("0", 1), ("3", 2), ("6", 3), ("8", 4), ("10", 5)];
    let merged = all.into_iter().flat_map(|(name, array)| {
        let parts: Vec<&str> = name.split('.').collect();
        if is_of_layers(&name) {
            let copy = format!("lins.{}.model.1.weight", &parts[0][3..]);
            return vec![(copy, array.clone()), (name.clone(), array)];
        }
        let slice = slices.iter().find(|(place, _)| *place == parts[1]);
        let slice = slice.expect("a convolution").1;
        let name = format!("net.slice{slice}.{}.{}", parts[1], parts[2]);
        vec![(name, array)]
    });
    let device = Device::flex();
    let file = write(folder.path(), "all.pth", merged.collect());
    lpips_matches(&[file], &device);
    // Torchvision's file has a head.
    let mut alexnet = backbone;
    let head = alexnet["features.0.bias"].clone();
    alexnet.insert("classifier.1.bias".to_string(), head);
    let files = [
        write(folder.path(), "alexnet.pth", alexnet),
        write(folder.path(), "alex.pth", layers),
    ];
    lpips_matches(&files, &device);
}

#[test]
fn inception_features_and_their_frechet_distances_are_those_of_pytorch_fid() {
    let folder = temp();
    let file = write(folder.path(), "inception.pth", weights("fid"));
    let inception = Inception::load(&file, &Device::flex()).expect("a network");
    features_match(&inception);
    let numbers = &numbers()["fid"];
    let squares: Vec<[u32; 2]> =
        serde_json::from_value(numbers["squares"].clone()).expect("places");
    let side = numbers["side"].as_u64().expect("a side") as u32;
    let rows = |name: &str| {
        let mut rows = FeatureRows::new(FEATURES);
        let cut = squares.iter();
        let cut: Vec<RgbImage> = cut
            .map(|&[top, left]| cropped(name, [top, left, side, side]))
            .collect();
        // Together, as one batch.
        rows.extend(&inception.features(&cut.iter().collect::<Vec<_>>()));
        rows
    };
    let target = rows("target");
    for name in IMAGES {
        let found = frechet_distance(&rows(name), &target).expect("a distance");
        assert_near(
            name,
            found,
            &numbers["distances"][name],
            OF_DISTANCES * found,
        );
    }
}

#[test]
fn frechet_distances_of_fewer_and_of_more_rows_than_features_are_those_of_pytorch_fid() {
    let numbers = &numbers()["frechet"];
    let width = numbers["features"].as_u64().expect("a number") as usize;
    let rows = |name: &str, count: usize| {
        let values: Vec<f64> = hashed(&format!("frechet {name}"), count * width).collect();
        let scales: Vec<f64> = hashed(&format!("scale {name}"), width).collect();
        let mut rows = FeatureRows::new(width);
        for row in values.chunks_exact(width) {
            let mixed = (0..width).map(|index| {
                let before = row[(index + width - 1) % width];
                ((row[index] + 0.5 * before) * (0.2 + scales[index])) as f32
            });
            rows.extend(&mixed.collect::<Vec<_>>());
        }
        rows
    };
    let wanted = numbers["distances"].as_object().expect("distances");
    assert_eq!(wanted.len(), 4);
    for (counts, wanted) in wanted {
        let (one, other) = counts.split_once(' ').expect("two numbers");
        let count = |text: &str| text.parse().expect("a number");
        let found = frechet_distance(&rows("a", count(one)), &rows("b", count(other)));
        let found = found.expect("a distance");
        // In 64 bits of the same rows, as here.
        assert_near(counts, found, &wanted["singular values"], 1e-9);
        // The way of pytorch-fid loses some digits where covariances are singular.
        assert_near(counts, found, &wanted["sqrtm"], 1e-6);
    }
}

fn refused<T>(loaded: Result<T, PerceptualError>, words: &[&str]) {
    let message = loaded.err().expect("a refusal").to_string();
    for word in words {
        assert!(message.contains(word), "\"{word}\" is not in: {message}");
    }
}

#[test]
fn a_weights_file_of_something_else_is_refused_by_tensor_and_file() {
    let folder = temp();
    let device = Device::flex();
    let load_lpips = |name: &str, weights| {
        let file = write(folder.path(), name, weights);
        Lpips::load(&[file], &device)
    };
    let mut lacks = weights("lpips");
    lacks.remove("lin3.model.1.weight");
    let words = [
        "--lpips-weights",
        "cut.pth",
        "lin3.model.1.weight",
        "is missing",
        "alex.pth",
    ];
    refused(load_lpips("cut.pth", lacks), &words);
    let mut vgg = weights("lpips");
    let other = vgg["lin4.model.1.weight"].clone();
    vgg.insert("lin0.model.1.weight".to_string(), other);
    let words = ["lin0.model.1.weight", "[1, 256, 1, 1]", "[1, 64, 1, 1]"];
    refused(load_lpips("vgg.pth", vgg), &words);

    let load_fid = |name: &str, weights| {
        let file = write(folder.path(), name, weights);
        Inception::load(&file, &device)
    };
    let inception = weights("fid");
    let mut lacks = inception.clone();
    lacks.remove("Mixed_6c.branch7x7dbl_4.bn.running_var");
    let words = [
        "--fid-weights",
        "cut.pth",
        "\"Mixed_6c.branch7x7dbl_4.bn.running_var\" is missing",
        "pt_inception-2015-12-05-6726825d.pth",
    ];
    refused(load_fid("cut.pth", lacks), &words);
    // Torchvision's network has the same names, but is another one.
    for (name, shape) in [("fc.bias", vec![1000]), ("AuxLogits.fc.bias", vec![1000])] {
        let mut torchvision = inception.clone();
        let values = vec![0.0; 1000];
        torchvision.insert(name.to_string(), model::state::Array { shape, values });
        refused(load_fid("torchvision.pth", torchvision), &[name]);
    }
    let missing = Inception::load(Path::new("nowhere.pth"), &device);
    refused(missing, &["--fid-weights", "nowhere.pth", "pytorch-fid"]);
}

#[test]
fn images_that_the_network_shrinks_to_nothing_are_refused() {
    let folder = temp();
    let file = write(folder.path(), "all.pth", weights("lpips"));
    let lpips = Lpips::load(&[file], &Device::flex()).expect("a network");
    let judged = |width, height| {
        let image = RgbImage::new(width, height);
        lpips.distances(&[&image], &image)
    };
    judged(31, 40).expect("a distance");
    refused(judged(40, 30), &["40 × 30", "--size"]);
}
