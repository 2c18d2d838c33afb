"""The notebook of the documentation: its cells run, and what is stored beside them is whole."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.programs import REPOSITORY

NOTEBOOK = REPOSITORY / "docs" / "from-python.ipynb"
# Folders of some machine, drives of Windows, and addresses of objects, which no two runs share.
OF_A_MACHINE = re.compile(r"/(home|root|tmp|Users|usr|opt|work|private|var)/|[A-Z]:\\\\|at 0x")
FINISHED = "digits-common-cpu"


def code_cells() -> list[dict[str, Any]]:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.fixture
def beside_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder like `docs`, with the finished report that the notebook opens beside it."""
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / FINISHED).symlink_to(REPOSITORY / "reports" / FINISHED)
    docs = tmp_path / "docs"
    docs.mkdir()
    monkeypatch.chdir(docs)
    return docs


def test_the_cells_run_one_after_the_other(
    beside_reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in code_cells():
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
    untrained, trained = (
        int(re.search(r"(\d+) of 360", line)[1])  # type: ignore[index]
        for line in capsys.readouterr().out.splitlines()
    )
    runs = names["result"].records.set_index(["model", "seed"]).sort_index()
    right = runs["test_accuracy"]["lenet", 1] * 360
    assert trained == round(right)
    assert untrained < 120 < trained
    assert (beside_reports.parent / "reports" / "local-from-python" / "report.md").is_file()


def test_every_cell_is_stored_with_its_output_and_none_with_an_error() -> None:
    cells = code_cells()
    assert [cell["execution_count"] for cell in cells] == [*range(1, len(cells) + 1)]
    for cell in cells:
        (output,) = cell["outputs"]
        assert output["output_type"] in ("execute_result", "stream"), cell["id"]
        assert output.get("name", "stdout") == "stdout", cell["id"]
    shown = {cell["id"]: {*cell["outputs"][0].get("data", ())} for cell in cells}
    assert {"text/html", "text/plain"} <= shown["run"]
    assert "image/png" in shown["accuracy"]


def test_the_notebook_holds_no_path_of_a_machine() -> None:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop("image/png", None)  # base64 holds every word
    found = OF_A_MACHINE.search(json.dumps(notebook, ensure_ascii=False))
    assert found is None, found


@pytest.mark.slow
def test_a_kernel_of_jupyter_runs_it_from_its_beginning_to_its_end(beside_reports: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    client = nbclient.NotebookClient(
        notebook, timeout=300, resources={"metadata": {"path": str(beside_reports)}}
    )
    client.execute()
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    assert "error" not in {output["output_type"] for output in outputs}
