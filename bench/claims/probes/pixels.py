"""What MNIST's pixels are like."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.cells.data import load
from zoo.spec import MNIST_STATISTICS


def mnist_pixels(data_root: Path, _weights: Path) -> Mapping[str, Any]:
    """Sizes, mean and deviation of the training pixels in 0..1, and their commonest value.

    The deviation has the number of pixels in its denominator; with some 47 million of them another
    convention would not show.
    """
    mnist = load("mnist", data_root=data_root, seed=0)
    assert isinstance(mnist.samples, np.ndarray)
    training = len(mnist.train) + len(mnist.validation)
    pixels = mnist.samples[:training]  # the files' own order: training pictures first
    counts = np.bincount(pixels.ravel(), minlength=256)
    values = np.arange(256) / 255
    mean = float((counts * values).sum() / counts.sum())
    variance = float((counts * (values - mean) ** 2).sum() / counts.sum())
    (centre,), (spread,) = MNIST_STATISTICS.mean, MNIST_STATISTICS.std
    commonest = int(counts.argmax())
    return {
        "training": training,
        "test": len(mnist.test),
        "height": pixels.shape[1],
        "width": pixels.shape[2],
        "mean": mean,
        "deviation": variance**0.5,
        "normalised_mean": (mean - centre) / spread,
        "normalised_deviation": variance**0.5 / spread,
        "commonest_share": float(counts[commonest] / counts.sum()),
        "commonest_normalised": (commonest / 255 - centre) / spread,
    }
