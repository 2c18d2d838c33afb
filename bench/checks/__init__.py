"""The checks that decide claims; the import of a module registers its checks."""

from __future__ import annotations

from bench.checks import counts as counts
from bench.checks import experiments as experiments
from bench.checks import layers as layers
from bench.checks import losses as losses
from bench.checks import pixels as pixels
from bench.checks import programs as programs
from bench.checks.registry import CHECKS, Check, Effect, Found, Measured, Sample, check, kinds

__all__ = ["CHECKS", "Check", "Effect", "Found", "Measured", "Sample", "check", "kinds"]
