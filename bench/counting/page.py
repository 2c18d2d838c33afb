"""The report of the counting exercise run for real: BP and CNN side by side, measured."""

from __future__ import annotations

from bench.counting.measured import BP, CNN, Pair
from bench.report.cost import counting
from bench.writing.markdown import decimal, figure, integer, listed, percent, table

MEBIBYTE = 2**20


def bars(pair: Pair) -> dict[str, float]:
    """The ratios BP over CNN that the figure shows, by what they are of; those that are known."""
    ratios = {
        "parameters": pair.ratio("parameters"),
        "multiply-accumulates": pair.ratio("macs"),
        "peak memory of a training step": pair.ratio("peak_memory_bytes"),
        "training time": pair.ratio("train_seconds"),
        "time per training sample": _inverse(pair.ratio("train_samples_per_second")),
        "time per sample, inference": _inverse(pair.ratio("inference_samples_per_second")),
    }
    return {name: ratio for name, ratio in ratios.items() if ratio is not None}


def render(pair: Pair, figures: dict[str, str]) -> str:
    """The report's markdown.

    Args:
        pair: What was measured.
        figures: Names of the figures that lie beside the report, with their descriptions.
    """
    sections = (
        _title(pair),
        _failures(pair),
        _side_by_side(pair),
        [figure(name, figures) for name in figures],
        _words(pair),
        counting(),
        _method(pair),
    )
    return "\n".join(line for section in sections if section for line in (*section, ""))


def factor(ratio: float | None) -> str:
    """A ratio with three significant digits, or a dash where it is not known."""
    if ratio is None:
        return "-"
    decimals = 0 if ratio >= 100 else 1 if ratio >= 10 else 2 if ratio >= 1 else 3
    return f"{ratio:,.{decimals}f}"


def _inverse(ratio: float | None) -> float | None:
    return None if ratio is None else 1 / ratio


def _title(pair: Pair) -> list[str]:
    made = pair.made
    train, _, test = made["sizes"]
    return [
        "# The counting exercise, run for real",
        "",
        "A teaching document counts the parameters of a BP network and of a CNN for the same "
        "pictures, and trains neither. Here both are trained and measured: "
        f"`{BP}` and `{CNN}`, on the digits 0 to 2 at 100x100 pixels, {train} for training and "
        f"{test} for testing, on the CPU ({made['environment']['processor']}), one thread.",
    ]


def _failures(pair: Pair) -> list[str]:
    return [f"> **Failed:** {line}" for line in pair.failures]


def _side_by_side(pair: Pair) -> list[str]:
    bp, cnn = pair.bp, pair.cnn
    largest_class = percent(pair.made["largest_class_share"])
    rows = [
        ("parameters", "parameters", integer),
        ("weights, MiB", "weight_bytes", _mebibytes),
        ("multiply-accumulates for one picture", "macs", integer),
        ("optimiser steps", "updates", integer),
        ("training time, s", "train_seconds", _one_decimal),
        ("peak memory of a training step, MiB", "peak_memory_bytes", _mebibytes),
        ("training, samples/s", "train_samples_per_second", _one_decimal),
        ("inference, samples/s", "inference_samples_per_second", _one_decimal),
    ]
    return [
        "## Side by side",
        "",
        *table(
            ("what", f"`{BP}` >", f"`{CNN}` >", "BP / CNN >"),
            [
                *(
                    [
                        what,
                        write(getattr(bp, quantity)),
                        write(getattr(cnn, quantity)),
                        factor(pair.ratio(quantity)),
                    ]
                    for what, quantity, write in rows
                ),
                ["test accuracy", _percent(bp.test_accuracy), _percent(cnn.test_accuracy), ""],
            ],
        ),
        "",
        "Training time: all steps of the recipe, once. Memory and samples per second: training "
        "steps and forward passes at batch 64, from stored pixels on; memory by torch's "
        "allocator. The accuracies are of one seed each and of a recipe that was chosen to be the "
        "same for both, not to be good for either: they carry no verdict. Answering the most "
        f"frequent digit for every picture would score {largest_class}; a network near that has "
        "not begun to learn in so few steps.",
    ]


