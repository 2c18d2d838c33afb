"""`python -m bench.suite.track`: times networks, saves the figures, compares with the last saved.

Takes the options of `python -m bench.compare`; no report is read or written.
"""

from __future__ import annotations

from pathlib import Path

from bench.cli.options import read_request, request_parser
from bench.cli.parser import command

STORAGE = Path(".benchmarks")


@command("bench.suite.track")
def main(arguments: list[str] | None) -> int:
    """Times the workloads and saves their figures; shows them beside the last saved ones.

    Returns:
        0 if all were timed, 1 if some failed, 2 if the request was wrong.
    """
    options = request_parser("bench.suite.track", __doc__).parse_args(arguments)
    request = read_request(options)
    from pytest_benchmark.utils import get_machine_id

    from bench.suite.session import run, workloads

    chosen = workloads(request)
    saving = [f"--benchmark-storage=file://{STORAGE}", "--benchmark-autosave"]
    machine = get_machine_id()  # type: ignore[no-untyped-call]
    if any((STORAGE / machine).glob("*.json")):
        saving.append("--benchmark-compare")
    else:
        print(f"nothing to compare with yet: no run on such a machine is saved in '{STORAGE}'")
    return run(chosen, *saving, quiet=options.quiet)


if __name__ == "__main__":
    raise SystemExit(main())
