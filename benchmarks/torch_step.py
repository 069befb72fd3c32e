"""The same training step in PyTorch: two peers, SimCLR, similarity KL, Adam each. Run by side_by_side.py with another Python.

  python benchmarks/torch_step.py --peers=wrn_16_2,wrn_10_2 --image_size=32 --batch=128 --steps=5 --style=tuned

Views are given: random tensors that are there before the clock starts. `plain` is how the authors' code runs: float32, NCHW,
eager. `tuned` is channels_last, bfloat16 by autocast, and torch.compile; `tuned_float32` the same in float32. A line of
standard input starts a round; its images per second are the answer.
"""

import argparse
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

KL_WEIGHT, KL_TEMPERATURE, TEMPERATURE = 100 / 256, 0.1, 0.5


def conv(inputs, outputs, size=3, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)


class WideBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.norm_1, self.conv_1 = nn.BatchNorm2d(inputs), conv(inputs, outputs, stride=stride)
        self.norm_2, self.conv_2 = nn.BatchNorm2d(outputs), conv(outputs, outputs)
        self.shortcut = conv(inputs, outputs, 1, stride) if inputs != outputs or stride > 1 else None

    def forward(self, x):
        activated = F.relu(self.norm_1(x))
        y = self.conv_2(F.relu(self.norm_2(self.conv_1(activated))))
        return y + (self.shortcut(activated) if self.shortcut else x)


def wide_resnet(depth, width):
    layers, channels = [conv(3, 16)], 16
    for group in range(3):
        for block in range((depth - 4) // 6):
            layers.append(WideBlock(channels, 16 * width * 2**group, 2 if group and not block else 1))
            channels = 16 * width * 2**group
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), channels


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(
            conv(inputs, outputs, stride=stride), nn.BatchNorm2d(outputs), nn.ReLU(),
            conv(outputs, outputs), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        same = inputs == outputs and stride == 1
        self.shortcut = (
            nn.Identity() if same else nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        )

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


def resnet_18():
    layers, channels = [conv(3, 64), nn.BatchNorm2d(64), nn.ReLU()], 64
    for stage in range(4):
        for block in range(2):
            layers.append(BasicBlock(channels, 64 * 2**stage, 2 if stage and not block else 1))
            channels = 64 * 2**stage
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), channels


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        expand = [conv(inputs, hidden, 1), nn.BatchNorm2d(hidden), nn.ReLU6()] if expansion > 1 else []
        self.body = nn.Sequential(
            *expand, conv(hidden, hidden, 3, stride, groups=hidden), nn.BatchNorm2d(hidden), nn.ReLU6(),
            conv(hidden, outputs, 1), nn.BatchNorm2d(outputs),
        )  # fmt: skip
        self.residual = inputs == outputs and stride == 1

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


def mobilenet_v2():
    layers, channels = [conv(3, 32, stride=2), nn.BatchNorm2d(32), nn.ReLU6()], 32
    for expansion, outputs, blocks, stride in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):  # fmt: skip
        for block in range(blocks):
            layers.append(InvertedResidual(channels, outputs, 1 if block else stride, expansion))
            channels = outputs
    last = [conv(channels, 1280, 1), nn.BatchNorm2d(1280), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, *last), 1280


def encoder(name):
    if name.startswith("wrn_"):
        return wide_resnet(*map(int, name.split("_")[1:]))
    return {"resnet_18": resnet_18, "mobilenet_v2": mobilenet_v2}[name]()


class Peer(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.encoder, width = encoder(name)
        self.projector = nn.Sequential(
            nn.Linear(width, 512, bias=False), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, 128)
        )

    def forward(self, a, b):
        return tuple(F.normalize(self.projector(self.encoder(view)).float()) for view in (a, b))


def nt_xent(z_a, z_b):
    both = torch.cat([z_a, z_b])
    logits = (both @ both.T / TEMPERATURE).fill_diagonal_(-torch.inf)
    positives = torch.arange(len(both), device=both.device).roll(len(z_a))
    return F.cross_entropy(logits, positives)


def similarity_kl(student, teacher):
    of_student, of_teacher = (F.log_softmax(a @ b.T / KL_TEMPERATURE, dim=1) for a, b in (student, teacher))
    return F.kl_div(of_student, of_teacher.detach(), reduction="batchmean", log_target=True)


def losses(peers, views):
    z = [peer(*pair) for peer, pair in zip(peers, views, strict=True)]
    own = sum(nt_xent(*pair) for pair in z)
    return own + KL_WEIGHT * sum(similarity_kl(z[k], z[m]) for k in range(len(z)) for m in range(len(z)) if k != m)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--image_size", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--style", choices=("plain", "tuned", "tuned_float32"), required=True)
    args = parser.parse_args()
    torch.manual_seed(0)
    tuned, layout = args.style != "plain", torch.channels_last if args.style != "plain" else torch.contiguous_format
    peers = nn.ModuleList(Peer(name) for name in args.peers.split(",")).to(memory_format=layout)
    shape = (args.batch, 3, args.image_size, args.image_size)
    views = [[torch.randn(shape).contiguous(memory_format=layout) for _ in range(2)] for _ in peers]
    optimizers = [torch.optim.Adam(peer.parameters(), 3e-4) for peer in peers]
    loss = torch.compile(losses) if tuned else losses
    half = torch.autocast("cpu", torch.bfloat16, enabled=args.style == "tuned")

    def step():
        with half:
            total = loss(peers, views)
        for optimizer in optimizers:
            optimizer.zero_grad()
        total.backward()
        for optimizer in optimizers:
            optimizer.step()
        return total.item()

    for _ in range(3):
        step()
    counts = [sum(weight.numel() for weight in peer.encoder.parameters()) for peer in peers]
    print("ready", torch.__version__, *counts, flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        for _ in range(args.steps):
            step()
        print(args.steps * args.batch / (time.perf_counter() - started), flush=True)


if __name__ == "__main__":
    main()