def _words(pair: Pair) -> list[str]:
    parameters, work = pair.ratio("parameters"), pair.ratio("macs")
    training, passing = (
        _inverse(pair.ratio(f"{phase}_samples_per_second")) for phase in ("train", "inference")
    )
    lines = [
        "## What this shows",
        "",
        f"The BP network has **{factor(parameters)} times the parameters** of the CNN, does "
        f"**{factor(work)} times the work**, and takes about **{_about(training)} times the time** "
        f"for a training step and about {_about(passing)} times for a forward pass. Parameters are "
        "what is stored, multiply-accumulates what is computed, seconds what is waited for: three "
        "different numbers, and the first says little about the last. A convolution uses each of "
        "its few weights at every place of the picture; a fully connected layer uses each of its "
        "many weights once.",
    ]
    if training is not None and work is not None:
        lines += [
            "",
            "For each multiply-accumulate, a training step of the BP network took about "
            f"{_about(training / work)} times as long as one of the CNN. Two effects pull against "
            "each other: large matrix products keep the processor's arithmetic units busier than "
            "convolutions with few channels do; but all weights of the BP network have to come "
            "from main memory for every batch, where those of the CNN fit into a cache. Which one "
            "wins depends on the machine, and on the batch.",
        ]
    spreads = [side.block_spread for side in (pair.bp, pair.cnn) if side.block_spread is not None]
    if spreads:
        lines += [
            "",
            "Other reports of this suite measure networks in interleaved rounds, so that a drift "
            "of the machine hits all alike. These two were measured one after the other, because "
            "together they ask for more memory; the slowest of the "
            f"{2 * pair.made['rounds']} blocks of a measurement took at most "
            f"{factor(max(spreads))} times as long as its fastest.",
        ]
    return lines


def _about(ratio: float | None) -> str:
    """A ratio of measured times, no finer than it is known."""
    return "-" if ratio is None else f"{float(f'{ratio:.1g}'):,g}"


def _method(pair: Pair) -> list[str]:
    made = pair.made
    environment = made["environment"]
    return [
        "## How it was made",
        "",
        "```",
        made["command"],
        "```",
        "",
        f"Both networks: {made['recipe']}, seed {made['seed']}, one after the other. "
        f"Data: {made['dataset']}, SHA-256 `{made['dataset_sha256'][:16]}`.",
        "",
        "What the document leaves open, and what was chosen:",
        "",
        *_deviations(pair),
        "",
        *table(
            ("what", "value"),
            [
                ["processor", f"{environment['processor']}, {environment['cores']} cores"],
                ["memory", f"{environment['memory_bytes'] / 2**30:.1f} GiB"],
                ["instruction set", environment["instruction_set"]],
                ["system", f"{environment['system']}, Python {environment['python']}"],
                ["versions", listed(environment["packages"])],
                ["flags", listed(environment["flags"])],
                ["commit", environment["commit"] or "not in git"],
            ],
        ),
    ]


def _deviations(pair: Pair) -> list[str]:
    grouped: dict[tuple[str, str], list[str]] = {}
    for model, deviations in pair.made["deviations"].items():
        for deviation in deviations:
            grouped.setdefault((deviation["what"], deviation["reason"]), []).append(f"`{model}`")
    return [
        f"- {', '.join(models)}: {what} ({reason})." for (what, reason), models in grouped.items()
    ]


def _mebibytes(size: float | None) -> str:
    return "-" if size is None else decimal(size / MEBIBYTE, 1)


def _one_decimal(number: float | None) -> str:
    return decimal(number, 1)


def _percent(fraction: float | None) -> str:
    return "-" if fraction is None else percent(fraction)
