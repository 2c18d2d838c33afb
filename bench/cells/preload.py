"""What every process that trains or measures needs: importing this loads it.

torch loads half of itself with the first optimiser.
"""

from __future__ import annotations

import gc

gc.disable()  # nothing is freed here, and looking for something takes a fifth of the time

import safetensors.torch  # noqa: E402, F401
import torch._dynamo  # noqa: E402, F401

import bench.cells.train  # noqa: E402, F401

gc.enable()
