"""Every number on the first screen of the committed reports, computed again from their records.

With pandas and numpy, from the lines of `records.jsonl` alone: nothing of what makes the reports.
"""

from __future__ import annotations

import base64
import json
import re
import tomllib
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

from bench.records.store import Store
from bench.report.write import render
from bench.results.runs import read

REPOSITORY = Path(__file__).parents[1]
REPORTS = ("digits-common-cpu", "mnist-common-cpu", "mnist-document-cpu")
Matrix = NDArray[np.float64]


RATES = (0.0003, 0.001, 0.003, 0.01)  # of the committed sweeps


class Recomputed:
    """A run's numbers, from its lines."""

    def __init__(self, folder: Path) -> None:
        lines = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
        self.request = [line for line in lines if line["kind"] == "request"][-1]
        latest = {line["key"]: line for line in lines}
        own = [latest[key] for key in self.request["keys"] if key in latest]
        self.train = pd.DataFrame([line for line in own if line["kind"] == "train"])
        self.timing = pd.DataFrame([line for line in own if line["kind"] == "timing"])
        self.count = pd.DataFrame([line for line in own if line["kind"] == "count"])
        self.count = self.count.set_index("model")
        self.reference = pd.DataFrame([line for line in own if line["kind"] == "baseline"])
        self.rates = pd.DataFrame(
            [line for line in lines if line.get("experiment") == "learning-rate"]
        )
        self.baseline = self.request["baseline"]
        self.samples = int(self.train.test_samples.iloc[0])

    def right(self, model: str) -> Matrix:
        """(seeds, samples), 1 where it is right."""
        rows = []
        for wrong in self.train[self.train.model == model].sort_values("seed").misclassified:
            row = np.ones(self.samples)
            row[positions(wrong)] = 0
            rows.append(row)
        return np.array(rows)

    def mean(self, model: str) -> float:
        return float(self.train[self.train.model == model].test_accuracy.mean())

    def arm(self, model: str) -> float:
        """The longer side of the 95% interval for other seeds and samples, on the logit scale.

        Two-way analysis of variance without replication: the variance of the grand mean is
        (MS seeds + MS samples - MS residual) / (S N), with Satterthwaite's degrees of freedom.
        """
        x = self.right(model)
        s, n = x.shape
        grand = x.mean()
        by_seed, by_sample = x.mean(axis=1, keepdims=True), x.mean(axis=0, keepdims=True)
        ms_seed = n * ((by_seed - grand) ** 2).sum() / (s - 1)
        ms_sample = s * ((by_sample - grand) ** 2).sum() / (n - 1)
        ms_rest = ((x - by_seed - by_sample + grand) ** 2).sum() / ((s - 1) * (n - 1))
        total = max(ms_seed - ms_rest, 0) + max(ms_sample - ms_rest, 0) + ms_rest
        freedoms = total**2 / (
            ms_seed**2 / (s - 1) + ms_sample**2 / (n - 1) + ms_rest**2 / ((s - 1) * (n - 1))
        )
        half = stats.t.ppf(0.975, freedoms) * np.sqrt(total / (s * n)) / (grand * (1 - grand))
        centre = np.log(grand / (1 - grand))
        low, high = (1 / (1 + np.exp(-(centre + side * half))) for side in (-1, 1))
        return float(max(grand - low, high - grand))

    def seconds(self, model: str, phase: str) -> Matrix:
        """(processes, rounds), per sample."""
        chosen = self.timing[(self.timing.model == model) & (self.timing.phase == phase)]
        row = chosen[chosen.deterministic].iloc[0]
        blocks: Matrix = np.array(row.block_seconds) / (row.batch * row.steps_per_block)
        if int(row.get("processes", 1) or 1) == 1 or np.isnan(row.get("processes", np.nan)):
            blocks = np.exp(np.log(blocks).mean(axis=0, keepdims=True))
        return blocks

    def speed(self, model: str, phase: str) -> float:
        """Times as fast as the baseline: the median of all means of two differences of logs."""
        logs = np.log(self.seconds(self.baseline, phase)) - np.log(self.seconds(model, phase))
        centres = []
        for row in logs:
            means = (row[:, None] + row[None, :]) / 2
            centres.append(np.median(means[np.triu_indices(len(row))]))
        return float(np.exp(np.mean(centres)))

    def memory(self, model: str) -> float:
        chosen = self.timing[(self.timing.model == model) & (self.timing.phase == "train")]
        return float(chosen[chosen.deterministic].peak_memory_bytes.iloc[0])

    def accuracies(
        self, activation: str, rate: float, of: str = "test_accuracy"
    ) -> NDArray[np.float64]:
        """Of both poolings, (2, seeds)."""
        found = []
        for pooling in ("avg", "max"):
            name = f"lenet5-{activation}-{pooling}"
            rows = self.rates[(self.rates.model == name) & (self.rates.rate == rate)]
            if rows.empty:
                rows = self.train[self.train.model == name]
            found.append(rows.sort_values("seed")[of].to_numpy())
        return np.array(found)

    def best(self, activation: str, pooling: int) -> tuple[float, float]:
        """The rate with the highest mean validation accuracy, and the mean test accuracy at it."""
        rate = max(
            RATES,
            key=lambda r: self.accuracies(activation, r, "validation_accuracy")[pooling].mean(),
        )
        return rate, float(self.accuracies(activation, rate)[pooling].mean())


