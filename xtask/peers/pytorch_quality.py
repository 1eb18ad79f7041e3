"""Trains PyTorch's reference networks as a run of `trainer train` was trained: same samples in the
same order, same rates, and writes the generator's state dict.

    python pytorch_quality.py RUN SAMPLES FILE.pth

RUN holds the settings (config.json); SAMPLES is what `trainer data samples RUN SAMPLES` wrote.
"""

import json
import sys
from pathlib import Path

import numpy
import torch
from PIL import Image
from pytorch import Level, adam, patchgan, training_step
from torch import nn

TELL_EVERY = 100
# What this script trains, under the names of config.json.
KNOWN = {
    "net_g": "unet_256", "upsample": "transposed", "residual": False, "net_d": "basic",
    "norm": "batch", "norm_d": "batch", "dropout": 0.5, "init": "normal", "init_gain": 0.02,
    "batch": 1, "lr": 2e-4, "lr_d": 2e-4, "gan_mode": "vanilla", "lambda_l1": 100.0,
    "lambda_gan": 1.0,
}  # fmt: skip


def refuse_others(config):
    other = [f"{name} {config[name]}" for name, value in KNOWN.items() if config[name] != value]
    if other or config["schedule"]["policy"] != "linear":
        sys.exit(f"config.json: {', '.join(other) or 'the learning rate'} is not the reference's")


def start(layer):
    """N(0, 0.02), as the paper has it."""
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(layer.weight, 0.0, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)


def rate_factor(schedule, step):
    unit = step // schedule["unit_steps"]
    late = max(0, unit + 1 - schedule["constant"])
    return max(0.0, 1.0 - late / (schedule["decay"] + 1))


def pair(path):
    pixels = torch.from_numpy(numpy.asarray(Image.open(path).convert("RGB"), numpy.float32))
    both = pixels.permute(2, 0, 1)[None] / 127.5 - 1
    return both.chunk(2, dim=3)


def named(level, prefix="model."):
    """Weights under the names of the reference's U-Net."""
    inner = [] if level.inner is None else [level.inner]
    for index, layer in enumerate([*level.down, *inner, *level.up]):
        here = f"{prefix}model.{index}."
        if isinstance(layer, Level):
            yield from named(layer, here)
        else:
            yield from ((here + name, value) for name, value in layer.state_dict().items())


def main(run, samples, out):
    config = json.loads((run / "config.json").read_text())
    refuse_others(config)
    torch.manual_seed(config["seed"])
    net_g, net_d = Level(config["base"], 0, 3).apply(start), patchgan(config["base_d"]).apply(start)
    optimizers = adam(net_g), adam(net_d)
    train_step = training_step(net_g, net_d, *optimizers)
    for step in range(config["steps"]):
        real_a, real_b = pair(samples / "train" / f"{step:06}.png")
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = config["lr"] * rate_factor(config["schedule"], step)
        loss = train_step(real_a, real_b)
        if (step + 1) % TELL_EVERY == 0 or step + 1 == config["steps"]:
            print(f"PyTorch: step {step + 1}/{config['steps']}  G {loss:.3f}", file=sys.stderr)
    torch.save(dict(named(net_g)), out)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
