"""`python -m bench.profile`: where the time of a training step goes, operator by operator.

Leaves traces that TensorBoard's profiler plugin opens. Takes the options of
`python -m bench.compare`; what concerns whole trainings changes nothing here.
"""

from __future__ import annotations

import os

# Read when torch is loaded: every profile of memory would log that there was some before it.
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")

from collections.abc import Sequence

from bench.cli.options import read_request, request_parser
from bench.cli.parser import command
from bench.records import kinds
from bench.records.kinds import OperatorTime
from bench.records.store import MissingRunError, Store, experiment_key
from bench.timing.protocol import Workload


@command("bench.profile")
def main(arguments: list[str] | None) -> int:
    """Profiles networks, prints their operators, and adds them to the report if there is one.

    Returns:
        0 if all were profiled, 2 if the request was wrong.
    """
    parser = request_parser("bench.profile", __doc__)
    parser.add_argument(
        "--open", action="store_true", help="start TensorBoard on the traces, until Ctrl-C"
    )
    options = parser.parse_args(arguments)
    request = read_request(options)
    from bench.report.write import rebuild
    from bench.runner import plan_here
    from bench.timing.profiling import STEPS, profile_training
    from bench.timing.runner import Runner

    cells = {(cell.device, cell.model): cell for cell in plan_here(request).cells}
    traces = request.folder / "traces"
    store = Store(request.folder)
    try:
        run = store.latest_request().key
    except MissingRunError:
        run = None
    for (device, model), cell in cells.items():
        workload = Workload(model=model, device=device, phase="train")
        runner = Runner(workload, cell.spec, cell.recipe)
        times = profile_training(runner, traces / f"{model}-{device}")
        if not options.quiet:
            _print(f"{model} on {device}", times)
        if run is not None:
            store.append(
                kinds.Profile(
                    key=experiment_key(kinds.PROFILE, run, model=model, device=device),
                    experiment=kinds.PROFILE,
                    run=run,
                    model=model,
                    device=device,
                    steps=STEPS,
                    operators=times,
                )
            )
    print(f"{traces} (--open shows them)")
    if run is None:
        print(f"no report in '{request.folder}' to add this to; python -m bench.compare makes one")
    else:
        rebuild(request.folder)
        print(request.folder / "report.md")
    if options.open:
        from bench.tracking.tensorboard import serve

        serve(traces)
    return 0


def _print(title: str, times: Sequence[OperatorTime]) -> None:
    from rich.console import Console
    from rich.table import Table

    from bench.timing.profiling import STEPS

    table = Table(title=title)
    table.add_column("operator", no_wrap=True)
    table.add_column("share of time", justify="right")
    table.add_column("calls per step", justify="right")
    for time in times:
        table.add_row(time.operator, f"{time.self_time_share:.1%}", f"{time.calls / STEPS:,.1f}")
    Console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
