"""The page on claims; the numbers on its cards are made again from `records.jsonl` alone."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import pytest

from bench.claims import ledger
from bench.claims.checks import Estimate, kinds
from bench.claims.evidence import Evidence
from bench.claims.judge import Decision, decide
from bench.claims.ledger import LEDGER, Claim
from bench.claims.scoreboard import SQUARES, scoreboard
from bench.claims.sentences import found

FOLDER = Path(__file__).parents[1] / "reports" / "claims"
ALL = ledger.load(LEDGER, kinds())
Json = dict[str, Any]


class Records:
    """The lines of `records.jsonl`, read by json alone: the latest of each run and probe."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[int, Json]] = defaultdict(dict)
        self.probes: dict[str, list[Json]] = defaultdict(list)
        for line in (FOLDER / "records.jsonl").read_text().splitlines():
            record = json.loads(line)
            if record["kind"] == "train" and record["status"] == "ok":
                self.runs[record["model"]][record["seed"]] = record
            elif "outcome" in record:
                self.probes[record["experiment"]].append(record)

    def last(self, model: str) -> list[float]:
        return [run["test_accuracy"] for _, run in sorted(self.runs[model].items())]

    def curve(self, model: str, epoch: int, field: int) -> list[float]:
        """What runs that did not diverge had after an epoch: of [epoch, examples, loss, right]."""
        return [
            point[field]
            for _, run in sorted(self.runs[model].items())
            for point in run["test_curve"]
            if point[0] == epoch and run.get("diverged_at") is None
        ]

    def of(self, probe: str, **subject: object) -> dict[int, Json]:
        """By seed, the latest outcome of a probe."""
        return {
            record["seed"]: record["outcome"]
            for record in self.probes[probe]
            if all(record[name] == value for name, value in subject.items())
        }


def percent(value: float) -> str:
    return f"{100 * value:.2f}%"


def tenths(value: float) -> str:
    return f"{100 * value:.1f}%"


def metric_card(records: Records) -> list[str]:
    return [percent(fmean(records.last(name))) for name in ("dnn-sums", "dnn-sums-that-learns")]


def softmax_card(records: Records) -> list[str]:
    once, twice = "lenet-rgb-one-softmax", "lenet-rgb-two-softmaxes"
    diverged = sum(
        run.get("diverged_at") is not None
        for name in (once, twice, f"{once}-slower", f"{twice}-slower")
        for run in records.runs[name].values()
    )
    documents = [
        run["test_accuracy"]
        for name in (once, twice)
        for run in records.runs[name].values()
        if run.get("diverged_at") is None
    ]
    said = [f"the best of all runs gets {percent(max(documents))} right"]
    if diverged:
        said.append(f"In {diverged} run")
    for name in (once, twice):
        early = records.curve(f"{name}-slower", 6, 3)
        assert len(early) == 10
        said += [f"{tenths(min(early))} to {tenths(max(early))}", tenths(fmean(early))]
    ends = [tenths(fmean(records.curve(f"{name}-slower", 60, 3))) for name in (once, twice)]
    return [*said, f"it is {ends[0]} against {ends[1]}"]


def resume_card(records: Records) -> list[str]:
    outcomes = records.of("resume").values()
    right, loaded = (fmean(o[way] for o in outcomes) for way in ("resumed", "loaded"))
    return [percent(right), percent(loaded), f"{100 * (right - loaded):.2f} points below"]


def momentum_card(records: Records) -> list[str]:
    arms = ("net", "net-without-momentum", "net-long-steps", "net-short-steps")
    return [f"{fmean(records.curve(arm, 1, 2)):.3f}" for arm in arms]


def dropout_card(records: Records) -> list[str]:
    said, test = [], {}
    for trial in ("net-without-dropout", "net"):
        outcomes = records.of("generalisation-gap", trial=trial).values()
        train = fmean(o["train_loss"] for o in outcomes)
        test[trial] = fmean(o["test_loss"] for o in outcomes)
        said += [f"{train:.4f}", f"{test[trial]:.4f}", f"{test[trial] - train:+.4f}"]
    apart = fmean(records.last("net")) - fmean(records.last("net-without-dropout"))
    return [*said, f"{100 * apart:+.2f} points"]


def rate_card(records: Records) -> list[str]:
    said = []
    for model in ("cnn", "cnn-slower"):
        right = records.last(model)
        said.append(f"{percent(min(right))} and {percent(max(right))}")
    falls = [
        before - after
        for run in records.runs["cnn"].values()
        for before, after in zip(
            [p[3] for p in run["test_curve"] if p[0] > 0][:-1],
            [p[3] for p in run["test_curve"] if p[0] > 0][1:],
            strict=True,
        )
    ]
    worse = [fall for fall in falls if fall > 0]
    return [*said, f"{len(worse)} of {len(falls)} epochs", f"{100 * max(worse):.2f} points"]


def selection_card(records: Records) -> list[str]:
    runs = records.runs["cnn"].values()
    best = [max(p[3] for p in run["test_curve"] if p[0] > 0) for run in runs]
    last = [run["test_accuracy"] for run in runs]
    gains = [b - a for b, a in zip(best, last, strict=True)]
    return [
        f"{percent(fmean(best))} instead of {percent(fmean(last))}",
        f"{100 * max(gains):.2f} points",
    ]


def work_card(_records: Records) -> list[str]:
    # 3 layers of n and n, then n to 3, n = 100 x 100. The CNNs have 439,753 to 527,713 parameters,
    # by the tests of the counting exercise.
    whole = 3 * (10**8 + 10**4) + 3 * 10**4 + 3
    return [f"{whole / 527_713:.0f} to {whole / 439_753:.0f} times as many parameters"]


