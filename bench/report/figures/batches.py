"""Pictures per second of inference over the size of a batch."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullLocator

from bench.report.figures.axes import name_lines
from bench.results.batches import batch_curves
from bench.results.runs import Results
from bench.writing.marks import marks


def throughput(results: Results) -> Figure | None:
    """A line for each network; bars from the slowest process to the fastest one."""
    curves = batch_curves(results.batches, results.request.devices[0])
    curves = tuple(curve for curve in curves if len(curve.points) > 1)
    if not curves:
        return None
    figure = Figure(figsize=(8.2, max(3.4, 0.9 + 0.2 * len(curves))))
    figure.subplots_adjust(left=0.08, right=0.78, bottom=0.15, top=0.9)
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.set_yscale("log")
    styles = marks([curve.model for curve in curves])
    for curve in curves:
        colour, marker = styles[curve.model]
        sizes = [point.batch for point in curve.points]
        speeds = [point.per_second for point in curve.points]
        axes.plot(sizes, speeds, "-", color=colour, marker=marker, markersize=5)
        slowest, fastest = zip(*((p.slowest, p.fastest) for p in curve.points), strict=True)
        axes.vlines(sizes, slowest, fastest, color=colour, linewidth=1)
    all_sizes = sorted({point.batch for curve in curves for point in curve.points})
    axes.set_xticks(all_sizes, [f"{size:,}" for size in all_sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel("pictures in a batch")
    axes.set_ylabel("pictures per second")
    gains = sorted(curve.gain for curve in curves)
    times = " to ".join(dict.fromkeys(f"{gain:.2g}" for gain in (gains[0], gains[-1])))
    axes.set_title(f"In batches, networks answer {times} times as many pictures per second")
    ends = {c.model: (c.points[-1].batch, c.points[-1].per_second) for c in curves}
    name_lines(axes, ends, styles)
    return figure
