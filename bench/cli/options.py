"""The options of a request, the same for every command that works on its networks."""

from __future__ import annotations

import argparse
from dataclasses import replace

from bench.cells.catalogue import VALID
from bench.cells.own import add_networks, require_sound
from bench.cells.plan import (
    ENGINES,
    RECIPES,
    Request,
    parse_list,
    parse_margin,
    parse_seeds,
    plan,
)
from bench.cells.processes import start_loading
from bench.cells.settling import SETTLED_AT_MOST, UNTIL_SETTLED, until_settled
from bench.cli.parser import Parser, add_data_root, add_jobs, add_reports, add_zoo
from bench.records.errors import RequestError
from bench.records.store import Store


def request_parser(module: str, description: str | None) -> Parser:
    """A parser with all options of a request, and `--quiet`."""
    parser = Parser(module, description)
    add = parser.add_argument
    add("--models", default="lenet,dnn,net", help="names, aliases, globs, all (lenet,dnn,net)")
    add_zoo(parser)
    add("--dataset", default="digits", help=f"{VALID} (digits)")
    add("--recipe", default="common", help=f"{', '.join(RECIPES)} (common)")
    add(
        "--seeds",
        default="5",
        help=f"how many, or which: 5 means 1,2,3,4,5; or {UNTIL_SETTLED}: what is decided at one "
        "of several looks stops (5)",
    )
    add("--max-seeds", type=int, help=f"of {UNTIL_SETTLED} ({SETTLED_AT_MOST})")
    add("--devices", help="cpu,cuda (default: what is there)")
    add("--epochs", type=int, help="instead of the recipe's")
    add_jobs(parser)
    add(
        "--engine",
        default="sequential",
        help=f"{' or '.join(ENGINES)}: all seeds of a network at once, for GPUs (sequential)",
    )
    add("--baseline", help="what the others are compared with (the first model)")
    add("--margin", default="0.5pp", help="smallest difference of accuracies that matters (0.5pp)")
    add("--name", help="name of the report (local-DATASET-RECIPE)")
    add_reports(parser)
    add_data_root(parser)
    add("--fresh", action="store_true", help="set earlier records of this report aside")
    add("--quiet", action="store_true", help="print where the report lies, and nothing else")
    return parser


def read_request(options: argparse.Namespace, *, trains: bool = False) -> Request:
    """The request that the options of `request_parser` come to.

    What is wrong with it is found before anything heavy is imported.

    Args:
        options: As parsed.
        trains: Starts the workers at once where nothing is recorded yet, because this process
            needs seconds until it can give them cells.

    Raises:
        RequestError: It cannot be carried out on any machine.
    """
    own = add_networks(options.zoo)
    seeds, looks = _seeds(options)
    request = Request(
        models=parse_list("--models", options.models),
        dataset=options.dataset,
        recipe=options.recipe,
        seeds=seeds,
        looks=looks,
        epochs=options.epochs,
        engine=options.engine,
        baseline=options.baseline,
        margin=parse_margin(options.margin),
        name=options.name,
        reports=options.reports,
        data_root=options.data_root,
        fresh=options.fresh,
        zoo=options.zoo,
    )
    if options.devices is not None:
        request = replace(request, devices=parse_list("--devices", options.devices))
    planned = plan(request)
    require_sound(spec for spec in own if spec.name in planned.models)
    from bench.cells import machine

    request = replace(request, jobs=options.jobs or machine.cores())
    new = request.fresh or not Store(request.folder).path.exists()
    if trains and new and not any(cell.is_heavy for cell in planned.cells):
        start_loading()
    if options.devices is None:
        request = replace(request, devices=machine.devices())
    return request


def _seeds(options: argparse.Namespace) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The seeds, and after how many of them the run is looked at."""
    most: int | None = options.max_seeds
    if options.seeds == UNTIL_SETTLED:
        return until_settled(SETTLED_AT_MOST if most is None else most)
    if most is not None:
        raise RequestError(f"--max-seeds {most} goes with --seeds {UNTIL_SETTLED}; leave it out")
    return parse_seeds(options.seeds), ()
