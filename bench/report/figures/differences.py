"""How accurate every network is, and how it differs from the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from bench.report.distinct import drawn
from bench.report.standing import standing
from bench.results.families import against_baseline, design_effects
from bench.results.runs import ReferencePredictor, Results
from bench.statistics.accuracy import Comparison
from bench.writing.marks import marks
from bench.writing.style import BLUE, GREEN, GREY, INK, RED

VERDICT_COLOURS = {
    "better": GREEN,
    "worse": RED,
    "equivalent": BLUE,
    "identical": INK,
    "inconclusive": GREY,
}


def accuracy(results: Results) -> Figure | None:
    """A row for each network: every seed, the mean and both intervals."""
    shown = drawn(results)
    if not shown:
        return None
    figure = Figure(figsize=(8.2, 1.1 + 0.24 * len(shown)))
    axes = figure.subplots()
    styles = marks([runs.model for runs in shown])
    for row, runs in enumerate(shown):
        assert runs.summary is not None
        colour, marker = styles[runs.model]
        both, summary = runs.accuracy_interval, runs.summary
        if both is not None:
            axes.plot([both.low, both.high], [row] * 2, color=colour, linewidth=8, alpha=0.25)
        if summary.low is not None and summary.high is not None:
            # A mean of fractions cannot lie outside 0..1, whatever Student's formula says.
            ends = max(summary.low, 0.0), min(summary.high, 1.0)
            axes.plot(ends, [row, row], color=colour, linewidth=2.5)
        axes.plot(summary.mean, row, marker, color=colour, markersize=7)
        seeds = list(runs.accuracy.values())
        axes.plot(seeds, [row + 0.32] * len(seeds), ".", color=colour, markersize=3)
    axes.set_yticks(range(len(shown)), [runs.model for runs in shown], parse_math=False)
    axes.set_ylim(len(shown) - 0.3, -0.6)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel("test accuracy; 95% pale: for other seeds and pictures, dark: for other seeds")
    found = standing(results.groups[0])
    close = len(found.close) if found else 0
    said = f"leads; over {close} of {len(shown) - 1} others this may be luck"
    axes.set_title(f"{shown[0].model} {said}", pad=16, parse_math=False)
    _draw_references(axes, results.references.get(shown[0].ranking_group, ()))
    return figure


def _draw_references(axes: Axes, references: Sequence[ReferencePredictor]) -> None:
    """A labelled vertical line for each reference predictor near the networks.

    One that is farther away than the networks lie apart would squeeze them together; it is in the
    table only.
    """
    low, high = axes.get_xlim()
    margin = (high - low) / 2
    near = [item for item in references if low - margin <= item.mean <= high + margin]
    near.sort(key=lambda item: item.mean)
    # Of two lines the left one has its label to the left, so that labels never meet.
    sides = ("right", "left") if len(near) == 2 else ("center",)
    for item, side in zip(near, sides, strict=False):
        axes.axvline(item.mean, color=GREY, linewidth=1, linestyle="--", zorder=0)
        axes.text(
            item.mean,
            1.01,
            f"{item.name.replace('largest', 'majority')} {item.mean:.1%}",
            color=GREY,
            fontsize=8,
            ha=side,
            va="bottom",
            transform=axes.get_xaxis_transform(),
        )


def forest(results: Results) -> Figure | None:
    """A row for each comparison that carries a verdict: difference, 95% interval, verdict."""
    families: dict[str, Mapping[str, Comparison]] = {}
    against = against_baseline(results.groups[0], results)
    if against is not None:
        kept = [runs.model for runs in drawn(results) if runs.model in against.comparisons]
        families[f"Accuracy minus that of {against.baseline.model}"] = {
            model: against.comparisons[model]
            for model in kept
            if against.comparisons[model].verdict != "identical"
        }
    effects = design_effects(results, results.request.devices[0])
    if effects:
        families["One LeNet, one thing changed"] = {
            short(effect.question.name): effect.comparison for effect in effects
        }
    families = {title: rows for title, rows in families.items() if rows}
    if not families:
        return None
    heights = [len(rows) for rows in families.values()]
    figure = Figure(figsize=(8.2, 0.7 + 0.195 * sum(heights) + 0.45 * len(heights)))
    figure.subplots_adjust(left=0.36, right=0.84, hspace=0.9 / max(min(heights), 2))
    panels = figure.subplots(
        len(families), 1, sharex=True, squeeze=False, height_ratios=[n + 0.4 for n in heights]
    )
    for axes, (title, rows) in zip(panels.flat, families.items(), strict=True):
        _rows(axes, rows, results.request.margin)
        axes.set_title(title, parse_math=False)
    panels.flat[-1].set_xlabel(
        "percentage points, 95% for other seeds and pictures; shaded: too small to matter"
    )
    return figure


def short(question: str) -> str:
    """A question to the design as a label."""
    lead = question.removeprefix("the lead of ")
    if lead != question:
        pair = lead.partition(" with ")[0].replace(" over ", " - ")
        return f"{pair}, max minus average pooling"
    return question.partition(",")[0]


def _rows(axes: Axes, rows: Mapping[str, Comparison], margin: float) -> None:
    axes.axvspan(-margin, margin, color=GREY, alpha=0.12, linewidth=0)
    axes.axvline(0, color=GREY, linewidth=1)
    for row, comparison in enumerate(rows.values()):
        colour = VERDICT_COLOURS[comparison.verdict]
        if comparison.both is not None:
            axes.plot([comparison.both.low, comparison.both.high], [row] * 2, color=colour)
        axes.plot(comparison.difference, row, "o", color=colour, markersize=5)
        axes.annotate(
            comparison.verdict,
            (1.02, row),
            xycoords=("axes fraction", "data"),
            color=colour,
            va="center",
            annotation_clip=False,
        )
    axes.set_yticks(range(len(rows)), list(rows), parse_math=False)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:+.3g}" if x else "0"))
    axes.grid(visible=False, axis="y")
