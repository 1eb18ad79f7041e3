"""Times training steps of PyTorch on a graphics card, as `trainer bench` times ours: JSON lines.

    python pytorch_gpu.py [DEVICE [BASE]]
"""

import itertools
import json
import sys

import torch
from pytorch import Level, adam, median, patchgan, step_of
from torch import nn

SIDE = 256
PIX2PIX_BATCHES = (1, 4, 16)


def normed(*layers):
    return nn.Sequential(*layers, nn.InstanceNorm2d(layers[-1].out_channels), nn.ReLU())


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        first = normed(nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3))
        second = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3), nn.InstanceNorm2d(width)]
        self.layers = nn.Sequential(first, *second)

    def forward(self, x):
        return x + self.layers(x)


def resnet_9blocks(base):
    return nn.Sequential(
        normed(nn.ReflectionPad2d(3), nn.Conv2d(3, base, 7)),
        normed(nn.Conv2d(base, 2 * base, 3, 2, 1)),
        normed(nn.Conv2d(2 * base, 4 * base, 3, 2, 1)),
        *(Block(4 * base) for _ in range(9)),
        normed(nn.ConvTranspose2d(4 * base, 2 * base, 3, 2, 1, 1)),
        normed(nn.ConvTranspose2d(2 * base, base, 3, 2, 1, 1)),
        nn.ReflectionPad2d(3),
        nn.Conv2d(base, 3, 7),
        nn.Tanh(),
    )


def patchgan_instance(base):
    layers = [nn.Conv2d(3, base, 4, 2, 1), nn.LeakyReLU(0.2)]
    for width, stride in ((base, 2), (2 * base, 2), (4 * base, 1)):
        layers += [nn.Conv2d(width, 2 * width, 4, stride, 1)]
        layers += [nn.InstanceNorm2d(2 * width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(8 * base, 1, 4, 1, 1))


def cyclegan_step(base, device, wrap):
    """Least squares, lambda_cycle 10, lambda_identity 0.5, without the pools."""
    net_g_a, net_g_b = (resnet_9blocks(base).to(device) for _ in range(2))
    net_d_a, net_d_b = (patchgan_instance(base).to(device) for _ in range(2))
    generators, discriminators = nn.ModuleList([net_g_a, net_g_b]), nn.ModuleList([net_d_a, net_d_b])
    adam_g, adam_d = adam(generators), adam(discriminators)
    net_g_a, net_g_b, net_d_a, net_d_b = map(wrap, (net_g_a, net_g_b, net_d_a, net_d_b))
    squares, l1 = nn.MSELoss(), nn.L1Loss()
    real_a, real_b = (torch.rand(1, 3, SIDE, SIDE, device=device) * 2 - 1 for _ in range(2))

    def judged(net_d, picture, wanted):
        logits = net_d(picture)
        return squares(logits.float(), torch.full_like(logits, wanted, dtype=torch.float32))

    def step():
        discriminators.requires_grad_(False)
        adam_g.zero_grad()
        fake_b, fake_a = net_g_a(real_a), net_g_b(real_b)
        loss = judged(net_d_a, fake_b, 1.0) + judged(net_d_b, fake_a, 1.0)
        loss = loss + 10 * (l1(net_g_b(fake_b), real_a) + l1(net_g_a(fake_a), real_b))
        loss = loss + 5 * (l1(net_g_a(real_b), real_b) + l1(net_g_b(real_a), real_a))
        loss.backward()
        adam_g.step()
        discriminators.requires_grad_(True)
        adam_d.zero_grad()
        loss = judged(net_d_a, real_b, 1.0) + judged(net_d_a, fake_b.detach(), 0.0)
        loss = loss + judged(net_d_b, real_a, 1.0) + judged(net_d_b, fake_a.detach(), 0.0)
        (loss / 2).backward()
        adam_d.step()

    return step


def pix2pix_step(base, batch, device, wrap):
    real_a, real_b = (torch.rand(batch, 3, SIDE, SIDE, device=device) * 2 - 1 for _ in range(2))
    return step_of(wrap(Level(base, 0, 3).to(device)), wrap(patchgan(base).to(device)), real_a, real_b)


def milliseconds(step, device):
    def finished_step():
        step()
        if device == "cuda":
            torch.cuda.synchronize()

    return median(finished_step)


def main(device, base):
    torch.backends.cudnn.benchmark = True
    name = torch.cuda.get_device_name() if device == "cuda" else device
    works = [("pix2pix", batch) for batch in PIX2PIX_BATCHES] + [("cyclegan", 1)]
    for precision, compiled, (model, batch) in itertools.product(
        ("f32", "tf32", "bf16"), (False, True), works
    ):
        torch.backends.cuda.matmul.allow_tf32 = precision != "f32"
        torch.backends.cudnn.allow_tf32 = precision != "f32"
        wrap = torch.compile if compiled else (lambda network: network)
        if model == "pix2pix":
            step = pix2pix_step(base, batch, device, wrap)
        else:
            step = cyclegan_step(base, device, wrap)
        with torch.autocast(device, torch.bfloat16, enabled=precision == "bf16"):
            step_ms = milliseconds(step, device)
        peer = "PyTorch, compiled" if compiled else "PyTorch"
        row = {"peer": peer, "version": torch.__version__, "device": name, "model": model}
        row |= {"base": base, "batch": batch, "precision": precision, "step_ms": step_ms}
        print(json.dumps(row), flush=True)


main(*(sys.argv[1:2] or ["cuda"]), int(*(sys.argv[2:3] or ["64"])))
