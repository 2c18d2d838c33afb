"""The filters of first layers: what training made of them, by activation where it can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import msgspec

import zoo
from bench.cells.jobs import weights_name
from bench.records.filters import Filters, write_filters
from bench.report.distinct import drawn
from bench.report.layers import parts
from bench.results.runs import Results, Runs
from bench.statistics.design import ACTIVATIONS
from bench.writing.templates import render


@dataclass(frozen=True, kw_only=True)
class Change:
    """What training changed in the first layers of networks, over all their runs.

    Attributes:
        activations: Of these networks.
        runs: How many runs there are of them.
        growth: The lowest and the highest norm of a layer's weights over that of the first ones.
        typical: The median of that.
        turned: The lowest and the highest share of weights that changed their sign.
    """

    activations: tuple[str, ...]
    runs: int
    growth: tuple[float, float]
    typical: float
    turned: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class SameStart:
    """Networks that began with the same filters, so that only training made them differ.

    Attributes:
        networks: How many.
        most: Those with the activation whose weights grow most.
        others: Those with other activations.
    """

    networks: int
    most: Change
    others: Change

    @property
    def is_apart(self) -> bool:
        """Whether every run of the first grows more than every run of the others."""
        return self.most.growth[0] > self.others.growth[1]


@dataclass(frozen=True, kw_only=True)
class FiltersView:
    """What the section shows.

    Attributes:
        figure: What the picture shows.
        seed: Whose filters are shown.
        same: Networks that began with the same filters; None where there are no two activations.
        channels: Networks whose filters are summed over several channels.
        linear: Networks whose first layer is fully connected.
    """

    figure: str
    seed: int
    same: SameStart | None
    channels: tuple[str, ...]
    linear: tuple[str, ...]


def filters(results: Results, figures: Mapping[str, str]) -> str:
    """The section; nothing without its picture."""
    if "filters" not in figures:
        return ""
    found = results.filters
    view = FiltersView(
        figure=figures["filters"],
        seed=found[0].seed,
        same=same_start(found),
        channels=tuple(one.model for one in found if one.channels > 1),
        linear=tuple(one.model for one in found if one.kind == "linear"),
    )
    return render(Path(__file__).parent, "filters", view)


def starts(found: Sequence[Filters]) -> list[list[Filters]]:
    """The networks that began with the same filters, together; most growth first in each.

    The most networks come first; fully connected ones, whose filters are as large as the picture,
    come last.
    """
    grouped: dict[tuple[str, int, bytes], list[Filters]] = {}
    for one in found:
        grouped.setdefault((one.kind, one.width, one.before.steps), []).append(one)
    ordered = sorted(grouped.items(), key=lambda item: (item[0][0] == "linear", -len(item[1])))
    return [sorted(group, key=lambda one: -typical_growth(one)) for _, group in ordered]


def typical_growth(one: Filters) -> float:
    """The median over seeds."""
    return median(one.growth.values())


def same_start(found: Sequence[Filters]) -> SameStart | None:
    """The largest group that began with the same filters, if it has two activations or more."""
    groups = starts(found)
    if not groups:
        return None
    by_activation: dict[str, list[Filters]] = {}
    for one in groups[0]:
        activation = _activation(one.model)
        if activation is not None:
            by_activation.setdefault(activation, []).append(one)
    if len(by_activation) < 2:
        return None
    most, *others = sorted(by_activation, key=lambda name: -_change(by_activation, name).typical)
    return SameStart(
        networks=len(groups[0]),
        most=_change(by_activation, most),
        others=_change(by_activation, *others),
    )


def _activation(model: str) -> str | None:
    """The name of a network's only activation, as the zoo declares it."""
    found = parts(zoo.get(model)) if model in zoo.names() else None
    if found is None or len(found.activations) != 1:
        return None
    (name,) = found.activations
    return ACTIVATIONS.get(name, name)


def _change(by_activation: Mapping[str, Sequence[Filters]], *activations: str) -> Change:
    networks = [one for name in activations for one in by_activation[name]]
    growth = [value for one in networks for value in one.growth.values()]
    turned = [value for one in networks for value in one.turned.values()]
    return Change(
        activations=activations,
        runs=len(growth),
        growth=(min(growth), max(growth)),
        typical=median(growth),
        turned=(min(turned), max(turned)),
    )


def with_filters(results: Results, folder: Path) -> Results:
    """The results with the filters of all networks whose weights lie in the report's folder.

    What is taken from weights now is written beside the records, so that a page that is made where
    they are missing shows the same.
    """
    kept = {one.weights_sha256: one for one in results.filters}
    found = []
    for runs in drawn(results):
        files = _files(runs, folder / "weights")
        one = kept.get(runs.digests[min(files)]) if files else None
        if one is None or files.keys() - one.growth.keys():
            one = _taken(runs, files, results) or one
        one = one or next((kept[d] for d in runs.digests.values() if d in kept), None)
        if one is not None:
            found.append(msgspec.structs.replace(one, model=runs.model))
    if tuple(found) != results.filters:
        write_filters(found, folder)
    return replace(results, filters=tuple(found))


def _files(runs: Runs, weights: Path) -> dict[int, Path]:
    """By seed, the files of its trained weights that are there."""
    files = {seed: weights / weights_name(cell) for seed, cell in runs.ran.items()}
    return {seed: path for seed, path in files.items() if path.is_file() and seed in runs.digests}


def _taken(runs: Runs, files: Mapping[int, Path], results: Results) -> Filters | None:
    """The filters in files of weights, but for those that do not hold what is recorded."""
    if not files or runs.model not in zoo.names():
        return None
    spec = zoo.get(runs.model)
    if not spec.takes_images:
        return None
    from bench.cells.filters import first_filters
    from bench.cells.weights import are_intact

    whole = {s: path for s, path in files.items() if are_intact(path, runs.digests[s])}
    if not whole:
        return None
    recipe = results.request.recipes[runs.model]
    return first_filters(spec, recipe, whole, runs.digests[min(whole)])
