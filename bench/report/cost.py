"""What networks cost in parameters and work, and the counting exercise."""

from __future__ import annotations

from bench.results.runs import Results
from bench.writing.markdown import decimal, figure, integer, table
from zoo.counting import SIDE, counting_exercise

KIBIBYTE = 2**10


def parameters(results: Results, figures: dict[str, str]) -> list[str]:
    """The three counts and the work of every network."""
    rows = []
    for model, count in results.counts.items():
        three = [count[f"{how}_parameters"] for how in ("declared", "module", "reached")]
        rows.append(
            [
                f"`{model}`",
                *(integer(number) for number in three),
                "yes" if len(set(three)) == 1 else "**no**",
                integer(count["macs"]),
                decimal(count["weight_bytes"] / KIBIBYTE, 1),
                decimal(count["activation_bytes"] / KIBIBYTE, 1),
            ]
        )
    lines = [
        "## Parameters and work",
        "",
        *table(
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
        lines += ["", figure("accuracy-cost", figures), "", _reading(results)]
    return lines


def _reading(results: Results) -> str:
    """What the chart of accuracy against cost shows."""
    ranked = [
        runs.model for runs in results.groups[0] if runs.summary and runs.model in results.counts
    ]
    extremes = {}
    for cost in ("module_parameters", "macs"):
        by_cost = sorted(ranked, key=lambda model: results.counts[model][cost])
        extremes[cost] = (by_cost[0], by_cost[-1])
    words = []
    for cost, (least, most) in extremes.items():
        low, high = (results.counts[model][cost] for model in (least, most))
        words.append(f"{high / low:.2f} times (`{least}` {integer(low)}, `{most}` {integer(high)})")
    largest, busiest = (most for _, most in extremes.values())
    return (
        "*How to read it.* Each network stands at its mean accuracy in both panels: on the left at "
        "what it stores, on the right at what it computes for one sample. Both axes are "
        f"logarithmic and of one scale: the networks differ in parameters up to {words[0]}, in "
        f"multiply-accumulates up to {words[1]}. By accuracy, `{largest}` with the most parameters "
        f"is number {1 + ranked.index(largest)} of {len(ranked)}, `{busiest}` with the most "
        f"multiply-accumulates number {1 + ranked.index(busiest)}. Networks that are tested on "
        "other samples or classes are left out: their accuracies do not compare."
    )


def counting() -> list[str]:
    """The counting exercise, over the range that its lost figures leave; the same in every run."""
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
        *table(
            ("network", "parameters >", "BP / CNN >", "MACs >", "BP / CNN >"),
            [
                [
                    row.network,
                    integer(row.parameters),
                    "" if row is bp else f"{row.bp_parameters_ratio:.1f}",
                    integer(row.macs),
                    "" if row is bp else f"{row.bp_macs_ratio:.1f}",
                ]
                for row in exercise
            ],
        ),
        "",
        f"The CNN has {min(parameter_ratios):.0f} to {max(parameter_ratios):.0f} times fewer "
        f"parameters, but only {min(macs_ratios):.1f} to {max(macs_ratios):.1f} times less work: "
        "a convolution uses each of its few weights at every place of the picture. Fewer "
        "parameters is not as much less work.",
        "",
        f"The figures of the document are lost with its pictures; what survives is its words, "
        f'"more than 300 million" parameters among them. The side of {SIDE} is inferred from that '
        "(sides 100 to 107 all fit), and kernel size and the halving of odd sizes are not known: "
        "the rows are the range that this leaves.",
    ]
