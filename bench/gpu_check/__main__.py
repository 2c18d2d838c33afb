"""`python -m bench.gpu_check`: all that needs a GPU, in one command of less than eight minutes.

Runs the tests marked `cuda`, the documents' networks on MNIST, throughput at batch 1 to 8,192, and
all networks on digits, each in a process of its own. A step that fails or takes too long does not
stop the others. The folder then holds the reports, a table of the steps and their output.
"""

from __future__ import annotations

from pathlib import Path

from bench.cells import machine
from bench.cli.parser import Parser, add_data_root, command
from bench.gpu_check.steps import run_steps, steps, write_summary
from bench.records.errors import RequestError

FOLDER = Path("reports/local-gpu")
MINUTES = 8
EXIT_FAILED = 1


@command("bench.gpu_check")
def main(arguments: list[str] | None) -> int:
    """Runs the steps and writes their summary.

    Returns:
        0 if all succeeded, 1 if some failed, 2 if there is no GPU.
    """
    parser = Parser("bench.gpu_check", __doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"to bring home ({FOLDER})")
    add_data_root(parser)
    options = parser.parse_args(arguments)
    if "cuda" not in machine.devices():
        raise RequestError(
            "no CUDA device here; run it on a machine with a GPU and a PyTorch built for CUDA "
            "(python -c 'import torch; print(torch.cuda.is_available())' has to print True)"
        )
    options.folder.mkdir(parents=True, exist_ok=True)
    found = run_steps(steps(options.folder, options.data_root), options.folder, 60 * MINUTES)
    print(write_summary(found, options.folder))
    return 0 if all(step.succeeded for step in found) else EXIT_FAILED


if __name__ == "__main__":
    raise SystemExit(main())
