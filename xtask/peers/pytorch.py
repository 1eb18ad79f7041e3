"""Times PyTorch and onnxruntime on the networks that `trainer bench` times, as JSON lines, and
writes the generators as ONNX for onnxruntime-web.

    python pytorch.py FOLDER
"""

import json
import sys
import time
from pathlib import Path

import torch
from torch import nn

SIDE, LARGE = 256, 1024
WARM_UP, REPEAT = 3, 9
LEVELS = 8


class Level(nn.Module):
    """One step of a U-Net down and up again, and everything further in."""

    def __init__(self, base, level, outer):
        super().__init__()
        width = base * min(8, 2**level)
        innermost = level == LEVELS - 1
        down = [nn.Conv2d(outer, width, 4, 2, 1, bias=False)]
        if level > 0:
            down.insert(0, nn.LeakyReLU(0.2))
            if not innermost:
                down.append(nn.BatchNorm2d(width))
        self.down = nn.Sequential(*down)
        self.inner = None if innermost else Level(base, level + 1, width)
        joined = width if innermost else 2 * width
        up = [nn.ReLU(), nn.ConvTranspose2d(joined, outer, 4, 2, 1, bias=level == 0)]
        up.append(nn.Tanh() if level == 0 else nn.BatchNorm2d(outer))
        if 4 <= level < LEVELS - 1:
            up.append(nn.Dropout(0.5))
        self.up = nn.Sequential(*up)

    def forward(self, x):
        skip = self.down(x)
        if self.inner is not None:
            skip = torch.cat([skip, self.inner(skip)], 1)
        return self.up(skip)


def patchgan(base):
    layers = [nn.Conv2d(6, base, 4, 2, 1), nn.LeakyReLU(0.2)]
    for width, stride in ((base, 2), (2 * base, 2), (4 * base, 1)):
        layers += [nn.Conv2d(width, 2 * width, 4, stride, 1, bias=False)]
        layers += [nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(8 * base, 1, 4, 1, 1))


def median(work):
    times = []
    for turn in range(WARM_UP + REPEAT):
        begun = time.perf_counter()
        work()
        if turn >= WARM_UP:
            times.append((time.perf_counter() - begun) * 1e3)
    return sorted(times)[REPEAT // 2]


def adam(network):
    return torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999))


def training_step(net_g, net_d, adam_g, adam_d):
    """A step of pix2pix on a pair; it returns the generator's loss."""
    cross_entropy, l1 = nn.BCEWithLogitsLoss(), nn.L1Loss()

    def step(real_a, real_b):
        def judged(real_or_fake, wanted):
            logits = net_d(torch.cat([real_a, real_or_fake], 1))
            return cross_entropy(logits, torch.full_like(logits, wanted))

        fake_b = net_g(real_a)
        adam_d.zero_grad()
        ((judged(fake_b.detach(), 0.0) + judged(real_b, 1.0)) / 2).backward()
        adam_d.step()
        net_d.requires_grad_(False)
        adam_g.zero_grad()
        loss = judged(fake_b, 1.0) + 100 * l1(fake_b, real_b)
        loss.backward()
        adam_g.step()
        net_d.requires_grad_(True)
        return loss.detach()

    return step


def step_of(net_g, net_d, real_a, real_b):
    step = training_step(net_g, net_d, adam(net_g), adam(net_d))
    return lambda: step(real_a, real_b)


def main(folder):
    import onnxruntime

    picture = torch.rand(1, 3, SIDE, SIDE) * 2 - 1
    for base in (16, 32, 64):
        net_g = Level(base, 0, 3)
        step_ms = median(step_of(net_g, patchgan(base), picture, torch.rand_like(picture) * 2 - 1))
        net_g.eval()
        with torch.inference_mode():
            forward_ms = median(lambda: net_g(picture))
        row = {"peer": "PyTorch", "version": torch.__version__, "threads": torch.get_num_threads()}
        print(json.dumps({**row, "base": base, "forward_ms": forward_ms, "step_ms": step_ms}))

        for side in (LARGE, SIDE):
            path = folder / f"unet_256-{base}-{side}.onnx"
            names = {"input_names": ["x"], "output_names": ["y"]}
            torch.onnx.export(net_g, torch.rand(1, 3, side, side), path, **names, dynamo=False)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        feed = {"x": picture.numpy()}
        forward_ms = median(lambda: session.run(None, feed))
        row = {"peer": "onnxruntime", "version": onnxruntime.__version__}
        print(json.dumps({**row, "base": base, "forward_ms": forward_ms}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
