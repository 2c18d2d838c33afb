"""Sigmoid, ReLU, tanh and average, max pooling: the controlled questions."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from bench.cells.common_recipe import OPTIMISER
from bench.results.families import design_effects
from bench.results.learning_rates import MODELS, RATES, Sweep, read_sweep
from bench.results.runs import Results, Runs
from bench.statistics.design import ACTIVATION_PAIRS, ACTIVATIONS, POOLINGS, Effect
from bench.writing.markdown import (
    comparison_table,
    distance,
    figure,
    mean_accuracy,
    percent,
    plural,
    points,
    points_interval,
    table,
)


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
    return [*lines, *_learning_rates(results, figures)]


def _learning_rates(results: Results, figures: dict[str, str]) -> list[str]:
    """Whether the answers are the learning rate's doing."""
    if results.request["recipe"] != "common":
        return []
    sweep = read_sweep(results)
    if sweep is None:
        return [
            "",
            "All this holds *under this recipe*. Sigmoid networks ask for other learning rates "
            "than ReLU networks; `python -m bench.rates NAME` repeats the design at three others.",
        ]
    lines = [
        "",
        "### Is it the learning rate?",
        "",
        f"The answers above hold *under this recipe*, Adam {OPTIMISER.learning_rate:g}. With the "
        "same design at other learning rates, and once with each network at the rate that is best "
        "for it (each of these is one more family of questions to adjust for, so that an answer "
        "may be settled above and not here):",
        "",
        *_answers(sweep),
        "",
    ]
    if "learning-rates" in figures:
        lines += [figure("learning-rates", figures), ""]
    return [
        *lines,
        "Mean test accuracy at each rate of Adam; the rate that is best for the network on the "
        "validation samples is bold:",
        "",
        *table(
            ("network", *(f"{rate:g} >" for rate in RATES)),
            [
                [
                    f"`{model}`",
                    *(
                        f"**{said}**" if rate == sweep.best_rates[model] else said
                        for rate in RATES
                        for said in [percent(fmean(sweep.trials[model, rate].test.values()))]
                    ),
                ]
                for model in MODELS
            ],
        ),
        "",
        *_untrained(sweep, next(runs.classes for runs in results.runs if runs.model in MODELS)),
        "The questions at each rate, and with each network at its own best (difference in "
        "percentage points, verdict adjusted within its column and for all columns):",
        "",
        *table(
            ("question", *(f"{rate:g} >" for rate in RATES), "own best >"),
            [
                [
                    effect.question.name,
                    *(
                        f"{100 * found[index].comparison.difference:+.2f} "
                        f"{found[index].comparison.verdict}"
                        for found in (*sweep.by_rate.values(), sweep.at_best)
                    ),
                ]
                for index, effect in enumerate(sweep.at_best)
            ],
        ),
    ]


def _untrained(sweep: Sweep, classes: int) -> list[str]:
    """Where a mean hides seeds that have learned nothing, a line; and how many they are."""
    hidden = []
    for (model, rate), trial in sweep.trials.items():
        lost = sum(accuracy <= 2 / classes for accuracy in trial.test.values())
        if lost:
            hidden.append(f"`{model}` at {rate:g}, {lost} of {len(trial.test)}")
    if not hidden:
        return []
    return [
        f"Some means hide two kinds of runs: those that learn, and those that end no better than "
        f"{percent(2 / classes)}, twice what guessing gives. Seeds that have not learned: "
        f"{'; '.join(hidden)}. There the question is not how accurate a network is but whether it "
        "trains at all, and a large difference can be unsettled.",
        "",
    ]


