"""Which network is best, the comparison table, and the controlled questions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, median

from bench.sections.formats import (
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
from bench.stats import Summary
from bench.tables import Results, Runs

ACTIVATION_NAMES = {"sigmoid": "sigmoid", "relu": "ReLU", "tanh": "tanh"}
POOLING_NAMES = {"avg": "average", "max": "max"}


def best(results: Results, figures: dict[str, str]) -> list[str]:
    """The answer first: for each ranking who leads, by how much, and whether that is settled."""
    lines = ["## Which is best, and by how much"]
    for group in results.groups:
        lines += ["", *_headline(group, results)]
    if "accuracy" in figures:
        lines += ["", figure("accuracy", figures)]
    if len(results.request["seeds"]) > 1:
        lines += [
            "",
            "*How to read it.* A network trained twice from other random weights gives two "
            "accuracies; each seed is one such start. The 95% interval says where the mean over "
            "all possible seeds plausibly lies. Differences are *paired*: both networks start from "
            "the same seeds, and the difference is taken seed by seed. Where its interval includes "
            "zero, these seeds do not settle who is ahead. The intervals speak of the seeds alone: "
            "another test set would move all numbers, too.",
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
    difference = best.minus(second)
    assert difference is not None
    lead = (
        f"{words} {'is' if not twins else 'are'} best{where}: {mean_accuracy(best)}** of {samples} "
        f"right{interval_words(best)}."
    )
    behind = (
        f"Next is `{second.model}` with {mean_accuracy(second)}, {distance(difference.mean)} behind"
    )
    if difference.low is None:
        verdict = "; one seed alone cannot say whether that holds."
    elif difference.low > 0:
        verdict = f" (paired 95% interval {points_interval(difference)} pp), ahead on these seeds."
    else:
        verdict = (
            f" (paired 95% interval {points_interval(difference)} pp): it includes zero, so "
            "these seeds do not settle which of the two is better."
        )
    last = others[-1]
    to_last = best.minus(last)
    assert to_last is not None
    tail = (
        f" Last is `{last.model}` with {mean_accuracy(last)}, {distance(to_last.mean)} behind."
        if last is not second
        else ""
    )
    same = (
        [
            "",
            f"{names([best, *twins])} are the same network under this recipe: for every seed "
            "their trained weights have the same SHA-256.",
        ]
        if twins
        else []
    )
    return [f"{lead} {behind}{verdict}{tail}", *same]


def comparison(results: Results) -> list[str]:
    """All networks in one table for each group that may be ranked."""
    lines = ["## All networks side by side"]
    for group in results.groups:
        lines += ["", _group_caption(group, results), ""]
        best = group[0]
        rows = []
        for runs in group:
            summary = runs.summary
            count = results.counts.get(runs.model, {})
            rows.append(
                [
                    f"`{runs.model}`",
                    results.request["documents"][runs.model],
                    mean_accuracy(runs),
                    interval(summary),
                    spread(summary),
                    _behind(runs, best),
                    integer(count.get("module_parameters")),
                    integer(count.get("macs")),
                    decimal(median(runs.train_seconds.values()) if runs.train_seconds else None, 1),
                    _status(runs),
                ]
            )
        lines += table(
            (
                *("network", "document", "test accuracy >", "95% interval >"),
                *("lowest to highest >", "to the best, paired >", "parameters >", "MACs >"),
                *("training, s >", "cells"),
            ),
            rows,
        )
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
        f"median over seeds, with {plural(max(r.jobs for r in results.runs), 'cell')} trained at "
        "a time; speed is measured on its own [below](#speed).",
    ]
    return lines


def activation_and_pooling(results: Results, figures: dict[str, str]) -> list[str]:
    """Sigmoid, ReLU, tanh and average, max pooling, side by side and pair by pair."""
    lines = ["## Sigmoid or ReLU, average or max pooling"]
    shown = False
    for device in results.request["devices"]:
        tables = _design_tables(results, device)
        if tables:
            shown = True
            lines += ["", *tables]
    if not shown:
        return [
            *lines,
            "",
            "This run holds none of the controlled variants. `--models 'lenet5-*'` compares one "
            "LeNet under three activations and two poolings.",
        ]
    if "activation-pooling" in figures:
        lines += ["", figure("activation-pooling", figures)]
    if results.request["recipe"] == "common":
        lines += [
            "",
            "This holds *under this recipe*. Sigmoid networks ask for other learning rates than "
            "ReLU networks: see how the recipe was chosen, under "
            "[How it was made](#how-it-was-made).",
        ]
    return lines


def _design_tables(results: Results, device: str) -> list[str]:
    variants = {
        (activation, pooling): runs
        for activation in ACTIVATION_NAMES
        for pooling in POOLING_NAMES
        if (runs := results.get(f"lenet5-{activation}-{pooling}", device)) is not None
    }
    if not variants:
        return []
    where = f" ({device})" if len(results.request["devices"]) > 1 else ""
    lines = [
        f"One seven-layer LeNet, one activation and one pooling used throughout{where}:",
        "",
        *table(
            ("activation", *(f"{name} pooling >" for name in POOLING_NAMES.values())),
            [
                [
                    name,
                    *(
                        mean_accuracy(variants[activation, pooling])
                        if (activation, pooling) in variants
                        else "not in this run"
                        for pooling in POOLING_NAMES
                    ),
                ]
                for activation, name in ACTIVATION_NAMES.items()
            ],
        ),
    ]
    pairs: list[tuple[str, Runs | None, Runs | None]] = []
    for pooling, pooling_name in POOLING_NAMES.items():
        for first, second in (("relu", "sigmoid"), ("tanh", "sigmoid"), ("relu", "tanh")):
            question = (
                f"{ACTIVATION_NAMES[first]} against {ACTIVATION_NAMES[second]}, "
                f"{pooling_name} pooling"
            )
            pairs.append(
                (question, variants.get((first, pooling)), variants.get((second, pooling)))
            )
    for activation, name in ACTIVATION_NAMES.items():
        pair = (variants.get((activation, "max")), variants.get((activation, "avg")))
        pairs.append((f"max against average pooling, {name}", *pair))
    lines += ["", *_pair_table(pairs)]
    lenet = results.get("lenet", device)
    sigmoids = [
        results.get(model, device)
        for model in (
            *("lenet5-sigmoid-max", "lenet5-sigmoid-avg"),
            *("lenet-sigmoid-max", "lenet-sigmoid"),
        )
    ]
    against = [(f"`{r.model}` against `lenet`", r, lenet) for r in sigmoids if r and lenet]
    if against:
        lines += ["", "What sigmoid costs against `lenet`:", "", *_pair_table(against)]
    return lines


def _pair_table(pairs: Iterable[tuple[str, Runs | None, Runs | None]]) -> list[str]:
    """Each pair's paired difference and how to read it; pairs that did not both run left out."""
    rows = []
    for question, first, second in pairs:
        if first is None or second is None or first.ranking_group != second.ranking_group:
            continue
        difference = first.minus(second)
        if difference is None:
            continue
        deltas = [
            first.accuracy[seed] - second.accuracy[seed]
            for seed in first.accuracy
            if seed in second.accuracy
        ]
        tally = [sum(d > 0 for d in deltas), sum(d < 0 for d in deltas), deltas.count(0)]
        rows.append(
            [
                question,
                points(difference.mean),
                points_interval(difference),
                " / ".join(map(str, tally)),
                _reading(first, second, difference),
            ]
        )
    return table(
        (
            *("pair", "difference >", "paired 95% interval >"),
            *("seeds ahead / behind / level", "reading"),
        ),
        rows,
    )


def _reading(first: Runs, second: Runs, difference: Summary) -> str:
    if first.is_twin_of(second):
        return "the same network"
    if difference.low is None or difference.high is None:
        return "one seed: not known"
    if difference.low > 0:
        return f"`{first.model}` ahead"
    if difference.high < 0:
        return f"`{second.model}` ahead"
    return "not settled by these seeds"


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
    if runs is best:
        return ""
    if runs.is_twin_of(best):
        return "the same network"
    difference = runs.minus(best)
    if difference is None:
        return "-"
    return f"{points(difference.mean)} {points_interval(difference)}".strip()
