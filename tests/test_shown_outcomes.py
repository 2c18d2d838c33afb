"""What has come of a run is shown where its number would stand, and counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.report.write import render
from bench.results.runs import read
from bench.results.table import results_table
from tests.factories import SEEDS, stored, train_record


def test_a_run_that_did_not_go_well_is_counted_and_its_outcome_stands_for_its_number(
    tmp_path: Path,
) -> None:
    gone: dict[str, Any] = {"test_accuracy": None, "misclassified": []}
    late = {"status": "timed out", "error": "not finished after 3 s; give it longer", **gone}
    records = [
        *(train_record("lenet", seed, 390, **(late if seed == 2 else {})) for seed in SEEDS),
        *(train_record("net", seed, 380, **late) for seed in SEEDS),
        *(train_record("dnn", seed, 380, diverged_at=5) for seed in SEEDS),
    ]
    store = stored(tmp_path, records, ["lenet", "net", "dnn"])
    results = read(store)
    text = render(results, {})
    lenet, net, dnn = (
        next(line for line in text.splitlines() if line.startswith(f"| `{name}`"))
        for name in ("lenet", "net", "dnn")
    )
    assert "2 of 3; 1 timed out" in lenet
    assert "0 of 3; 3 timed out" in net
    assert net.split("|")[2].strip() == "timed out"
    assert "3; 3 diverged" in dnn
    assert dnn.split("|")[2].strip() == "diverged"
    assert "- `lenet` on cpu, seed 2: timed out, not finished after 3 s; give it longer" in text
    status = results_table(results).set_index("model")["status"]
    assert dict(status) == {"lenet": "timed out", "net": "timed out", "dnn": "ok"}


def test_a_lost_worker_is_told(tmp_path: Path) -> None:
    records = [
        *(train_record("lenet", seed, 390, lost_workers=int(seed == 2)) for seed in SEEDS),
        *(train_record("net", seed, 380) for seed in SEEDS),
    ]
    store = stored(tmp_path, records, ["lenet", "net"])
    text = " ".join(render(read(store), {}).split())
    assert "The process of 1 run ended before it had answered" in text
    assert "with nothing beside it: `lenet` seed 2 on cpu." in text
