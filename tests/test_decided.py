"""What exact checks find of a run's networks, and where they are made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bench.cells.processes import ProcessEndedError
from bench.claims import ledger
from bench.claims.checks import kinds
from bench.claims.ledger import LEDGER
from bench.report import decided
from bench.results.runs import Results
from tests.factories import request_record

RESUME = "net-mnist/resume"  # its check makes an optimiser


@pytest.fixture
def results() -> Results:
    """A run of `net` of which nothing was found yet."""
    request = request_record([], ["net"])
    return Results(request=request, runs=(), speeds={}, counts={}, failures=())


def test_every_check_of_a_runs_networks_finds_what_the_ledger_expects_and_only_once(
    results: Results,
) -> None:
    found = {finding.claim: finding for finding in decided.findings(results)}
    claims = {claim.id: claim for claim in ledger.load(LEDGER, kinds())}
    assert RESUME in found
    for name, finding in found.items():
        assert claims[name].model == "net"
        assert finding.value == claims[name].expected
    assert [*decided.findings(replace(results, findings=found))] == []


def test_where_the_process_of_a_check_is_ended_the_report_decides_the_claim_itself(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(_: Any, items: list[Any], *_rest: Any, **_guard: Any) -> Iterator[Any]:
        yield items[0], ProcessEndedError("killed")

    monkeypatch.setattr(decided, "run_all", end)
    found = {finding.claim: finding for finding in decided.findings(results)}
    assert found
    assert RESUME not in found
    said = {decision.claim.id: decision for decision in decided.decisions(results)}
    assert said[RESUME].verdict is not None
    assert not said[RESUME].drift
