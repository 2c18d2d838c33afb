"""`python -m bench.suite`: times a run's networks by pytest-benchmark, for the run's report.

Takes the options of `python -m bench.compare`, so that one command line fits both; what concerns
training alone changes nothing here. Networks that the report does not hold are left out. With
`--batches` it measures inference at batches of 1 to 1,024 pictures instead, by its own clock.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.options import add_trackers, read_request, request_parser
from bench.cli.parser import command
from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.lock import writing_alone
from bench.records.store import Store, experiment_key

if TYPE_CHECKING:
    from bench.suite.session import Workloads

HANDED_ON_ELSEWHERE = (
    "--tensorboard and --tracker do nothing here: nothing is trained, and bench.compare hands on "
    "what was"
)


@command("bench.suite")
def main(arguments: list[str] | None) -> int:
    """Times the workloads, records them with the report's latest run, rebuilds the report.

    Returns:
        0 if all were timed, 1 if some failed, 2 if the request was wrong or there is no report.
    """
    parser = request_parser("bench.suite", __doc__)
    add_trackers(parser)
    parser.add_argument(
        "--batches",
        action="store_true",
        help="measure inference at batches of 1 to 1,024 pictures instead, without "
        "pytest-benchmark (3 minutes for 11 networks)",
    )
    options = parser.parse_args(arguments)
    request = read_request(options)
    if (options.tensorboard or options.tracker) and not options.quiet:
        print(HANDED_ON_ELSEWHERE, file=sys.stderr)
    if request.rounds == 0:  # nox hands it on
        print("--rounds 0 measures no speed, by no clock", file=sys.stderr)
        return 0
    from bench.report.write import rebuild
    from bench.suite.session import run, workloads
    from bench.timing.alone import measuring_alone

    chosen = workloads(request)
    store = Store(request.folder)
    asked = store.latest_request()
    chosen = _held(chosen, asked, request.folder)
    if options.batches:
        from bench.suite.batches import add_batches

        return add_batches(chosen, request, quiet=options.quiet)
    path = request.folder / "pytest-benchmark.json"
    path.unlink(missing_ok=True)
    with writing_alone(request.folder):
        with measuring_alone(lambda line: print(line, file=sys.stderr)):
            status = run(chosen, f"--benchmark-json={path}", quiet=options.quiet)
        for record in _records(path, asked.key):
            store.append(record)
        rebuild(request.folder)
    print(request.folder / "report.md")
    return status


def _held(chosen: Workloads, asked: kinds.Request, folder: Path) -> Workloads:
    """The workloads of networks that the report holds; says which others are left out.

    Raises:
        RequestError: There are none.
    """
    held = {(model, device) for model in asked.ran for device in asked.devices}
    missing = dict.fromkeys(
        f"{w.model} on {w.device}" for w in chosen if (w.model, w.device) not in held
    )
    found = {w: cell for w, cell in chosen.items() if (w.model, w.device) in held}
    if not found:
        raise RequestError(
            f"the report in '{folder}' does not hold {', '.join(missing)}; it holds "
            f"{', '.join(f'{model} on {device}' for model, device in sorted(held))}"
        )
    for name in missing:
        print(f"left out: {name}, which the report in '{folder}' does not hold", file=sys.stderr)
    return found


def _records(path: Path, run: str) -> list[kinds.SecondClock]:
    """A record for each workload in pytest-benchmark's file, which is missing if all failed."""
    if not path.exists():
        return []
    return [
        _record(timed["extra_info"], timed["stats"]["rounds"], run)
        for timed in json.loads(path.read_text())["benchmarks"]
    ]


def _record(workload: dict[str, Any], rounds: int, run: str) -> kinds.SecondClock:
    subject = {field: workload[field] for field in ("model", "device", "phase")}
    measured = ("batch", "samples_per_second", "own_samples_per_second")
    return kinds.SecondClock(
        key=experiment_key(kinds.SECOND_CLOCK, run, **subject),
        experiment=kinds.SECOND_CLOCK,
        run=run,
        rounds=rounds,
        **subject,
        **{field: workload[field] for field in measured},
    )


if __name__ == "__main__":
    raise SystemExit(main())
