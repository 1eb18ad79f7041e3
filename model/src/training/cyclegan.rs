//! One training step of CycleGAN (arXiv 1703.10593, section 3).

use burn::module::Module;
use burn::tensor::Tensor;

use super::batch::Batch;
use super::gan::Gan;
use super::hyperparameters::{A_TO_B, B_TO_A};
use super::loss::l1;
use super::losses::Losses;
use super::pass::Pass;
use super::randomness::{Purpose, stream};
use super::schedule::Rates;

/// There and back again, from either side.
struct Cycles {
    fake_b: Tensor<4>,
    rec_a: Tensor<4>,
    fake_a: Tensor<4>,
    rec_b: Tensor<4>,
}

struct GeneratorLosses {
    gan: [Tensor<1>; 2],
    cycle: [Tensor<1>; 2],
    identity: [Tensor<1>; 2],
}

/// Update number `step`: the generators', then the discriminators'.
pub(super) async fn step(mut gan: Gan, batch: &Batch, step: u64, rates: Rates) -> (Gan, Losses) {
    let mut pass = gan.pass(step);
    let cycles = forward(&gan, batch, &mut pass);
    let fakes = [&cycles.fake_b, &cycles.fake_a].map(|fakes| fakes.clone().detach());

    let g = generator_loss(&gan, batch, cycles, &mut pass);
    gan = gan.update_generators(&g.sum(), rates).await;

    let fakes = from_pools(&mut gan, fakes, step).await;
    let d = discriminator_loss(&gan, batch, &fakes, &mut pass);
    let loss_d = d[0].clone() + d[1].clone();
    gan = gan.update_discriminators(&loss_d, rates).await;

    let ([d_a, d_b], [g_a, g_b]) = (d, g.gan);
    let ([cycle_a, cycle_b], [idt_a, idt_b]) = (g.cycle, g.identity);
    let losses = [
        ("D_A", d_a),
        ("G_A", g_a),
        ("cycle_A", cycle_a),
        ("idt_A", idt_a),
        ("D_B", d_b),
        ("G_B", g_b),
        ("cycle_B", cycle_b),
        ("idt_B", idt_b),
    ];
    (gan, Losses::new(losses))
}

fn forward(gan: &Gan, batch: &Batch, pass: &mut Pass) -> Cycles {
    let (net_g_a, net_g_b) = (&gan.net_g[A_TO_B], &gan.net_g[B_TO_A]);
    let fake_b = pass.translate(net_g_a, &batch.real_a);
    let rec_a = pass.translate(net_g_b, &fake_b);
    let fake_a = pass.translate(net_g_b, &batch.real_b);
    let rec_b = pass.translate(net_g_a, &fake_a);
    Cycles {
        fake_b,
        rec_a,
        fake_a,
        rec_b,
    }
}

/// How well the discriminators are fooled (equation 1), how far a cycle leads from where it began
/// (equation 2), and what a generator changes in images that are of its output's side already
/// (section 5.2).
fn generator_loss(gan: &Gan, batch: &Batch, cycles: Cycles, pass: &mut Pass) -> GeneratorLosses {
    let hyperparameters = &gan.hyperparameters;
    let lambda_cycle = hyperparameters.lambda_cycle;
    let (real_a, real_b) = (&batch.real_a, &batch.real_b);
    // Without gradients of their own: this update needs none of the discriminators'.
    let net_d = gan.net_d.clone().no_grad();
    let fooled = [(A_TO_B, cycles.fake_b), (B_TO_A, cycles.fake_a)].map(|(direction, fakes)| {
        let logits = pass.judge(&net_d[direction], [&fakes]);
        hyperparameters.gan_mode.generator_loss(logits)
    });
    let cycle = [(cycles.rec_a, real_a), (cycles.rec_b, real_b)]
        .map(|(rec, real)| l1(rec, real.clone()) * lambda_cycle);
    let identity = match hyperparameters.lambda_identity {
        // Two forward passes for nothing.
        0.0 => [0, 1].map(|direction| cycle[direction].zeros_like()),
        weight => [(A_TO_B, real_b), (B_TO_A, real_a)].map(|(direction, real)| {
            let same = pass.translate(&gan.net_g[direction], real);
            l1(same, real.clone()) * (lambda_cycle * weight)
        }),
    };
    GeneratorLosses {
        gan: fooled,
        cycle,
        identity,
    }
}

impl GeneratorLosses {
    fn sum(&self) -> Tensor<1> {
        let [g_a, g_b] = self.gan.clone();
        let others = self.cycle.iter().chain(&self.identity);
        others.fold(g_a + g_b, |sum, loss| sum + loss.clone())
    }
}

/// Exchanges fakes for older ones (section 4).
async fn from_pools(gan: &mut Gan, mut fakes: [Tensor<4>; 2], step: u64) -> [Tensor<4>; 2] {
    let mut rng = stream(gan.hyperparameters.seed, Purpose::Pool, step);
    for (fakes, pool) in fakes.iter_mut().zip(&mut gan.pools) {
        let exchanged = |all| pool.exchange(all, &mut rng);
        let communicator = &mut gan.communicator;
        *fakes = communicator.gather_scatter(fakes.clone(), exchanged).await;
    }
    fakes
}

/// How well `netD_A` tells images of B from fakes, and `netD_B` those of A.
fn discriminator_loss(
    gan: &Gan,
    batch: &Batch,
    [fake_b, fake_a]: &[Tensor<4>; 2],
    pass: &mut Pass,
) -> [Tensor<1>; 2] {
    let gan_mode = gan.hyperparameters.gan_mode;
    let sides = [
        (A_TO_B, &batch.real_b, fake_b),
        (B_TO_A, &batch.real_a, fake_a),
    ];
    sides.map(|(direction, real, fake)| {
        let net_d = &gan.net_d[direction];
        let d_real = gan_mode.discriminator_loss(pass.judge(net_d, [real]), true);
        let d_fake = gan_mode.discriminator_loss(pass.judge(net_d, [fake]), false);
        (d_real + d_fake) * 0.5
    })
}
