"""The report: markdown, CSV and figures from a run's records. The only place that rounds.

`python -m bench.report NAME` rebuilds a report from its records, without training.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.common import BATCH, EPOCHS, OPTIMISER, SEEDS, read_outcome
from bench.count import counting_exercise
from bench.figures import write_figures
from bench.records import Store
from bench.stats import Summary
from bench.tables import NO_SPEED, MissingRunError, Results, Runs, read, results_table
from zoo.counting import SIDE

ACTIVATION_NAMES = {"sigmoid": "sigmoid", "relu": "ReLU", "tanh": "tanh"}
POOLING_NAMES = {"avg": "average", "max": "max"}
MEBIBYTE = 2**20
KIBIBYTE = 2**10


def write_report(results: Results, folder: Path) -> None:
    """Writes `results.csv`, `figures/*.svg` and `report.md` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    results_table(results).to_csv(folder / "results.csv", index=False)
    figures = write_figures(results, folder / "figures")
    (folder / "report.md").write_text(render(results, figures))


def render(results: Results, figures: dict[str, str]) -> str:
    """The report's markdown.

    Args:
        results: What was measured.
        figures: Names of the figures that lie beside the report, with their descriptions.
    """
    sections = (
        _title,
        _best,
        _comparison,
        _activation_and_pooling,
        _speed,
        _parameters,
        _counting,
        _curves,
        _method,
    )
    lines: list[str] = []
    for section in sections:
        lines += [*section(results, figures), ""]
    return "\n".join(_without_doubled_blanks(lines)).strip() + "\n"


def _title(results: Results, figures: dict[str, str]) -> list[str]:
    request = results.request
    seeds = _plural(len(request["seeds"]), "seed")
    recipe = {
        "common": "one recipe for all, so that a difference is the architecture's under this "
        "recipe",
        "document": "each trained as its document trains it, so that the document's numbers can be "
        "checked",
    }[request["recipe"]]
    failed = [
        "",
        f"> **{_plural(len(results.failures), 'failure')}.** What failed stands under "
        "[How it was made](#how-it-was-made); the numbers below are of what ran.",
    ]
    return [
        f"# {_plural(len(request['ran']), 'network')} on {request['dataset']}, "
        f"{request['recipe']} recipe",
        "",
        f"{seeds} each, on {' and '.join(_device_name(results, d) for d in request['devices'])}; "
        f"{recipe}.",
        *(failed if results.failures else []),
    ]


def _best(results: Results, figures: dict[str, str]) -> list[str]:
    lines = ["## Which is best, and by how much"]
    for group in results.groups:
        lines += ["", *_headline(group, results)]
    if "accuracy" in figures:
        lines += ["", _figure("accuracy", figures)]
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
        return [f"No cell of {_names(group)} ran."]
    where = f" on {best.device}" if len(results.request["devices"]) > 1 else ""
    samples = f"{best.test_samples:,} test samples of {best.classes} classes"
    twins = [runs for runs in group[1:] if best.is_twin_of(runs)]
    others = [runs for runs in group[1:] if runs.summary and not best.is_twin_of(runs)]
    words = f"**`{best.model}`" + "".join(f" = `{twin.model}`" for twin in twins)
    if not others:
        alone = "stands alone" if not twins else "have no other to be ranked with"
        return [
            f"{words} {alone}{where}: {_mean(best)}** of {samples}{_interval_words(best)}. "
            "No other network of this run was tested on the same samples and classes."
        ]
    second = others[0]
    difference = best.minus(second)
    assert second.summary is not None and difference is not None
    lead = (
        f"{words} {'is' if not twins else 'are'} best{where}: {_mean(best)}** of {samples} "
        f"right{_interval_words(best)}."
    )
    behind = f"Next is `{second.model}` with {_mean(second)}, {_points(-difference.mean)} behind"
    if difference.low is None:
        verdict = "; one seed alone cannot say whether that holds."
    elif difference.low > 0:
        verdict = f" (paired 95% interval {_points_range(difference)}): ahead on these seeds."
    else:
        verdict = (
            f" (paired 95% interval {_points_range(difference)}): the interval includes zero, so "
            "these seeds do not settle which of the two is better."
        )
    last = others[-1]
    to_last = best.minus(last)
    assert to_last is not None
    tail = (
        f" Last is `{last.model}` with {_mean(last)}, {_points(-to_last.mean)} behind."
        if last is not second
        else ""
    )
    same = (
        [
            "",
            f"{_names([best, *twins])} are the same network under this recipe: for every seed "
            "their trained weights have the same SHA-256.",
        ]
        if twins
        else []
    )
    return [f"{lead} {behind}{verdict}{tail}", *same]


