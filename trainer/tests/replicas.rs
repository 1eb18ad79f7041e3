//! Training on several devices: what comes out is what one device makes of the same batches.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "replicas/shared_batch.rs"]
mod shared_batch;
#[path = "reference/warm_up.rs"]
mod warm_up;

use burn::tensor::Device;
use shared_batch::{settings, several_equal_one, trained};

const PIX2PIX: &str = "--net-g unet_128 --size 128 --net-d n_layers --n-layers-d 2";
const CYCLEGAN: &str = "--model cyclegan --net-g resnet_6blocks --size 32 --net-d pixel";

fn cpus(count: usize) -> Vec<Device> {
    vec![Device::flex(); count]
}

#[test]
fn two_devices_with_an_image_each_train_pix2pix_like_one_with_two() {
    let config = settings(&format!("{PIX2PIX} --batch 2"));
    several_equal_one(&config, &cpus(2), 4);
}

#[test]
fn shares_of_differing_size_count_by_their_images() {
    let config = settings(&format!("{PIX2PIX} --batch 5"));
    several_equal_one(&config, &cpus(3), 3);
}

#[test]
fn two_devices_train_cyclegan_like_one_with_the_same_pool() {
    // The pool is full after one step and swaps in the others. More would show where rounding takes
    // an activation across its kink, as it does on one processor or another.
    let config = settings(&format!("{CYCLEGAN} --batch 2 --pool-size 2"));
    several_equal_one(&config, &cpus(2), 3);
}

#[test]
fn a_training_on_several_devices_comes_out_the_same_each_time() {
    let config = settings(&format!("{PIX2PIX} --batch 2 --diff-augment color,cutout"));
    let [first, second] = [(); 2].map(|()| trained(&config, &cpus(2), 3).0);
    assert_eq!(first, second);
}
