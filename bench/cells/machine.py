"""This machine: its devices, and the environment that results made here are recorded with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from bench.cells.processes import ForkedProcess, ProcessEndedError
from bench.records.environment import Environment
from bench.records.errors import RequestError

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "pillow", "joblib")


def cores() -> int:
    """Logical cores that the process may use, which a container may have fewer of."""
    from joblib import cpu_count

    return int(cpu_count())


def available_bytes() -> int:
    """What programs can still take without swapping; limits of a container are not looked at."""
    import psutil

    return int(psutil.virtual_memory().available)


def devices() -> tuple[str, ...]:
    """The devices that are there."""
    import torch

    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """This process's environment, read once: a run has one, whatever is committed meanwhile."""
    import torch

    has_cuda = torch.cuda.is_available()
    return Environment(
        system=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        cores=cores(),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        instruction_set=torch.backends.cpu.get_cpu_capability(),
        gpu=torch.cuda.get_device_name() if has_cuda else None,
        cuda=_cuda_versions() if has_cuda else None,
        python=platform.python_version(),
        packages={name: importlib.metadata.version(name) for name in PACKAGES},
        flags=flags(),
        commit=_commit(),
    )


def flags() -> dict[str, str]:
    """The settings that `deterministic` trains under, as torch reports them.

    Asked of a process like those that train: the first who sets them has torch load its compiler.

    Raises:
        RequestError: That process was ended, and so was another one.
    """
    for _ in range(2):
        with suppress(ProcessEndedError), ForkedProcess(_flags) as process:
            process.ask("__call__")
            found: dict[str, str] = process.answer()
            return found
    raise RequestError(
        "the process that reads torch's settings was ended twice; if memory is short, close other "
        "programs, then give the command again"
    )


def _flags() -> dict[str, str]:
    import torch

    from bench.cells.determinism import deterministic

    with deterministic():
        cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
        return {
            "deterministic algorithms": _on(torch.are_deterministic_algorithms_enabled()),
            "cudnn.benchmark": _on(cudnn.benchmark),
            "TF32": _on(cudnn.allow_tf32 or matmul.allow_tf32),
            "threads per cell": str(torch.get_num_threads()),
        }


def _on(flag: bool) -> str:
    return "on" if flag else "off"


def _cuda_versions() -> str:
    import torch

    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return f"CUDA {torch.version.cuda}, cuDNN {cudnn}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str | None:
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        # A report that is being made again is no change of what makes it.
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/reports")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit}+changes" if changed else commit


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
