//! One training step of pix2pix (arXiv 1611.07004, section 3).

use burn::module::Module;
use burn::tensor::Tensor;

use super::batch::Batch;
use super::gan::Gan;
use super::hyperparameters::A_TO_B;
use super::loss::{l1, masked_l1};
use super::losses::Losses;
use super::pass::Pass;
use super::schedule::Rates;

/// Update number `step`: the discriminator's, then the generator's.
pub(super) async fn step(mut gan: Gan, batch: &Batch, step: u64, rates: Rates) -> (Gan, Losses) {
    let mut pass = gan.pass(step);
    let fake_b = pass.translate(&gan.net_g[A_TO_B], &batch.real_a);

    let [d_real, d_fake] = discriminator_loss(&gan, batch, &fake_b, &mut pass);
    let loss_d = (d_fake.clone() + d_real.clone()) * 0.5;
    gan = gan.update_discriminators(&loss_d, rates).await;

    let [g_gan, g_l1] = generator_loss(&gan, batch, fake_b, &mut pass);
    let loss_g = g_gan.clone() * gan.hyperparameters.lambda_gan + g_l1.clone();
    gan = gan.update_generators(&loss_g, rates).await;

    let losses = [
        ("G_GAN", g_gan),
        ("G_L1", g_l1),
        ("D_real", d_real),
        ("D_fake", d_fake),
    ];
    (gan, Losses::new(losses))
}

/// How well `netD` tells `real_B` from `fake_B`, each beside `real_A`.
fn discriminator_loss(
    gan: &Gan,
    batch: &Batch,
    fake_b: &Tensor<4>,
    pass: &mut Pass,
) -> [Tensor<1>; 2] {
    let (net_d, gan_mode) = (&gan.net_d[A_TO_B], gan.hyperparameters.gan_mode);
    let fake_b = batch.masked(fake_b.clone()).detach();
    let on_fake = pass.judge(net_d, [&batch.real_a, &fake_b]);
    let on_real = pass.judge(net_d, [&batch.real_a, &batch.real_b]);
    [(on_real, true), (on_fake, false)]
        .map(|(logits, is_real)| gan_mode.discriminator_loss(logits, is_real))
}

/// How well `netD` is fooled by `fake_B`, and how far that is from `real_B`.
fn generator_loss(gan: &Gan, batch: &Batch, fake_b: Tensor<4>, pass: &mut Pass) -> [Tensor<1>; 2] {
    let hyperparameters = &gan.hyperparameters;
    // Without gradients of its own: this update needs none of the discriminator's.
    let net_d = gan.net_d[A_TO_B].clone().no_grad();
    let logits = pass.judge(&net_d, [&batch.real_a, &batch.masked(fake_b.clone())]);
    let real_b = batch.real_b.clone();
    let distance = match &batch.mask {
        Some(mask) => masked_l1(fake_b, real_b, mask.clone()),
        None => l1(fake_b, real_b),
    };
    let g_gan = hyperparameters.gan_mode.generator_loss(logits);
    [g_gan, distance * hyperparameters.lambda_l1]
}
