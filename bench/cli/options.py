"""The options of a request, the same for every command that works on its networks."""

from __future__ import annotations

import argparse
from dataclasses import replace

from bench.cells.fitting import NAMES, OWN_KINDS, VALID
from bench.cells.own import add_networks, require_sound
from bench.cells.plan import ENGINES, RECIPES, Request, plan
from bench.cells.processes import start_loading
from bench.cells.settling import SETTLED_AT_MOST, UNTIL_SETTLED, until_settled
from bench.cli.completion import models, offers, one_of
from bench.cli.parser import (
    Options,
    Parser,
    add_cluster,
    add_data_root,
    add_jobs,
    add_reports,
    add_zoo,
)
from bench.cli.values import parse_list, parse_margin, parse_seeds, seconds
from bench.cluster.address import require_address
from bench.records.errors import RequestError
from bench.records.store import Store
from bench.timing.protocol import PROCESSES, ROUNDS

EXAMPLES = """examples:
  python -m bench.compare --models lenet,dnn,net
  python -m bench.compare --models 'lenet5-*' --seeds until-settled
  python -m bench.compare --models dnn,cnn --dataset mnist --recipe document --seeds 3
"""


def request_parser(module: str, description: str | None) -> Parser:
    """A parser with all options of a request, and `--quiet`."""
    parser = Parser(module, description, EXAMPLES)
    _add_question(parser.add_argument_group("what is compared"))
    _add_amount(parser.add_argument_group("how much is trained, and how"))
    _add_places(parser.add_argument_group("where things lie"))
    return parser


def _add_question(group: Options) -> None:
    add = group.add_argument
    chosen = add(
        "--models",
        default="lenet,dnn,net",
        help="names, aliases, globs, or all; `python -m zoo` lists them (lenet,dnn,net)",
    )
    offers(chosen, models)
    add_zoo(group)
    data = add(
        "--dataset",
        default="digits",
        help=f"{VALID}: 1,797 real digits that come with scikit-learn, MNIST (downloaded once), a "
        "synthetic table, other published pictures (downloaded once), your own pictures in "
        "DIR/train and DIR/test, named so that the second character is the digit shown, as in "
        "a7.png, pictures in a folder for each class (DIR/train/CLASS and DIR/test/CLASS, or "
        "DIR/CLASS), or a CSV or Parquet file whose last column is the class (digits)",
    )
    offers(data, one_of(*NAMES, *(f"{kind}:" for kind in ("pictures", *OWN_KINDS))))
    recipe = add(
        "--recipe",
        default="common",
        help=f"{', '.join(RECIPES)}, FILE.toml: one recipe for all, so that a difference is the "
        "network's; "
        "each network as its document trains it; one for all that brings lenet to 99%% on MNIST "
        "in little time; a recipe of your own (common)",
    )
    offers(recipe, one_of(*RECIPES))
    add(
        "--set",
        metavar="FIELD=VALUE",
        action="append",
        default=[],
        help="a field of the recipe and its value, such as optimiser.learning_rate=0.01; may be "
        "given several times",
    )
    first = add("--baseline", help="the network that all others are compared with (the first)")
    offers(first, models)
    add(
        "--margin",
        default="0.5pp",
        help="the smallest difference of accuracies that matters: networks that surely differ by "
        "less are equivalent (0.5pp)",
    )


def _add_amount(group: Options) -> None:
    add = group.add_argument
    add(
        "--seeds",
        default="5",
        help=f"5 means the seeds 1 to 5; 1,2,7 means these; {UNTIL_SETTLED} looks at 5, 10, 20 and "
        "40 seeds, and a network stops where its comparisons are decided or no further seed can "
        "decide them (5)",
    )
    add("--max-seeds", type=int, help=f"the last look of {UNTIL_SETTLED} ({SETTLED_AT_MOST})")
    add("--epochs", type=int, help="instead of the recipe's")
    add(
        "--cell-timeout",
        type=seconds,
        metavar="SECONDS",
        help="ends a training run, a count or a measurement that takes longer, and goes on with "
        "the others (none)",
    )
    add(
        "--rounds",
        type=int,
        help=f"how often each speed is measured in each of {PROCESSES} processes: more where the "
        f"machine is noisy; 0 measures no speed ({ROUNDS})",
    )
    devices = add("--devices", help="cpu, cuda or cpu,cuda (what is there)")
    offers(devices, one_of("cpu", "cuda", "cpu,cuda"))
    add_jobs(group)
    add_cluster(group)
    engine = add(
        "--engine",
        default="sequential",
        help=f"{' or '.join(ENGINES)}: each run by itself, or all seeds of a network at once with "
        "stacked weights, for GPUs, which one small network leaves idle; equal within rounding "
        "(sequential)",
    )
    offers(engine, one_of(*ENGINES))


def _add_places(group: Options) -> None:
    add = group.add_argument
    add("--name", help="of the report; git ignores local-* (local-DATASET-RECIPE)")
    add_reports(group)
    add_data_root(group)
    add("--fresh", action="store_true", help="set earlier records of this report aside")
    add("--quiet", action="store_true", help="print where the report lies, and nothing else")


def add_trackers(parser: Parser) -> None:
    """Adds `--tensorboard` and `--tracker`, for the command that hands runs on."""
    add = parser.add_argument_group("who shows the runs, too (docs/tracking.md)").add_argument
    add(
        "--tensorboard",
        action="store_true",
        help="leave losses, accuracies and hyperparameters for TensorBoard in the report's folder",
    )
    add(
        "--tracker",
        choices=("mlflow",),
        help="log all runs and the report to the MLflow that $MLFLOW_TRACKING_URI names",
    )


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
    require_address(options.cluster)
    own = add_networks(options.zoo)
    seeds, looks = _seeds(options)
    request = Request(
        models=parse_list("--models", options.models),
        dataset=options.dataset,
        recipe=options.recipe,
        settings=tuple(options.set),
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
        cell_timeout=options.cell_timeout,
        cluster=options.cluster,
        rounds=options.rounds,
    )
    if options.devices is not None:
        request = replace(request, devices=parse_list("--devices", options.devices))
    planned = plan(request)
    require_sound(own, planned)
    from bench.cells import machine

    request = replace(request, jobs=options.jobs or machine.cores())
    new = request.fresh or not Store(request.folder).path.exists()
    here = trains and new and request.cluster is None
    if here and not any(cell.is_heavy for cell in planned.cells):
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
