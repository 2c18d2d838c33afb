"""Which network is best, the comparison table, and the controlled questions."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median

from bench.cells.reference import LARGEST_CLASS, LOGISTIC_REGRESSION
from bench.results.runs import Baseline, Results, Runs
from bench.writing.markdown import (
    decimal,
    distance,
    figure,
    integer,
    interval,
    interval_words,
    mean_accuracy,
    names,
    percent,
    plural,
    points,
    points_interval,
    spread,
    table,
)

_BASELINES = {
    LARGEST_CLASS: "always answers the class that is most frequent among the training samples",
    LOGISTIC_REGRESSION: "is a single linear layer, fitted to the same training samples until no "
    "step makes it better",
}


def best(results: Results, figures: dict[str, str]) -> list[str]:
    """The answer first: for each ranking who leads, by how much, and whether that is settled."""
    lines = ["## Which is best, and by how much"]
    for group in results.groups:
        lines += ["", *_headline(group, results), *_learned_nothing(group, results)]
    if "accuracy" in figures:
        lines += ["", figure("accuracy", figures)]
    if len(results.request["seeds"]) > 1:
        lines += [
            "",
            "*How to read it.* A network trained twice from other random weights gives two "
            "accuracies; each seed is one such start. The 95% interval says where the mean over "
            "all possible seeds plausibly lies, on this test set. Differences are *paired*: both "
            "networks start from the same seeds and are tested on the same samples. The order of "
            "the table was seen after the fact, so it carries no verdict; the "
            "[verdicts](#verdicts-against-the-baseline) are about comparisons that were fixed "
            "before the run.",
        ]
    return lines


def _headline(group: Sequence[Runs], results: Results) -> list[str]:
    best = group[0]
    if best.summary is None:
        return [f"No cell of {names(group)} ran."]
    where = f" on {best.device}" if len(results.request["devices"]) > 1 else ""
    samples = f"{best.test_samples:,} test samples of {best.classes} classes"
    twins = [runs for runs in group[1:] if best.is_twin_of(runs)]
    others = [runs for runs in group[1:] if runs.summary and not best.is_twin_of(runs)]
    words = f"**`{best.model}`" + "".join(f" = `{twin.model}`" for twin in twins)
    if not others:
        alone = "stands alone" if not twins else "have no other to be ranked with"
        return [
            f"{words} {alone}{where}: {mean_accuracy(best)}** of {samples}{interval_words(best)}. "
            "No other network of this run was tested on the same samples and classes."
        ]
    second = others[0]
    lead = (
        f"{words} {'is' if not twins else 'are'} best{where}: {mean_accuracy(best)}** of {samples} "
        f"right{interval_words(best)}."
    )
    lines = f"{lead} Next is `{second.model}` with {mean_accuracy(second)}{_lead(best, second)}."
    last = others[-1]
    if last is not second:
        lines += f" Last is `{last.model}` with {mean_accuracy(last)}."
    return [lines]


def _learned_nothing(group: Sequence[Runs], results: Results) -> list[str]:
    """A warning, where a network does no better than one that never looks at a sample."""
    where = f" on {group[0].device}" if len(results.request["devices"]) > 1 else ""
    for baseline in results.baselines.get(group[0].ranking_group, ()):
        found = [runs for runs in group if runs.is_no_better_than(baseline)]
        if baseline.name == LARGEST_CLASS and found:
            verb = "is" if len(found) == 1 else "are"
            return [
                "",
                f"**{names(found)} {verb} no better{where} than always answering the largest class "
                f"({percent(baseline.mean)}).**",
            ]
    return []


def _lead(best: Runs, second: Runs) -> str:
    """How far the best is ahead of the second, seed by seed, and what that is worth."""
    difference = best.minus(second)
    if difference is None:
        return "; no seed ran for both"
    size = f"; over the seeds that both ran the difference is {points(difference.mean)}"
    if difference.n == 1:
        return f"{size}, and one seed alone cannot say whether that holds"
    if not difference.std:
        return f"{size} for every seed"
    paired = f"{size}, paired 95% interval {points_interval(difference)} pp"
    if difference.low is not None and difference.low > 0:
        return paired
    return f"{paired}: these seeds do not settle which of the two is better"


def comparison(results: Results) -> list[str]:
    """All networks in one table for each group that may be ranked."""
    lines = ["## All networks side by side"]
    for group in results.groups:
        lines += ["", _group_caption(group, results), ""]
        lines += table(
            (
                *("network", "document", "test accuracy >", "95% interval >"),
                *("lowest to highest >", "to the best >", "parameters >", "MACs >"),
                *("training, s >", "cells"),
            ),
            _rows(group, results),
        )
        for twins in _twins(group):
            lines += ["", twins]
    lines += _about_baselines(results)
    selected = [runs for runs in results.runs if runs.selected]
    if selected:
        lines += [
            "",
            "Some documents keep the epoch that did best on the *test* set. That number is not "
            "used above; here it stands beside the last epoch's:",
            "",
            *table(
                ("network", "last epoch >", "best test epoch >", "flattered by >"),
                [
                    [
                        f"`{runs.model}`",
                        mean_accuracy(runs),
                        percent(fmean(runs.selected.values())),
                        distance(fmean(runs.selected.values()) - fmean(runs.accuracy.values())),
                    ]
                    for runs in selected
                ],
            ),
        ]
    left_out = results.request["left_out"]
    if left_out:
        lines += [
            "",
            "Left out: " + "; ".join(item["reason"].replace("'", "`") for item in left_out) + ".",
        ]
    lines += [
        "",
        f"The same numbers, unrounded: [results.csv](results.csv). Training seconds are the "
        f"median over seeds, with at most {plural(max(r.jobs for r in results.runs), 'cell')} "
        "trained at a time; speed is measured on its own [below](#speed).",
    ]
    return lines


def _rows(group: Sequence[Runs], results: Results) -> list[list[str]]:
    """The networks, best first, and the baselines in their places among them."""
    best = group[0]
    rows = [_network_row(runs, best, results) for runs in group]
    found = results.baselines.get(best.ranking_group, ())
    # The worst first, so that a row put in moves none of the places still to be found.
    for baseline in sorted(found, key=lambda baseline: baseline.mean):
        beaten = (
            index
            for index, runs in enumerate(group)
            if runs.summary is None or runs.is_no_better_than(baseline)
        )
        rows.insert(next(beaten, len(group)), _baseline_row(baseline, best))
    return rows


def _network_row(runs: Runs, best: Runs, results: Results) -> list[str]:
    count = results.counts.get(runs.model, {})
    return [
        f"`{runs.model}`",
        results.request["documents"][runs.model],
        mean_accuracy(runs),
        interval(runs.summary),
        spread(runs.summary),
        "" if runs is best else _behind(runs, best),
        integer(count.get("module_parameters")),
        integer(count.get("macs")),
        decimal(median(runs.train_seconds.values()) if runs.train_seconds else None, 1),
        _status(runs),
    ]


def _baseline_row(baseline: Baseline, best: Runs) -> list[str]:
    difference = baseline.minus(best)
    return [
        f"*{baseline.name}*",
        "baseline",
        percent(baseline.mean),
        *("", ""),
        points(difference.mean) if difference else "-",
        "" if baseline.parameters is None else integer(baseline.parameters),
        *("", "", ""),
    ]


def _about_baselines(results: Results) -> list[str]:
    found = dict.fromkeys(item.name for items in results.baselines.values() for item in items)
    if not found:
        return []
    words = "; ".join(f"*{name}* {_BASELINES[name]}" for name in found)
    return [
        "",
        f"Rows in italics are baselines, which are no networks: {words}. A network that does not "
        "beat them has learned nothing worth its parameters.",
    ]


def _twins(group: Sequence[Runs]) -> list[str]:
    """A line for each set of networks that ended in the same weights."""
    sets: list[list[Runs]] = []
    for runs in group:
        for found in sets:
            if runs.is_twin_of(found[0]):
                found.append(runs)
                break
        else:
            sets.append([runs])
    return [
        f"{names(found)} are the same network under this recipe: for every seed their trained "
        "weights have the same SHA-256."
        for found in sets
        if len(found) > 1
    ]


def _group_caption(group: Sequence[Runs], results: Results) -> str:
    first = group[0]
    where = f" on {first.device}" if len(results.request["devices"]) > 1 else ""
    return (
        f"Tested{where} on {first.test_samples:,} samples of {first.classes} classes, best first:"
    )


def _status(runs: Runs) -> str:
    total = len(runs.accuracy) + len(runs.errors)
    return f"{len(runs.accuracy)} of {total} ok" if runs.errors else f"{total} ok"


def _behind(runs: Runs, best: Runs) -> str:
    if runs.is_twin_of(best):
        return "the same network"
    difference = runs.minus(best)
    return points(difference.mean) if difference else "-"