def _answers(sweep: Sweep) -> list[str]:
    """A line for each question that is settled somewhere, one for all that are not."""
    best = set(sweep.best_rates.values())
    own = (
        "each network's own best"
        if len(best) > 1
        else f"each network's own best (all {best.pop():g})"
    )
    places = [*(f"{rate:g}" for rate in RATES), own]
    lines, open_everywhere = [], []
    for index, effect in enumerate(sweep.at_best):
        name = effect.question.name
        where: dict[str, list[str]] = {}
        for place, found in zip(places, (*sweep.by_rate.values(), sweep.at_best), strict=True):
            where.setdefault(found[index].comparison.verdict, []).append(place)
        if sweep.settled(index):
            lines.append(
                f"- **At every learning rate tried**: {name}: {effect.comparison.verdict}."
            )
        elif where.keys() <= {"inconclusive", "identical"}:
            open_everywhere.append(name)
        else:
            turns = {"better", "worse"} <= where.keys()
            title = "Turns with the learning rate" if turns else "At some learning rates only"
            said = "; ".join(
                f"{'not settled' if verdict == 'inconclusive' else verdict} at {', '.join(at)}"
                for verdict, at in where.items()
            )
            lines.append(f"- **{title}**: {name}: {said}.")
    if open_everywhere:
        lines.append(f"- **Not settled at any learning rate**: {'; '.join(open_everywhere)}.")
    return lines


def _design_tables(results: Results, device: str) -> list[str]:
    variants = {
        (activation, pooling): runs
        for activation in ACTIVATIONS
        for pooling in POOLINGS
        if (runs := results.get(f"lenet5-{activation}-{pooling}", device)) is not None
    }
    if not variants:
        return []
    where = f" ({device})" if len(results.request["devices"]) > 1 else ""
    lines = [
        f"One seven-layer LeNet, one activation and one pooling used throughout{where}:",
        "",
        *table(
            ("activation", *(f"{name} pooling >" for name in POOLINGS.values())),
            [
                [
                    name,
                    *(
                        mean_accuracy(variants[activation, pooling])
                        if (activation, pooling) in variants
                        else "not in this run"
                        for pooling in POOLINGS
                    ),
                ]
                for activation, name in ACTIVATIONS.items()
            ],
        ),
    ]
    pairs: list[tuple[str, Runs | None, Runs | None]] = []
    for pooling, pooling_name in POOLINGS.items():
        for first, second in ACTIVATION_PAIRS:
            question = f"{ACTIVATIONS[first]} against {ACTIVATIONS[second]}, {pooling_name} pooling"
            pairs.append(
                (question, variants.get((first, pooling)), variants.get((second, pooling)))
            )
    for activation, name in ACTIVATIONS.items():
        pair = (variants.get((activation, "max")), variants.get((activation, "avg")))
        pairs.append((f"max against average pooling, {name}", *pair))
    effects = design_effects(results, device)
    if effects:
        lines += ["", *_effects(effects)]
    lines += [
        "",
        "Pair by pair, over seeds alone; exploratory, no verdicts:",
        "",
        *_pair_table(pairs),
    ]
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
                points_interval(difference) or "-",
                " / ".join(map(str, tally)),
            ]
        )
    return table(
        (
            *("pair", "difference >", "paired 95% interval over seeds >"),
            "seeds ahead / behind / level",
        ),
        rows,
    )


def _effects(effects: tuple[Effect, ...]) -> list[str]:
    """The design's questions, each in a sentence, and the numbers behind them."""
    return [
        "Seven questions to this design, fixed before the run; `better` and `worse` hold for other "
        "seeds and for other test samples, adjusted for asking seven times (and for the run's "
        "other families of questions, see above):",
        "",
        *(f"- {_in_words(effect)}" for effect in effects),
        "",
        *comparison_table([(effect.question.name, effect.comparison) for effect in effects]),
    ]


def _in_words(effect: Effect) -> str:
    comparison, name = effect.comparison, effect.question.name
    size = points(comparison.difference)
    if comparison.verdict in ("better", "worse"):
        if effect.question.kind == "interaction":
            larger = "larger" if comparison.verdict == "better" else "smaller"
            return f"{name[0].upper()}{name[1:]}: {size}. It is **{larger}** with max pooling."
        return f"{name[0].upper()}{name[1:]}: {size}, **{comparison.verdict}**."
    unseen = (
        f" With {plural(comparison.n_seeds, 'seed')}, a true difference has to be about "
        f"{distance(comparison.detectable)} or more to be found in four of five such runs."
        if comparison.detectable is not None
        else ""
    )
    return f"{name[0].upper()}{name[1:]}: {size}, not settled.{unseen}"
