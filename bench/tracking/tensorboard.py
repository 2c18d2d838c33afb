"""Runs for TensorBoard, and TensorBoard itself on a folder."""

from __future__ import annotations

import logging
import shutil
import threading
from contextlib import suppress
from pathlib import Path

from bench.records.lock import writing_alone
from bench.records.place import own_folder
from bench.results.runs import Results
from bench.tracking.entries import entries

FOLDER = "tensorboard"


def write_events(results: Results, folder: Path) -> Path:
    """Writes scalars and hyperparameters of all training runs; the folder that has them.

    They are written anew from the records each time, so that a run that went on has all, once.

    Args:
        results: What was trained.
        folder: Of the report.
    """
    from torch.utils.tensorboard import SummaryWriter
    from torch.utils.tensorboard.summary import hparams

    with writing_alone(folder):
        target = own_folder(folder / FOLDER)
        part = folder / f".{FOLDER}"
        shutil.rmtree(part, ignore_errors=True)
        for entry in entries(results):
            with SummaryWriter(str(part / entry.name)) as writer:
                for name, curve in entry.curves.items():
                    for epoch, value in curve:
                        writer.add_scalar(name, value, epoch)
                for name, value in entry.metrics.items():
                    writer.add_scalar(name, value)
                # Without the list that `add_hparams` writes, too, TensorBoard makes one, in which
                # what differs between runs comes first; it shows the first five.
                _, *own = hparams(entry.parameters, entry.metrics)  # type: ignore[no-untyped-call]
                for given in own:
                    writer.file_writer.add_summary(given)
        part.mkdir(exist_ok=True)
        shutil.rmtree(target)
        part.rename(target)
    return target


def serve(folder: Path) -> None:
    """Starts TensorBoard on a folder, prints its address, and waits for Ctrl-C."""
    from tensorboard import default, program
    from torch_tb_profiler.plugin import TorchProfilerPlugin

    from bench.tracking.profiler import OfflineProfiler

    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it warns of its own coming versions
    board = program.TensorBoard(
        [
            OfflineProfiler if plugin is TorchProfilerPlugin else plugin
            for plugin in default.get_plugins()
        ]
    )
    board.configure(logdir=str(folder), load_fast="false")
    print(f"TensorBoard shows '{folder}' at {board.launch()} (Ctrl-C ends it)", flush=True)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
