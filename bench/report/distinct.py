"""The networks of a ranking, each once: entries that ended in the same weights are one network."""

from __future__ import annotations

from collections.abc import Sequence

from bench.results.runs import Results, Runs, ranked


def twin_sets(group: Sequence[Runs]) -> list[list[Runs]]:
    """The networks in sets that ended in the same weights, most of them alone."""
    sets: list[list[Runs]] = []
    for runs in group:
        found = next((twins for twins in sets if runs.is_twin_of(twins[0])), None)
        if found is None:
            sets.append([runs])
        else:
            found.append(runs)
    return sets


def distinct(group: Sequence[Runs]) -> list[Runs]:
    """One of each set of twins: the baseline's or the first that was asked for."""
    return [twins[0] for twins in twin_sets(group)]


def drawn(results: Results) -> list[Runs]:
    """The networks of the figures: of the first ranking, best first, each once."""
    return distinct([runs for runs in results.groups[0] if runs.summary])


def compared(results: Results) -> list[Runs]:
    """The same without those that ran other seeds than the first."""
    return distinct(ranked(results.groups[0]))
