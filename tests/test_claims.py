from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from msgspec import structs

import zoo
from bench.cells import data, machine
from bench.claims import ledger
from bench.claims.__main__ import main
from bench.claims.checks import CHECKS
from bench.claims.checks import kinds as check_kinds
from bench.claims.document_errors import ERRORS
from bench.claims.judge import needs_nothing
from bench.claims.ledger import LEDGER, Claim
from bench.claims.run import scope_of
from bench.claims.trials import as_documented, trials
from bench.records import kinds
from bench.records.errors import RequestError
from bench.records.store import Store, of_kind
from tests.factories import request_record
from tests.programs import outside_pytest, run_module

ROOT = Path(__file__).parents[1]
ALL = ledger.load(LEDGER, check_kinds())

PARAMETERS = """
[[claim]]
id = "notes/parameters"
document = "notes"
place = "page 1"
claim = "LeNet has 61,706 parameters."
kind = "exact"
check = "parameters"
model = "lenet"
expected = 61_706
verdict = "reproduced"
"""
ACCURACY = """
[[claim]]
id = "notes/accuracy"
document = "notes"
place = "page 2"
claim = "The DNN reaches 96.66%."
kind = "stochastic"
check = "accuracy"
model = "dnn"
expected = 0.9666
verdict = "within noise"
"""


def test_without_training_every_claim_has_a_row_and_what_is_undecided_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--no-training", "--reports", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    report = (tmp_path / "claims" / "report.md").read_text()
    table = pd.read_csv(tmp_path / "claims" / "claims.csv").set_index("claim")
    for claim in ALL:
        if needs_nothing(claim):
            assert table.verdict[claim.id] == claim.verdict
        else:
            assert f"undecided: {claim.id}: " in out
    assert "26 of 41 claims decided as the ledger has them" in out
    assert "> **15 claims undecided.**" in report


def test_a_verdict_that_differs_from_the_ledger_is_named_and_the_exit_code_is_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(PARAMETERS.replace("61_706", "61_707"))
    assert main(["--claims", str(own), "--reports", str(tmp_path)]) == 1
    line = "notes/parameters: found 61706, the ledger expects 61707"
    captured = capsys.readouterr()
    assert captured.err == f"differs: {line}\n"
    report = (tmp_path / "local-claims" / "report.md").read_text()
    assert "> **The ledger does not agree.** `notes/parameters`: found 61706" in report


def test_without_mnist_the_rest_is_decided_and_mnist_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unavailable(*_: object) -> None:
        raise RequestError("MNIST is not here")

    monkeypatch.setattr(data, "_download_mnist", unavailable)
    own = tmp_path / "own.toml"
    own.write_text(PARAMETERS + ACCURACY)
    places = ["--reports", str(tmp_path), "--data-root", str(tmp_path / "nowhere")]
    assert main(["--claims", str(own), *places]) == 1
    out = capsys.readouterr().out
    assert "note: mnist cannot be had: MNIST is not here" in out
    assert "undecided: notes/accuracy: dnn has not been trained on all its seeds" in out
    assert "1 of 2 claims decided as the ledger has them" in out


