"""What networks answer where they are wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.distinct import drawn
from bench.results.answers import PICTURES_SHOWN, confusion_counts, misreadings
from bench.results.runs import Results, Runs
from bench.writing.style import INK, RED

_NAMED_FROM = 0.04  # of all wrong answers: below it a square has no number
_TICKS = 12  # more classes than these, or longer names, are numbered at the axes by steps
_LONGEST = 8


def confusions(results: Results) -> Figure | None:
    """Wrong answers of the first and of the last network: true class by class read."""
    labels = results.request.test_labels
    shown = [runs for runs in drawn(results) if labels and len(labels) == runs.test_samples]
    shown = [runs for runs in shown if any(runs.misclassified.values())]
    if not shown or labels is None:
        return None
    picked = list({runs.model: runs for runs in (shown[0], shown[-1])}.values())
    figure = Figure(figsize=(4.1 * len(picked), 2.95))
    figure.subplots_adjust(top=0.8, wspace=0.25, bottom=0.14)
    counts: Counter[tuple[int, int]] = Counter()
    for runs in shown:
        counts += confusion_counts(runs, labels)
    (true, answer), _ = counts.most_common(1)[0]
    panels = figure.subplots(1, len(picked), squeeze=False)
    for axes, runs in zip(panels.flat, picked, strict=True):
        _squares(axes, runs, labels, results.request.class_names)
    named = [results.request.class_name(label) for label in (true, answer)]
    figure.suptitle(
        f"The most frequent mistake of all networks: {named[0]} read as {named[1]}",
        parse_math=False,
        x=0.125,
        ha="left",
        fontsize=11,
    )
    return figure


def _squares(
    axes: Axes, runs: Runs, labels: Sequence[str | int], class_names: Sequence[str]
) -> None:
    """A square for each pair of classes, its area the share of all wrong answers."""
    counts = confusion_counts(runs, labels)
    total, most = sum(counts.values()), max(counts.values())
    pairs = list(counts)
    sizes = [170 * counts[pair] / most for pair in pairs]
    true, read = zip(*pairs, strict=True)
    axes.scatter(read, true, s=sizes, marker="s", color=RED, alpha=0.45, linewidths=0)
    for pair in pairs:
        if counts[pair] >= _NAMED_FROM * total:
            axes.text(pair[1], pair[0], str(counts[pair]), ha="center", va="center", fontsize=8)
    classes = range(0, runs.classes, 1 + (runs.classes - 1) // _TICKS)
    axes.set_xticks(classes)
    axes.set_yticks(classes)
    if class_names and len(classes) == runs.classes and max(map(len, class_names)) <= _LONGEST:
        axes.set_xticklabels(class_names, rotation=90, fontsize=7, parse_math=False)
        axes.set_yticklabels(class_names, fontsize=7, parse_math=False)
    axes.set_xlim(-0.6, runs.classes - 0.4)
    axes.set_ylim(runs.classes - 0.4, -0.6)
    axes.set_aspect("equal")
    kind = "class" if class_names else "digit"
    axes.set_xlabel(f"{kind} read")
    axes.set_ylabel(f"true {kind}")
    axes.plot([0, runs.classes - 1], [0, runs.classes - 1], color=INK, linewidth=0.5, alpha=0.5)
    axes.set_title(
        f"{runs.model}: {total} wrong answers of {len(runs.ran)} runs",
        fontsize=9,
        fontweight="normal",
        parse_math=False,
    )


def hardest(results: Results) -> Figure | None:
    """The pictures that most trained networks misread, with what they are and are read as."""
    pictures = results.request.test_pictures
    shown = drawn(results)
    if pictures is None or not pictures.positions or not shown:
        return None
    answers_of = [wrong for runs in shown for wrong in runs.misclassified.values()]
    wrong, networks = misreadings(answers_of), len(answers_of)
    positions = [position for position in pictures.positions if position in wrong][:PICTURES_SHOWN]
    if not positions:
        return None
    pixels = np.frombuffer(pictures.pixels, dtype=np.uint8)
    images = pixels.reshape(-1, pictures.side, pictures.side)
    columns = 8
    rows = -(-len(positions) // columns)
    figure = Figure(figsize=(8.2, 1.45 * rows + 0.3))
    figure.subplots_adjust(top=1 - 0.65 / (1.45 * rows + 0.3), bottom=0.01, hspace=0.4)
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        axes.set_axis_off()
    for axes, position in zip(panels.flat, positions, strict=False):
        place = pictures.positions.index(position)
        answers = wrong[position]
        (answer, _) = answers.most_common(1)[0]
        axes.imshow(images[place], cmap="gray_r", interpolation="nearest")
        axes.set_title(
            _read_as(results, pictures.labels[place], answer, answers.total()),
            parse_math=False,
            fontsize=8,
            fontweight="normal",
            loc="center",
        )
    figure.suptitle(
        f"The pictures that most of the {networks} trained networks misread",
        x=0.125,
        ha="left",
        fontsize=11,
    )
    return figure


def _read_as(results: Results, label: int, answer: int, times: int) -> str:
    """What a picture is and what it is read as, over how many networks were wrong."""
    true, read = (results.request.class_name(number) for number in (label, answer))
    if results.request.class_names:
        return f"{true[:_LONGEST]}, read as\n{read[:_LONGEST]} by {times}"
    return f"a {true}, read as {read}\nwrong in {times}"
