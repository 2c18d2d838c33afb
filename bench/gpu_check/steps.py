"""The steps of a check, each a command that may fail without stopping the others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.cells.parent import end_with

SUMMARY, OUTPUT = "README.md", "output.txt"
LAST_LINES = 12  # of a failed step's output, in the summary


@dataclass(frozen=True)
class Step:
    """A command and what it is for."""

    name: str
    module: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What came of a step.

    Attributes:
        name: The step's.
        command: As one could type it.
        seconds: Wall time.
        ended: `ok`, `exit code 1`, or `stopped: no time was left`.
        output: All that it wrote.
    """

    name: str
    command: str
    seconds: float
    ended: str
    output: str

    @property
    def succeeded(self) -> bool:
        """Whether it came to its end without an error."""
        return self.ended == "ok"


def steps(folder: Path, data_root: Path) -> list[Step]:
    """What is run, what matters most first.

    Args:
        folder: Where reports are written.
        data_root: The folder above `MNIST/raw`.
    """
    where = ("--devices", "cuda", "--reports", str(folder), "--data-root", str(data_root))
    documents = "dnn,cnn,lenet,net,lenet-sigmoid"
    mnist = ("--models", documents, "--dataset", "mnist", "--recipe", "document", "--seeds", "1")
    digits = ("--models", "all", "--dataset", "digits", "--seeds", "2")
    return [
        Step("CUDA tests", "pytest", ("-m", "cuda", "-q", "-p", "no:cacheprovider")),
        Step(
            "documents' networks on MNIST",
            "bench.compare",
            (*mnist, *where, "--name", "mnist-document-cuda"),
        ),
        Step(
            "throughput at batch 1 to 8,192, and seeds trained together",
            "bench.gpu_check.throughput",
            ("--folder", str(folder)),
        ),
        Step(
            "all networks on digits",
            "bench.compare",
            (*digits, *where, "--name", "digits-common-cuda"),
        ),
    ]


def run_steps(todo: Iterable[Step], folder: Path, seconds: float) -> list[Result]:
    """Runs them one after the other; all that they write goes to `output.txt` at once.

    Args:
        todo: What to run.
        folder: Where the output is kept.
        seconds: For all together; a step for which nothing is left is stopped.
    """
    until = time.monotonic() + seconds
    found = []
    with (folder / OUTPUT).open("w") as file:
        for step in todo:
            result = _run(step, max(1.0, until - time.monotonic()))
            file.write(f"$ {result.command}\n{result.output}[{result.ended}]\n\n")
            file.flush()
            found.append(result)
    return found


def _run(step: Step, seconds: float) -> Result:
    command = [sys.executable, "-m", step.module, *step.arguments]
    started = time.monotonic()
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
            preexec_fn=partial(end_with, os.getpid()),
        )
    except subprocess.TimeoutExpired as error:
        output, ended = error.stdout or b"", "stopped: no time was left"
    else:
        output = done.stdout
        ended = "ok" if done.returncode == 0 else f"exit code {done.returncode}"
    return Result(
        name=step.name,
        command=" ".join(["python", *command[1:]]),
        seconds=time.monotonic() - started,
        ended=ended,
        output=output.decode(errors="replace"),
    )


def write_summary(found: Sequence[Result], folder: Path) -> Path:
    """Writes what came of the steps, the last lines of those that failed, and where to look."""
    lines = [
        "# What was run on this machine's GPU",
        "",
        "| step | seconds | ended |",
        "|---|--:|---|",
        *(f"| {step.name} | {step.seconds:.0f} | {step.ended} |" for step in found),
        "",
        f"All output is in `{OUTPUT}`. To keep the reports, move `mnist-document-cuda` and",
        "`digits-common-cuda` into `reports/`.",
    ]
    for step in found:
        if not step.succeeded:
            last = step.output.rstrip().splitlines()[-LAST_LINES:]
            lines += ["", f"## {step.name}: {step.ended}", "", f"`{step.command}`", ""]
            lines += [f"    {line}" for line in last]
    path = folder / SUMMARY
    path.write_text("\n".join(lines) + "\n")
    return path