WRONG = {
    "no ledger": (["--claims", "nowhere.toml"], "the ledger 'nowhere.toml' cannot be read"),
    "no networks": (["--zoo", "nowhere.py"], "the networks in 'nowhere.py' cannot be added"),
    "jobs": (["--jobs", "0"], "argument --jobs: must be at least 1, not 0"),
    "a name that leaves the folder": (["--name", "../x"], "--name '../x' is no report name"),
    "an empty name": (["--name", ""], "--name '' is no report name"),
    "an option": (["--frobnicate"], "--frobnicate"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_is_one_line_and_nothing_written(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, message = WRONG[case]
    assert main([*arguments, "--no-training", "--reports", str(tmp_path / "reports")]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "reports").exists()


def test_the_suites_own_ledger_is_its_own_by_whatever_path_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    given = "bench/../bench/claims/claims.toml"
    main(["--no-training", "--claims", given, "--reports", str(tmp_path)])
    assert [folder.name for folder in tmp_path.iterdir()] == ["claims"]
    report = (tmp_path / "claims" / "report.md").read_text()
    assert "things that these tutorials get wrong" in report


def test_a_comparisons_folder_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path / "mine")
    store.append(request_record([], ["lenet"]))
    before = store.path.read_bytes()
    assert main(["--no-training", "--name", "mine", "--reports", str(tmp_path)]) == 2
    captured = capsys.readouterr()
    assert "/mine' holds the records of a comparison; choose another --name" in captured.err
    assert captured.err.count("\n") == 1
    assert store.path.read_bytes() == before
    assert [path.name for path in store.path.parent.glob("[!.]*")] == ["records.jsonl"]


def test_answering_one_class_is_looked_for_in_networks_of_the_sums_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    misleading = 'verdict = "misleading"\nmisleading = "answers-one-class"'
    own.write_text(ACCURACY.replace('verdict = "within noise"', misleading))
    assert main(["--no-training", "--claims", str(own), "--reports", str(tmp_path / "r")]) == 2
    captured = capsys.readouterr()
    assert "claim 'notes/accuracy': 'answers-one-class' is about networks that train on 'sums'" in (
        captured.err
    )
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("model", "message"),
    [('model = "lenet6"', "did you mean 'lenet'"), ("", "needs the field 'model'")],
)
def test_a_claim_about_an_unknown_network_is_a_wrong_request(
    model: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    for text in (PARAMETERS, ACCURACY):
        own.write_text(re.sub(r'model = ".*"', model, text))
        assert main(["--claims", str(own), "--reports", str(tmp_path / "reports")]) == 2
        captured = capsys.readouterr()
        assert message in captured.err
        assert captured.err.count("\n") == 1


def test_every_trial_and_probe_that_a_check_asks_for_exists() -> None:
    scope = scope_of(ALL, errors=ERRORS)
    assert {trial.name for trial in scope.trials} == set(trials())
    for claim in ALL:
        for name in filter(None, (claim.check, claim.misleading)):
            assert set(CHECKS[name].probes) <= {probe.name for probe in scope.probes}
    for trial in scope.trials:
        if trial.name in zoo.names():
            assert trial == replace(as_documented(zoo.get(trial.name)), seeds=trial.seeds)


@pytest.mark.parametrize("of", [claim for claim in ALL if claim.model], ids=lambda of: of.id)
def test_a_claim_that_lacks_its_network_is_found_before_anything_is_trained(of: Claim) -> None:
    for model, message in ((None, "needs the field 'model'"), ("lenet6", "unknown model 'lenet6'")):
        with pytest.raises(RequestError, match=message):
            scope_of([structs.replace(of, model=model)])


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A folder of reports with the evidence that comes with the project."""
    folder = tmp_path / "claims"
    folder.mkdir()
    shutil.copy(ROOT / "reports" / "claims" / "records.jsonl", folder)
    return tmp_path


def test_the_evidence_that_comes_with_the_project_decides_every_claim_on_any_machine(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = replace(machine.environment(), processor="Z80")
    monkeypatch.setattr(machine, "environment", lambda: elsewhere)
    assert main(["--no-training", "--reports", str(recorded)]) == 0
    assert "41 of 41 claims decided as the ledger has them" in capsys.readouterr().out
    report = (recorded / "claims" / "report.md").read_text()
    assert report.count("<picture>") == 11
    assert "not measured here" not in report
    for figure in re.findall(r'"(figures/.*?)"', report):
        assert (recorded / "claims" / figure).stat().st_size > 1_000


def only(*claims: str) -> str:
    """A ledger of some of the project's own claims."""
    each = LEDGER.read_text().split("[[claim]]\n")[1:]
    found = [text for text in each if any(f'id = "{claim}"\n' in text for claim in claims)]
    assert len(found) == len(claims)
    return "".join(f"[[claim]]\n{text}" for text in found)


def test_a_comment_in_a_networks_file_voids_no_evidence(recorded: Path) -> None:
    (recorded / "own.toml").write_text(only("lenet-relu/activation-helps", "dnn-cnn/dnn-accuracy"))
    for package in ("bench", "zoo"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, recorded / package, ignore=ignored)
    lenet = recorded / "zoo" / "lenet.py"
    lenet.write_text(lenet.read_text().replace("\n\n\n", "\n\n\n# A comment.\n\n\n", 1))
    assert "\n# A comment.\n" in lenet.read_text()
    run = subprocess.run(
        [
            *(sys.executable, "-m", "bench.claims", "--no-training"),
            *("--claims", "own.toml", "--name", "claims", "--reports", "."),
        ],
        cwd=recorded,
        env=outside_pytest(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "2 of 2 claims decided as the ledger has them" in run.stdout


@pytest.mark.parametrize("outside", [0.5, 1.1])
def test_a_stochastic_number_outside_its_interval_is_named(
    outside: float, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claims = ["dnn-cnn/sums-accuracy", "dnn-cnn/dnn-accuracy", "dnn-cnn/cnn-accuracy"]
    own = recorded / "own.toml"
    text = only(*claims)
    for number in ("0.6716666666666666", "0.9666", "0.9794"):
        assert f"expected = {number}\n" in text
        text = text.replace(f"expected = {number}\n", f"expected = {outside}\n")
    own.write_text(text)
    arguments = ["--no-training", "--claims", str(own), "--name", "claims"]
    assert main([*arguments, "--reports", str(recorded)]) == 1
    named = re.findall(r"^differs: (\S+):", capsys.readouterr().err, flags=re.MULTILINE)
    assert named == claims


def test_the_worked_example_of_a_document_of_your_own_works(tmp_path: Path) -> None:
    own = (ROOT / "docs" / "your-own-document.md").read_text()
    (networks,) = re.findall(r"```python\n(.*?)```", own, flags=re.DOTALL)[:1]
    (notes,) = re.findall(r"```toml\n(.*?)```", own, flags=re.DOTALL)[:1]
    (line,) = re.findall(r"^python -m bench.claims --claims.*$", own, flags=re.MULTILINE)[:1]
    (tmp_path / "my_networks.py").write_text(networks)
    (tmp_path / "my_claims.toml").write_text(notes)
    asked = line.removeprefix("python -m ").split()
    run = run_module(*asked, "--reports", "reports", "--jobs", "2", folder=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "2 of 2 claims decided as the ledger has them" in run.stdout
    trained = of_kind(Store(tmp_path / "reports" / "local-claims").read(), kinds.Train)
    assert sorted(record.seed for record in trained) == list(range(1, 11))
    assert {record.status for record in trained} == {"ok"}