def positions(wrong: Any) -> list[int]:
    """Of the wrong samples: a list of pairs, or bits behind four bytes with their number."""
    if isinstance(wrong, list):
        return [position for position, _ in wrong]
    content = zlib.decompress(base64.b64decode(wrong))
    size = int.from_bytes(content[:4], "little")
    bits = np.frombuffer(content[4 : 4 + size], dtype=np.uint8)
    return [int(position) for position in np.flatnonzero(np.unpackbits(bits, bitorder="little"))]


def short(number: float) -> str:
    """Three digits and a letter."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if number >= size:
            value = number / size
            return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}{letter}"
    return f"{number:.0f}"


def three_digits(ratio: float) -> str:
    return f"{ratio:.{0 if ratio >= 100 else 1 if ratio >= 10 else 2 if ratio >= 1 else 3}f}"


@pytest.fixture(scope="module", params=REPORTS)
def screen(request: pytest.FixtureRequest) -> tuple[Recomputed, str]:
    folder = REPOSITORY / "reports" / request.param
    text = render(read(Store(folder)), {}).partition("\n## ")[0]
    return Recomputed(folder), text


def table_of(text: str) -> pd.DataFrame:
    rows = [line.strip("|\n").split("|") for line in text.splitlines() if line.startswith("|")]
    head, _, *cells = [[cell.strip() for cell in row] for row in rows]
    table = pd.DataFrame(cells, columns=head)
    table["network"] = table["network"].str.strip("`*")
    return table.set_index("network")


def test_every_number_of_the_table(screen: tuple[Recomputed, str]) -> None:
    run, text = screen
    table = table_of(text)
    references = {"regression": "logistic regression", "majority": "largest class"}
    decimals = len(table["% right"].iloc[0].split(" ")[0].partition(".")[2])
    for name, row in table.iterrows():
        if name in references:
            found = run.reference[run.reference.baseline == references[str(name)]].iloc[0]
            assert row["% right"] == f"{100 * found.test_accuracy:.{decimals}f}"
            assert row["errors"] == f"{10_000 * (1 - found.test_accuracy):,.0f}"
            if name == "regression":
                assert row["params"] == short(found.parameters)
            continue
        model = str(name)
        mean, arm = 100 * run.mean(model), 100 * run.arm(model)
        shown = [float(number) for number in row["% right"].split(" ± ")]
        # A mean of 97.825 may be rounded either way.
        assert shown == pytest.approx([mean, arm], abs=0.5 * 10**-decimals + 1e-9)
        assert float(row["errors"]) == pytest.approx(10_000 * (1 - run.mean(model)), abs=0.5 + 1e-6)
        assert row["params"] == short(run.count.module_parameters[model])
        assert row["MACs"] == short(run.count.macs[model])
        train, inference = (run.speed(model, phase) for phase in ("train", "inference"))
        assert row["speed"].strip("~") == f"{train:.2f}/{inference:.2f}"
        assert row["MiB"] == f"{run.memory(model) / 2**20:.1f}"
    # The best first, and every network of the run once: equal weights are one network.
    models = [str(name) for name in table.index if name not in references]
    means = [run.mean(model) for model in models]
    assert means == sorted(means, reverse=True)
    asked = run.train[~run.train.model.str.endswith("-permuted")]  # those are a control
    digests = asked.groupby("model").weights_sha256.apply(lambda found: tuple(sorted(found)))
    assert len(models) == digests.nunique()
    networks, names, runs = len(models), len(digests), run.train.groupby("model").size().max()
    under = f" (under {names} names)" if names != networks else ""
    assert f"{networks} networks{under}, {runs} training runs each" in text


def test_the_title_counts_the_verdicts_of_the_table(screen: tuple[Recomputed, str]) -> None:
    run, text = screen
    table = table_of(text)
    verdicts = table[f"vs `{run.baseline}`"]
    title = text.splitlines()[0]
    worse = list(verdicts.index[verdicts == "worse"])
    better = list(verdicts.index[verdicts == "better"])
    rivals = len(table) - 1 - sum(verdicts == "")
    for models in (worse, better):
        said = f"{len(models)} of {rivals}" if len(models) > 3 else ""
        assert said in title
        assert all(f"`{model}`" in title for model in models if not said)
    # No verdict without the difference: the mean lies on the side that it says.
    baseline = run.mean(run.baseline)
    assert all(run.mean(model) < baseline for model in worse)
    assert all(run.mean(model) > baseline for model in better)


def test_every_number_of_the_findings(screen: tuple[Recomputed, str]) -> None:
    run, text = screen
    bullets = [line for line in text.splitlines() if line.startswith("- ")]
    assert 3 <= len(bullets) <= 5
    for bullet in bullets:
        names = re.findall(r"`([^`]+)`", bullet)
        numbers = re.findall(r"\d[\d,]*\.?\d*(?<![.,])", re.sub(r"`[^`]+`", "", bullet))
        assert numbers == expected_numbers(run, bullet, names), bullet


ACTIVATIONS = ("sigmoid", "relu", "tanh")
Accuracies = dict[str, Matrix]  # by activation, (poolings, seeds)


def relu_and_sigmoid(found: Accuracies) -> tuple[Matrix, Matrix]:
    return found["relu"], found["sigmoid"]


def max_and_average(found: Accuracies) -> tuple[Matrix, Matrix]:
    stacked = np.stack([found[name] for name in ACTIVATIONS])
    return stacked[:, 1], stacked[:, 0]


FACTORS = {"Is ReLU better": relu_and_sigmoid, "Is max pooling better": max_and_average}


def expected_numbers(run: Recomputed, bullet: str, names: list[str]) -> list[str]:
    if " leads with " in bullet:
        return expected_of_leader(run, bullet, names[0])
    for question, sides in FACTORS.items():
        if question in bullet:
            return expected_of_rates(run, sides)
    if "logistic regression" in bullet:
        chosen = run.reference[run.reference.baseline == "logistic regression"]
        regression = float(chosen.test_accuracy.iloc[0])
        assert all(run.mean(model) <= regression for model in names)
        assert sum(run.mean(m) <= regression for m in networks_once(run)) == len(names)
        return [f"{100 * regression:.2f}"]
    if " times the parameters of " in bullet:
        parameters = run.count.module_parameters
        errors = (1 - run.mean(names[0])) / (1 - run.mean(names[1]))
        ratio = parameters[names[0]] / parameters[names[1]]
        return [three_digits(ratio), three_digits(errors)]
    if " times as fast as " in bullet:
        phases = ("train", "inference") if "answers" in bullet else ("train",)
        return [three_digits(run.speed(names[0], phase)) for phase in phases]
    if "tutorials print" in bullet:
        with (REPOSITORY / "bench" / "claims" / "claims.toml").open("rb") as file:
            claims = tomllib.load(file)["claim"]
        printed = {c["model"]: c["expected"] for c in claims if c.get("check") == "accuracy"}
        return [f"{100 * printed[name]:.2f}" for name in names]
    if "more accurate than" in bullet:
        return [f"{100 * abs(run.mean(names[0]) - run.mean(names[1])):.2f}"]
    if " says little" in bullet:
        accuracies = run.train[run.train.model == names[0]].test_accuracy
        ends = (f"{100 * accuracies.min():.2f}", f"{100 * accuracies.max():.2f}")
        return [str(len(accuracies)), *ends]
    raise AssertionError(f"a finding that this test does not know: {bullet}")


def expected_of_leader(run: Recomputed, bullet: str, model: str) -> list[str]:
    mean = run.mean(model)
    errors = (1 - mean) * run.samples
    said = f"{errors:.0f}" if errors >= 20 else f"{errors:.1f}"
    numbers = [f"{100 * mean:.2f}", f"{run.samples:,}", said]
    if "others may be luck" in bullet:
        numbers += re.findall(r"(\d+) of (\d+) others", bullet)[0]
    return numbers


def networks_once(run: Recomputed) -> list[str]:
    digests = run.train.groupby("model", sort=False).weights_sha256.apply(
        lambda found: tuple(sorted(found))
    )
    return list(digests.drop_duplicates().index)


def expected_of_rates(
    run: Recomputed, sides: Callable[[Accuracies], tuple[Matrix, Matrix]]
) -> list[str]:
    numbers = []
    for rate in RATES:
        ours, theirs = sides({of: run.accuracies(of, rate) for of in ACTIVATIONS})
        ours_lost, theirs_lost = ((found <= 0.2).sum() for found in (ours, theirs))
        numbers.append(f"{rate:g}")
        if ours_lost or theirs_lost:
            numbers += [str(theirs_lost), str(theirs.size), str(ours_lost)]
        else:
            numbers.append(f"{100 * abs(ours.mean() - theirs.mean()):.2f}")
    best = {(name, pooling): run.best(name, pooling) for name in ACTIVATIONS for pooling in (0, 1)}
    if len({rate for rate, _ in best.values()}) > 1:
        means = {n: np.array([[best[n, pooling][1]] for pooling in (0, 1)]) for n in ACTIVATIONS}
        ours, theirs = sides(means)
        numbers.append(f"{100 * abs(ours.mean() - theirs.mean()):.2f}")
    return numbers


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_readmes_answers_are_those_of_the_reports(name: str) -> None:
    def lead(report: str, rate: float, sides: Callable[[Accuracies], tuple[Matrix, Matrix]]) -> str:
        run = Recomputed(REPOSITORY / "reports" / report)
        ours, theirs = sides({of: run.accuracies(of, rate) for of in ACTIVATIONS})
        return f"{100 * (ours.mean() - theirs.mean()):.2f}"

    text = (REPOSITORY / name).read_text(encoding="utf-8")
    answers = text[text.index("sigmoid 还是 ReLU" if "zh" in name else "**Sigmoid or ReLU?") :]
    answers = answers[: answers.index("](reports/README.md#sigmoid")]
    assert re.findall(r"\d+\.\d+", answers) == [
        lead("mnist-common-cpu", 0.003, relu_and_sigmoid),
        lead("digits-common-cpu", 0.003, relu_and_sigmoid),
        lead("mnist-common-cpu", 0.003, max_and_average),
        lead("mnist-common-cpu", 0.0003, max_and_average),
    ]
