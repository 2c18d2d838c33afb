"""How a run was made: command, data, recipes, deviations, failures, environment."""

from __future__ import annotations

from bench.cells.common_recipe import SEEDS, read_outcome
from bench.cells.reference import TOLERANCE
from bench.report.reliability import reliability
from bench.results.runs import Results
from bench.writing.markdown import listed, percent, table


def method(results: Results) -> list[str]:
    """Everything that another needs to make the same report."""
    request = results.request
    environment = request["environment"]
    train, validation, test = request["dataset_sizes"]
    digest = request["dataset_sha256"][:16]
    return [
        "## How it was made",
        "",
        "```",
        request["command"],
        "```",
        "",
        f"Data: {request['dataset']}, {train:,} training, {validation:,} validation and {test:,} "
        f"test samples, "
        + (
            f"drawn anew for every seed; SHA-256 of the first draw `{digest}`."
            if request["dataset"] == "sums"
            else f"the same split for every seed; SHA-256 `{digest}`."
        ),
        "",
        f"Seeds: {', '.join(map(str, request['seeds']))}. Every seed sets first weights, order of "
        "the samples and dropout, each through a random stream of its own.",
        "",
        *_recipes(results),
        "",
        *_baselines(results),
        "",
        *reliability(),
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
        *table(
            ("what", "value"),
            [
                ["processor", f"{environment['processor']}, {environment['cores']} cores"],
                ["memory", f"{environment['memory_bytes'] / 2**30:.1f} GiB"],
                ["instruction set", environment["instruction_set"]],
                ["GPU", environment["gpu"] or "none"],
                ["CUDA", environment["cuda"] or "none"],
                ["system", f"{environment['system']}, Python {environment['python']}"],
                ["versions", listed(environment["packages"])],
                ["flags", listed(environment["flags"])],
                ["commit", environment["commit"] or "not in git"],
            ],
        ),
        "",
        "The same cell on the same kind of device with the same versions ends in the same weights, "
        "bit for bit. CPU and CUDA round differently and are never expected to agree in bits.",
    ]


def _recipes(results: Results) -> list[str]:
    request = results.request
    if request["recipe"] == "document":
        return [
            "Each network is trained as its document trains it, on all samples that are not for "
            "testing; the documents hold no validation samples out.",
            "",
            *table(
                ("network", "document", "recipe"),
                [
                    [f"`{model}`", request["documents"][model], request["recipe_words"][model]]
                    for model in request["ran"]
                ],
            ),
        ]
    outcome = read_outcome()
    words = request["recipe_words"][request["ran"][0]].rpartition(",")[0]  # all but the loss
    winner = max(outcome, key=lambda candidate: candidate.mean)
    return [
        f"All networks share one recipe: {words}, torch's default first weights, the same order of "
        "samples per seed, and the negative log-likelihood that fits the network's outputs. The "
        f"optimiser was chosen from {len(outcome)} candidates by mean accuracy on the "
        "*validation* samples of digits, over "
        f"all image networks and {len(SEEDS)} seeds that no report uses by default; the test "
        "samples played no part (`python -m bench.choose` repeats it):",
        "",
        *table(
            ("candidate", "mean validation accuracy >", "lowest network >", "which"),
            [
                [
                    f"**{candidate.optimiser}**" if candidate is winner else candidate.optimiser,
                    percent(candidate.mean),
                    percent(candidate.lowest),
                    f"`{candidate.lowest_model}`",
                ]
                for candidate in outcome
            ],
        ),
    ]


def _baselines(results: Results) -> list[str]:
    if not any(results.baselines.values()):
        return []
    seen = (
        "on the numbers as they are"
        if results.request["dataset"] == "sums"
        else "on the pictures in grey at 28x28, pixels between 0 and 1"
    )
    return [
        f"Baselines: the logistic regression is scikit-learn's, {seen}, with its usual penalty "
        f"(C = 1), by L-BFGS until no entry of the gradient is above {TOLERANCE:g}; no setting of "
        "it was chosen on these data. Both baselines are fitted to the training samples that the "
        "networks have, and to no others.",
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