def head_card(records: Records) -> list[str]:
    names = ("lenet-sigmoid-all-avg", "lenet-sigmoid", "lenet-sigmoid-max")
    return [percent(fmean(records.last(name))) for name in names]


def batch_card(records: Records) -> list[str]:
    seconds = records.probes["one-at-a-time"][-1]["outcome"]["seconds"]
    ratios = []
    for singly, together in zip(seconds["1"], seconds["1000"], strict=True):
        logs = [float(np.log(a / b)) for a, b in zip(singly, together, strict=True)]
        means = [(a + b) / 2 for i, a in enumerate(logs) for b in logs[i:]]
        ratios.append(median(means))
    return [f"{np.exp(fmean(ratios)):.1f} times as fast"]


CARDS: dict[str, Callable[[Records], list[str]]] = {
    "67% accuracy": metric_card,
    "A softmax before": softmax_card,
    "A continued network": resume_card,
    "Momentum gets": momentum_card,
    "Dropout narrows": dropout_card,
    "A learning rate": rate_card,
    "The best epoch": selection_card,
    "Fewer parameters": work_card,
    "Three layers": head_card,
    "Pictures tested": batch_card,
}


@pytest.mark.parametrize("title", CARDS)
def test_a_card_has_the_numbers_of_the_records(title: str) -> None:
    report = (FOLDER / "report.md").read_text()
    (card,) = (part for part in report.split("\n### ") if re.match(rf"\d+\. {title}", part))
    told = " ".join(card.split("**Instead:**")[0].split())
    for said in CARDS[title](Records()):
        assert said in told


def test_every_card_is_made_again() -> None:
    report = (FOLDER / "report.md").read_text()
    assert len(re.findall(r"^### \d+\. ", report, flags=re.MULTILINE)) == len(CARDS)


def test_no_table_outside_a_fold_is_wider_than_100_characters() -> None:
    report = (FOLDER / "report.md").read_text()
    outside = re.sub(r"<details>.*?</details>", "", report, flags=re.DOTALL)
    tables = [line for line in outside.splitlines() if line.startswith("|")]
    assert tables
    assert max(map(len, tables)) <= 100


def a_decision(name: str, **fields: Any) -> Decision:
    kind = fields.pop("kind", "exact")
    return Decision(
        claim=Claim(
            id=f"{name}/x",
            document=name,
            place="p",
            claim="c",
            kind=kind,
            verdict="reproduced",
            check="c",
        ),
        **fields,
    )


def test_every_claim_has_a_square_and_arithmetic_is_counted_apart_from_experiments() -> None:
    score = scoreboard(
        [
            a_decision("a", verdict="reproduced"),
            a_decision("a", verdict="contradicted"),
            a_decision("b", verdict="equivalent", kind="measured"),
            a_decision("b", verdict=None, kind="measured"),
            a_decision("b", verdict="misleading", kind="stochastic"),
        ]
    )
    assert [document.squares for document in score.documents] == ["🟩🟥", "🟦⬜🟧"]
    assert list(score.counts.values()) == [1, 1, 1, 1, 1]
    assert {kind: sum(counts.values()) for kind, counts in score.kinds.items()} == {
        "exact": 2,
        "stochastic": 1,
        "measured": 2,
    }
    assert len(set(SQUARES.values())) == len(SQUARES)


EXACT = [claim for claim in ALL if claim.found and claim.kind in ("exact", "requirement")]


@pytest.mark.parametrize("of", EXACT, ids=lambda of: of.id)
def test_what_was_found_is_a_sentence_and_no_tuple(of: Claim) -> None:
    said = found(Decision(claim=of, verdict=of.verdict, found=of.expected))
    assert re.match(r"[A-Z0-9].*[.?]|.*(yes|no)$", said)
    assert not re.search(r"[{}]|\bTrue\b|\bFalse\b|^\(", said)
    assert said != found(Decision(claim=of, verdict=of.verdict, found=[[1, 2]]))


def test_an_effect_is_told_with_its_interval_and_a_sentence_that_does_not_fit_is_left_out() -> None:
    effect = Estimate(name="a - b", value=0.0116, low=0.0028, high=0.0178, n=9, unit="pp", side=1)
    of = a_decision("a", verdict="reproduced", kind="measured", estimates=(effect,))
    assert found(of) == "a - b: +1.16 points [+0.28, +1.78]."
    for sentence in ("A is {0} better.", "A is {7} better."):
        claim = Claim(
            **{f: getattr(of.claim, f) for f in Claim.__struct_fields__} | {"found": sentence}
        )
        told = found(Decision(claim=claim, verdict="reproduced", estimates=(effect,)))
        assert told == (
            "A is +1.16 points [+0.28, +1.78] better." if "{0}" in sentence else found(of)
        )


def test_sharing_saves_parameters_and_no_multiplication() -> None:
    # By hand: 10 maps of 24x24, each of a 5x5 window and a bias, and 20 of 8x8 of 10x5x5.
    shared, work = (
        decide(
            next(claim for claim in ALL if claim.id == f"net-mnist/sharing-cuts-{what}"), NOTHING
        )
        for what in ("parameters", "work")
    )
    assert shared.found == [
        [10 * 26, 10 * 24 * 24 * 26, 5_760 * 785],
        [20 * 251, 20 * 8 * 8 * 251, 1_280 * 1_441],
    ]
    assert work.found == [
        [10 * 24 * 24 * 25, 10 * 24 * 24 * 25, 5_760 * 784],
        [20 * 8 * 8 * 250, 20 * 8 * 8 * 250, 1_280 * 1_440],
    ]
    assert (shared.verdict, work.verdict) == ("reproduced", "contradicted")


NOTHING = Evidence(runs={})
