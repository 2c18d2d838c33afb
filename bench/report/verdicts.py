"""Every network against the baseline, with verdicts; two networks sample by sample; all pairs."""

from __future__ import annotations

from collections.abc import Sequence

from bench.results.families import (
    BaselineFamily,
    against_baseline,
    count_families,
    first_seed_disagreement,
)
from bench.results.runs import Results, Runs
from bench.statistics.accuracy import Disagreement
from bench.writing.markdown import comparison_table, p_equals, table

SAMPLES_SHOWN = 12


def verdicts(results: Results) -> list[str]:
    """What holds against the baseline, in words and in numbers, for every ranking."""
    families = [(group, against_baseline(group, results)) for group in results.groups]
    lines = ["## Verdicts against the baseline"]
    for group, family in families:
        if family is None:
            continue
        lines += ["", *_family(family, results), "", *_disagreement(group, family, results)]
        lines += ["", *_all_pairs(group)]
    if not any(family for _, family in families):
        return [*lines, "", "No two networks of this run can be compared."]
    return [
        *lines,
        "",
        "*How to read it.* A difference can be luck in two ways: other seeds would train other "
        "networks, and other test samples would meet them. `better` and `worse` are said only if "
        "the difference holds against both, and against both at once, after Holm's adjustment for "
        "the number of networks compared, multiplied by the number of families of questions in "
        f"this run ({count_families(results)}); otherwise the verdict is `inconclusive`, which "
        "does not mean equal: about how large a difference has to be for runs like these to find "
        "it in four of five cases stands in the last column but one. d_z is the difference in "
        "standard deviations of the paired differences over seeds.",
    ]


def _family(family: BaselineFamily, results: Results) -> list[str]:
    baseline = family.baseline
    where = f" on {baseline.device}" if len(results.request["devices"]) > 1 else ""
    by_verdict: dict[str, list[str]] = {}
    for model, comparison in family.comparisons.items():
        by_verdict.setdefault(comparison.verdict, []).append(f"`{model}`")
    words = "; ".join(
        f"{verdict}: {', '.join(by_verdict[verdict])}"
        for verdict in ("better", "worse", "identical", "inconclusive")
        if verdict in by_verdict
    )
    rows = [(f"`{model}`", comparison) for model, comparison in family.comparisons.items()]
    return [
        f"**Against `{baseline.model}`{where}: {words}.**",
        "",
        *comparison_table(rows, what="network"),
    ]


def _disagreement(group: Sequence[Runs], family: BaselineFamily, results: Results) -> list[str]:
    """One trained network of the baseline beside one of its best rival, sample by sample."""
    baseline = family.baseline
    rivals = [
        runs for runs in group if runs.model in family.comparisons and not runs.is_twin_of(baseline)
    ]
    found = first_seed_disagreement(baseline, rivals[0]) if rivals else None
    if found is None:
        return []
    rival, (seed, differ) = rivals[0], found
    lines = [
        f"Two trained networks, sample by sample: of seed {seed}, `{baseline.model}` alone gets "
        f"{len(differ.only_first_wrong)} of {baseline.test_samples:,} test samples wrong, "
        f"`{rival.model}` alone {len(differ.only_second_wrong)}; exact McNemar "
        f"{p_equals(differ.p)}. That speaks of these two networks, not of other seeds."
    ]
    labels: str | None = results.request["test_labels"]
    if labels is None or len(labels) != baseline.test_samples:
        return lines
    rows = _disagreement_rows(
        differ, labels, baseline.misclassified[seed], rival.misclassified[seed]
    )
    if not rows:
        return lines
    shown = (
        f"The first {SAMPLES_SHOWN} samples that they disagree on:"
        if len(rows) > SAMPLES_SHOWN
        else "The samples that they disagree on:"
    )
    return [
        *lines,
        "",
        shown,
        "",
        *table(
            ("test sample >", "true digit >", f"`{baseline.model}` >", f"`{rival.model}` >"),
            rows[:SAMPLES_SHOWN],
        ),
    ]


def _disagreement_rows(
    differ: Disagreement, labels: str, first: dict[int, int], second: dict[int, int]
) -> list[list[str]]:
    return [
        [
            str(index),
            labels[index],
            str(first.get(index, labels[index])),
            str(second.get(index, labels[index])),
        ]
        for index in sorted((*differ.only_first_wrong, *differ.only_second_wrong))
    ]


def _all_pairs(group: Sequence[Runs]) -> list[str]:
    """Differences of all pairs, row minus column, folded away: exploratory, no verdicts."""
    ran = [runs for runs in group if runs.summary]
    if len(ran) < 3:
        return []
    rows = []
    for number, runs in enumerate(ran, start=1):
        differences = [runs.minus(other) for other in ran]
        cells = [f"{100 * d.mean:+.2f}" if d else "-" for d in differences]
        cells[number - 1] = ""
        rows.append([str(number), f"`{runs.model}`", *cells])
    return [
        "<details><summary>All pairs: row minus column in percentage points (exploratory, no "
        "verdicts)</summary>",
        "",
        *table(("#", "network", *(f"{i} >" for i in range(1, len(ran) + 1))), rows),
        "",
        "</details>",
    ]