def _comparison(results: Results, figures: dict[str, str]) -> list[str]:
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
                    _mean(runs),
                    _interval(summary, _decimals(runs)),
                    _range(summary, _decimals(runs)),
                    _behind(runs, best),
                    _integer(count.get("module_parameters")),
                    _integer(count.get("macs")),
                    _number(_middle(list(runs.train_seconds.values())), 1),
                    _status(runs),
                ]
            )
        lines += markdown_table(
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
            *markdown_table(
                ("network", "last epoch >", "best test epoch >", "flattered by >"),
                [
                    [
                        f"`{runs.model}`",
                        _mean(runs),
                        _percent(_average(runs.selected.values()), _decimals(runs)),
                        _points(
                            _average(runs.selected.values()) - _average(runs.accuracy.values()),
                            signed=False,
                        ),
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
        f"median over seeds, with {_plural(max(r.jobs for r in results.runs), 'cell')} trained at "
        "a time; speed is measured on its own [below](#speed).",
    ]
    return lines


def _activation_and_pooling(results: Results, figures: dict[str, str]) -> list[str]:
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
        lines += ["", _figure("activation-pooling", figures)]
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
        *markdown_table(
            ("activation", *(f"{name} pooling >" for name in POOLING_NAMES.values())),
            [
                [
                    name,
                    *(
                        _mean(variants[activation, pooling])
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
            pairs.append((question, variants.get((first, pooling)), variants.get((second, pooling))))
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
                _points(difference.mean),
                _points_range(difference),
                " / ".join(map(str, tally)),
                _reading(first, second, difference),
            ]
        )
    return markdown_table(
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


def _speed(results: Results, figures: dict[str, str]) -> list[str]:
    rows = []
    for runs in results.runs:
        speed = results.speeds.get((runs.model, runs.device), NO_SPEED)
        rows.append(
            [
                f"`{runs.model}`",
                runs.device,
                _integer(speed.train_samples_per_second),
                _quartiles(speed.train_quartiles),
                _integer(speed.inference_samples_per_second),
                _quartiles(speed.inference_quartiles),
                _milliseconds(speed.latency_p50_seconds),
                _milliseconds(speed.latency_p95_seconds),
                _milliseconds(speed.latency_p99_seconds),
                _number(speed.peak_memory_bytes and speed.peak_memory_bytes / MEBIBYTE, 2),
            ]
        )
    return [
        "## Speed",
        "",
        *markdown_table(
            (
                *("network", "device", "training, samples/s >", "middle half >"),
                *("inference, samples/s >", "middle half >", "latency p50, ms >", "p95, ms >"),
                *("p99, ms >", "peak memory, MiB >"),
            ),
            rows,
        ),
        "",
        "Throughput is at batch 64, from stored pixels to updated weights (training) or to outputs "
        "(inference); on the CPU with one thread. It is the median of 20 blocks, the middle half "
        "lies between their quartiles. All networks are measured in interleaved rounds, so that a "
        "machine that slows down slows all alike. Latency is one sample at a time, over 1,000 "
        "single calls. Peak memory is what torch allocates at most in one training step at batch "
        "64, weights and optimiser state included.",
    ]


def _parameters(results: Results, figures: dict[str, str]) -> list[str]:
    rows = []
    for model in results.request["ran"]:
        count = results.counts[model]
        three = [
            count[f"{how}_parameters"] for how in ("declared", "module", "reached")
        ]
        rows.append(
            [
                f"`{model}`",
                *(_integer(number) for number in three),
                "yes" if len(set(three)) == 1 else "**no**",
                _integer(count["macs"]),
                _number(count["weight_bytes"] / KIBIBYTE, 1),
                _number(count["activation_bytes"] / KIBIBYTE, 1),
            ]
        )
    lines = [
        "## Parameters and work",
        "",
        *markdown_table(
            (
                *("network", "declared >", "in the module >", "reached >", "agree", "MACs >"),
                *("weights, KiB >", "layer outputs, KiB >"),
            ),
            rows,
        ),
        "",
        "Parameters are counted three ways that know nothing of each other: in closed form from "
        "the layer sizes on paper, in the module that torch built, and as the memory that reaches "
        "an operator in a forward pass. A parameter that is never used, or one that is used twice, "
        "makes them disagree. A multiply-accumulate (MAC) is one multiplication with its addition, "
        "half of what torch's flop counter counts; one sample, forward, biases not counted.",
    ]
    dnn, cnn = results.counts.get("dnn"), results.counts.get("cnn")
    if dnn and cnn:
        parameters = dnn["module_parameters"] / cnn["module_parameters"]
        macs = dnn["macs"] / cnn["macs"]
        lines += [
            "",
            f"`dnn` has {parameters:.1f} times the parameters of `cnn` and needs {macs:.2f} times "
            "the multiply-accumulates: fewer parameters is not as much less work.",
        ]
    if "accuracy-cost" in figures:
        lines += ["", _figure("accuracy-cost", figures)]
    return lines


def _counting(results: Results, figures: dict[str, str]) -> list[str]:
    exercise = counting_exercise()
    bp, *cnns = exercise
    parameter_ratios = [row.bp_parameters_ratio for row in cnns]
    macs_ratios = [row.bp_macs_ratio for row in cnns]
    return [
        "## The counting exercise: BP against CNN",
        "",
        f"A teaching document counts a BP network and a CNN for pictures of {SIDE} by {SIDE} "
        "pixels in three classes. The BP network has as many neurons in each of its three hidden "
        "layers as the picture has pixels; the CNN has three convolutions (10, 20 and 30 "
        "channels), each followed by pooling that halves the picture, and a layer of 100.",
        "",
        *markdown_table(
            ("network", "parameters >", "BP / CNN >", "MACs >", "BP / CNN >"),
            [
                [
                    row.network,
                    _integer(row.parameters),
                    "" if row is bp else f"{row.bp_parameters_ratio:.1f}",
                    _integer(row.macs),
                    "" if row is bp else f"{row.bp_macs_ratio:.1f}",
                ]
                for row in exercise
            ],
        ),
        "",
        f"The CNN has {min(parameter_ratios):.0f} to {max(parameter_ratios):.0f} times fewer "
        f"parameters, but only {min(macs_ratios):.0f} to {max(macs_ratios):.0f} times less work: "
        "a convolution uses each of its few weights at every place of the picture. Fewer "
        "parameters is not as much less work.",
        "",
        f"The figures of the document are lost with its pictures; what survives is its words, "
        f'"more than 300 million" parameters among them. The side of {SIDE} is inferred from that '
        "(sides 100 to 107 all fit), and kernel size and the halving of odd sizes are not known: "
        "the rows are the range that this leaves.",
    ]


def _curves(results: Results, figures: dict[str, str]) -> list[str]:
    lines = ["## Learning curves"]
    if "learning-curves" in figures:
        lines += [
            "",
            _figure("learning-curves", figures),
            "",
            "Lines: mean training loss since the point before, taken while the weights move and "
            "with dropout on. Dots: test loss in evaluation mode, the first one of the untrained "
            "network. Bands: from the lowest to the highest seed. Losses of different kinds "
            "(squared error, cross-entropy) do not compare across panels.",
        ]
    if "test-pictures" in figures:
        lines += ["", _figure("test-pictures", figures)]
    return lines


def _method(results: Results, figures: dict[str, str]) -> list[str]:
    request = results.request
    environment = request["environment"]
    train, validation, test = request["dataset_sizes"]
    lines = [
        "## How it was made",
        "",
        "```",
        request["command"],
        "```",
        "",
        f"Data: {request['dataset']}, {train:,} training, {validation:,} validation and {test:,} "
        f"test samples, SHA-256 `{request['dataset_sha256'][:16]}`; the same split for every seed"
        + (", drawn anew for each." if request["dataset"] == "sums" else "."),
        "",
        f"Seeds: {', '.join(map(str, request['seeds']))}. Every seed sets first weights, order of "
        "the samples and dropout, each through a random stream of its own.",
        "",
        *_recipes(results),
        "",
        "### Deviations from the documents",
        "",
        *_deviations(results),
        "",
        "### Failures",
        "",
        *([f"- {line}" for line in results.failures] or ["None."]),
        "",
        "### Environment",
        "",
        *markdown_table(
            ("what", "value"),
            [
                ["processor", f"{environment['processor']}, {environment['cores']} cores"],
                ["memory", f"{environment['memory_bytes'] / 2**30:.1f} GiB"],
                ["instruction set", environment["instruction_set"]],
                ["GPU", environment["gpu"] or "none"],
                ["CUDA", environment["cuda"] or "none"],
                ["system", f"{environment['system']}, Python {environment['python']}"],
                ["versions", _pairs(environment["packages"])],
                ["flags", _pairs(environment["flags"])],
                ["commit", environment["commit"] or "not in git"],
            ],
        ),
        "",
        "The same cell on the same kind of device with the same versions ends in the same weights, "
        "bit for bit. CPU and CUDA round differently and are never expected to agree in bits; "
        "their accuracies agree within what seeds differ by.",
    ]
    return lines


def _recipes(results: Results) -> list[str]:
    request = results.request
    if request["recipe"] == "document":
        return [
            "Each network is trained as its document trains it, on all samples that are not for "
            "testing; the documents hold no validation samples out.",
            "",
            *markdown_table(
                ("network", "document", "recipe"),
                [
                    [f"`{model}`", request["documents"][model], request["recipe_words"][model]]
                    for model in request["ran"]
                ],
            ),
        ]
    outcome = read_outcome()
    winner = max(outcome, key=lambda candidate: candidate.mean)
    return [
        f"All networks share one recipe: {OPTIMISER}, batch {BATCH}, {EPOCHS} epochs unless the "
        "command says otherwise, torch's default first weights, the same order of samples per "
        "seed, and the negative log-likelihood that fits the network's outputs. It was chosen from "
        f"{len(outcome)} candidates by mean accuracy on the *validation* samples of digits, over "
        f"all image networks and {len(SEEDS)} seeds that no report uses by default; the test "
        "samples played no part (`python -m bench.choose` repeats it):",
        "",
        *markdown_table(
            ("candidate", "mean validation accuracy >", "lowest network >", "which"),
            [
                [
                    f"**{candidate.optimiser}**" if candidate is winner else candidate.optimiser,
                    _percent(candidate.mean, 1),
                    _percent(candidate.lowest, 1),
                    f"`{candidate.lowest_model}`",
                ]
                for candidate in outcome
            ],
        ),
    ]


def _deviations(results: Results) -> list[str]:
    if results.request["recipe"] == "common":
        return [
            "The common recipe follows no document. What the documents' own recipes do, "
            "`--recipe document` does."
        ]
    grouped: dict[tuple[str, str], list[str]] = {}
    for model, deviations in results.request["deviations"].items():
        for deviation in deviations:
            grouped.setdefault((deviation["what"], deviation["reason"]), []).append(f"`{model}`")
    if not grouped:
        return ["None."]
    return [
        f"- {', '.join(models)}: {what} ({reason})." for (what, reason), models in grouped.items()
    ]


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table's lines, its columns padded so that it reads well unrendered, too.

    A header that ends in `>` makes its column right-aligned.
    """
    right = [header.endswith(" >") for header in headers]
    cells = [[header.removesuffix(" >") for header in headers], *map(list, rows)]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(headers))]
    lines = [
        "| "
        + " | ".join(
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        )
        + " |"
        for row in cells
    ]
    rule = [
        "-" * (width + 1) + ":" if is_right else "-" * (width + 2)
        for width, is_right in zip(widths, right, strict=True)
    ]
    return [lines[0], "|" + "|".join(rule) + "|", *lines[1:]]


def _group_caption(group: Sequence[Runs], results: Results) -> str:
    first = group[0]
    where = f" on {first.device}" if len(results.request["devices"]) > 1 else ""
    return (
        f"Tested{where} on {first.test_samples:,} samples of {first.classes} classes, best first:"
    )


def _figure(name: str, figures: dict[str, str]) -> str:
    return f"![{figures[name]}](figures/{name}.svg)"


def _device_name(results: Results, device: str) -> str:
    environment = results.request["environment"]
    if device == "cuda":
        return f"CUDA ({environment['gpu']})"
    return f"CPU ({environment['processor']})"


def _names(runs: Iterable[Runs]) -> str:
    return " and ".join(f"`{item.model}`" for item in runs)


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
    return f"{_points(difference.mean)} {_points_range(difference)}".strip()


def _decimals(runs: Runs) -> int:
    """One decimal where a test sample weighs more than 0.1%, else two."""
    return 1 if runs.test_samples < 1_000 else 2


def _mean(runs: Runs) -> str:
    return _percent(runs.summary.mean, _decimals(runs)) if runs.summary else "-"


def _interval(summary: Summary | None, decimals: int) -> str:
    if summary is None or summary.low is None or summary.high is None:
        return "-"
    # A mean of fractions cannot lie outside 0..1, whatever Student's formula says.
    low, high = max(summary.low, 0.0), min(summary.high, 1.0)
    return f"{_percent(low, decimals)} to {_percent(high, decimals)}"


def _interval_words(runs: Runs) -> str:
    summary = runs.summary
    if summary is None or summary.low is None:
        return " (one seed, so no interval)"
    interval = _interval(summary, _decimals(runs))
    return f" on average over {summary.n} seeds (95% interval {interval})"


def _range(summary: Summary | None, decimals: int) -> str:
    if summary is None or summary.n == 1:
        return "-"
    return f"{_percent(summary.minimum, decimals)} to {_percent(summary.maximum, decimals)}"


def _percent(fraction: float, decimals: int) -> str:
    return f"{100 * fraction:.{decimals}f}%"


def _points(difference: float, *, signed: bool = True) -> str:
    """A difference of two fractions in percentage points."""
    return f"{100 * difference:{'+' if signed else ''}.2f} pp"


def _points_range(difference: Summary) -> str:
    if difference.low is None or difference.high is None:
        return ""
    return f"[{100 * difference.low:+.2f}, {100 * difference.high:+.2f}]"


def _integer(number: float | None) -> str:
    return "-" if number is None else f"{number:,.0f}"


def _number(number: float | None, decimals: int) -> str:
    return "-" if number is None else f"{number:,.{decimals}f}"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1e3 * seconds:.3f}"


def _quartiles(quartiles: tuple[float, float] | None) -> str:
    return "-" if quartiles is None else f"{quartiles[0]:,.0f} to {quartiles[1]:,.0f}"


def _pairs(values: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _average(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)


def _middle(values: Sequence[float]) -> float | None:
    ordered = sorted(values)
    if not ordered:
        return None
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _without_doubled_blanks(lines: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return kept


def main() -> int:
    """Rebuilds a report; exit code 2 where there is none."""
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument("name", help="a report's name, or the path of its folder")
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="default: reports")
    arguments = parser.parse_args()
    folder = arguments.reports / arguments.name
    if not folder.is_dir():
        folder = Path(arguments.name)
    try:
        results = read(Store(folder))
    except MissingRunError as error:
        print(error, file=sys.stderr)
        return 2
    write_report(results, folder)
    print(folder / "report.md")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
