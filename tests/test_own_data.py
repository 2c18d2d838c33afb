"""Folders of pictures and tables: how they are read, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import zoo
from bench import compare
from bench.cells.fitting import read
from bench.cells.named import NamedDataset
from bench.cells.plan import Request, plan
from bench.records.errors import RequestError
from bench.records.store import Store
from bench.results.runs import read as read_results

LENET = zoo.get("lenet")
ADAPTABLE = """
from torch import nn
from zoo import model

@model(input_shape=(1, 8, 8))
def small(classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))

@model(input_shape=(2,))
def rows(classes: int = 3) -> nn.Module:
    return nn.Linear(2, classes)
"""


@pytest.fixture(autouse=True)
def registry_as_before() -> Iterator[None]:
    with zoo.temporary():
        yield


def named(name: str, root: Path = Path("nowhere")) -> NamedDataset:
    found = read(name, data_root=root, seed=0)
    assert isinstance(found, NamedDataset)
    return found


def write_tree(folder: Path, counts: dict[str, int]) -> Path:
    """Pictures of one colour in a folder for each class."""
    for shade, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            colour = (40 * shade, 100, number)
            Image.new("RGB", (9, 7), colour).save(folder / name / f"{number}.png")
    return folder


def test_a_tree_is_split_in_each_class_and_always_alike(tmp_path: Path) -> None:
    write_tree(tmp_path, {"ant": 30, "bee": 10, "cat": 2})
    found = named(f"folder:{tmp_path}")
    assert found.class_names == ("ant", "bee", "cat")
    counts = [
        np.bincount(found.labels[part], minlength=3).tolist()
        for part in (found.train, found.validation, found.test)
    ]
    # a fifth of 30, 10 and 2, one at least; a twelfth of 24, 8 and 1, rounded
    assert counts == [[22, 7, 1], [2, 1, 0], [6, 2, 1]]
    assert named(f"folder:{tmp_path}").checksum == found.checksum


def test_classes_and_pictures_are_those_of_torchvisions_image_folder(tmp_path: Path) -> None:
    from torchvision.datasets import ImageFolder

    write_tree(tmp_path, {"train/b": 12, "train/a": 12, "test/b": 2, "test/a": 2})
    for side, part in enumerate(("train", "test"), start=5):
        (tmp_path / part / "a" / "inner").mkdir()
        Image.new("L", (side, side)).save(tmp_path / part / "a" / "inner" / "x.PGM", "ppm")
        (tmp_path / part / "a" / "notes.txt").write_text("no picture")
    found = named(f"folder:{tmp_path}")
    theirs = [ImageFolder(str(tmp_path / part)) for part in ("train", "test")]
    labels = [label for part in theirs for _, label in part.samples]
    assert found.labels.tolist() == labels
    assert list(found.class_names) == theirs[0].classes
    for ours, (path, _) in zip(found.samples, theirs[0].samples + theirs[1].samples, strict=True):
        with Image.open(path) as picture:
            assert np.array_equal(np.asarray(ours), np.asarray(picture.convert("RGB")))
    assert found.test.tolist() == list(range(len(theirs[0]), len(labels)))


def as_it_is(_folder: Path) -> None:
    """Spoils nothing."""


@pytest.mark.parametrize(
    ("counts", "how", "says"),
    [
        ({}, as_it_is, "has no class; two are the least"),
        ({"ant": 3}, as_it_is, "one class alone, 'ant'"),
        ({"ant": 3, "bee": 1}, as_it_is, "bee' has 1 picture, and 2 are the least"),
        ({"ant": 3, "bee": 2}, lambda p: (p / "cat").mkdir(), "cat' has no pictures"),
        ({"train/ant": 2, "train/bee": 2}, as_it_is, "none called 'test'"),
        ({"train/a": 2, "train/b": 2, "test/a": 1}, as_it_is, "train' alone has the class 'b'"),
        ({"ant": 3, "bee": 2}, lambda p: (p / "bee" / "0.png").write_text("x"), "bee/0.png' is no"),
        ({"train/a": 2, "test/a": 2, "other": 1}, as_it_is, "a folder 'other' beside"),
    ],
)  # fmt: skip
def test_a_folder_that_is_not_right_is_refused_in_one_line(
    tmp_path: Path, counts: dict[str, int], how: Callable[[Path], object], says: str
) -> None:
    write_tree(tmp_path, counts)
    how(tmp_path)
    with pytest.raises(RequestError, match=says) as error:
        named(f"folder:{tmp_path}")
    assert "\n" not in str(error.value)


def test_a_picture_for_training_and_for_testing_is_refused_with_both_names(tmp_path: Path) -> None:
    write_tree(tmp_path, {"train/a": 3, "train/b": 2, "test/a": 2, "test/b": 2})
    assert len(named(f"folder:{tmp_path}").test) == 4
    (tmp_path / "test/b/copy.png").write_bytes((tmp_path / "train/a/1.png").read_bytes())
    says = r"train/a/1.png' and '.*test/b/copy.png' are the same picture.* 1 of 5 test pictures"
    with pytest.raises(RequestError, match=says):
        named(f"folder:{tmp_path}")
    (tmp_path / "test/b/copy.png").rename(tmp_path / "train/a/copy.png")  # twice in training
    assert len(named(f"folder:{tmp_path}").test) == 4


def test_pictures_that_do_not_fit_into_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, {"ant": 3, "bee": 3})
    # A picture takes 4 x 9 x 7 = 252 bytes. Half of 1,500 bytes is 750: the third is too much.
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1_500))
    with pytest.raises(RequestError, match=r"the 6 pictures in .* the first 3 take 0\.0 GiB"):
        named(f"folder:{tmp_path}")


@pytest.mark.parametrize("place", ["nowhere", "nul\0l", "x" * 400])
def test_no_folder_and_no_file_are_refused(place: str) -> None:
    with pytest.raises(RequestError, match="no folder"):
        plan(Request(models=("lenet",), dataset=f"folder:{place}"))
    with pytest.raises(RequestError, match="no file"):
        plan(Request(models=("dnn-sums",), dataset=f"table:{place}.csv"))


def test_a_network_of_a_document_says_what_it_has_and_what_the_data_ask_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tree(tmp_path / "data", {"ant": 4, "bee": 4})
    asked = ["--models", "lenet", "--dataset", f"folder:{tmp_path / 'data'}"]
    assert compare.main([*asked, "--reports", str(tmp_path / "reports")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "'lenet' has 10 classes, 'folder:" in line
    assert "has 2; leave it out" in line
    assert not (tmp_path / "reports").exists()


def test_networks_that_can_have_as_many_outputs_as_the_data_have_classes(tmp_path: Path) -> None:
    write_tree(tmp_path / "data", {"ant": 4, "bee": 4, "cat": 4})
    (tmp_path / "my.py").write_text(ADAPTABLE)
    with zoo.temporary():
        zoo.add(tmp_path / "my.py")
        models = ("small", "torchvision:resnet18")
        cells = plan(Request(models=models, dataset=f"folder:{tmp_path / 'data'}")).first_cells
        assert [cell.spec.classes for cell in cells.values()] == [3, 3]
        import torch

        for cell in cells.values():
            inputs = torch.zeros(2, *cell.spec.input_shape)
            assert cell.spec.build().eval()(inputs).shape == (2, 3)
        assert zoo.get("small").classes == 10
        assert plan(Request(models=("small",))).first_cells["small"].spec is zoo.get("small")


def write_table(path: Path, text: str) -> str:
    path.write_text(text)
    return f"table:{path}"


ROWS = "a,b,kind\n" + "".join(f"{i},{i * i},{'yes' if i % 2 else 'no'}\n" for i in range(20))


def test_a_tables_features_have_mean_0_and_deviation_1_in_the_training_rows(tmp_path: Path) -> None:
    found = named(write_table(tmp_path / "my.csv", ROWS))
    assert isinstance(found.samples, np.ndarray)
    assert found.samples.dtype == np.float32
    assert found.class_names == ("no", "yes")
    assert found.labels.tolist() == [0, 1] * 10
    learned = found.samples[found.train]
    np.testing.assert_allclose(learned.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(learned.std(axis=0), 1, atol=1e-6)
    # The first feature is 0 to 19 in order: shifted and scaled, its steps stay equal.
    np.testing.assert_allclose(np.diff(found.samples[:, 0], 2), 0, atol=1e-5)
    assert [len(part) for part in (found.train, found.validation, found.test)] == [14, 2, 4]


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    import pandas as pd

    csv = named(write_table(tmp_path / "my.csv", ROWS))
    pd.read_csv(tmp_path / "my.csv").to_parquet(tmp_path / "my.parquet")
    parquet = named(f"table:{tmp_path / 'my.parquet'}")
    assert parquet.checksum == csv.checksum


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be read"),
        ("a,b,kind\n", "has no rows"),
        ("a,b,kind\n1,red,x\n2,3,x\n", "'red' in row 1 of the column 'b', which is no number"),
        ("a,b,kind\n1,2,x\n2,,x\n", "nothing in row 2 of the column 'b'"),
        ("a,b,kind\n1,inf,x\n2,2,x\n", "'inf' in row 1"),
        ("a,b,kind\n1,2,x\n2,3,y\n4,5,y\n", "one row of the class 'x'"),
        ("a,b,kind\n1,2,x\n2,3,x\n", "one class alone, 'x'"),
        ("a,b,kind\n1,2,x\n2,3,\n", "no class in row 2"),
        ("kind\nx\ny\n", "has one column"),
        ("1,2,0\n3,4,1\n", "begins with a row of numbers"),
    ],
)
def test_a_table_that_is_not_right_is_refused_in_one_line(
    tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(RequestError, match=says) as error:
        named(write_table(tmp_path / "my.csv", text))
    assert "\n" not in str(error.value)
    assert "my.csv" in str(error.value)


def test_a_table_of_another_ending_or_of_a_pickle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"\.csv or \.parquet"):
        named(write_table(tmp_path / "my.pkl", "x"))


def test_a_table_asks_for_its_own_number_of_features(tmp_path: Path) -> None:
    table = write_table(tmp_path / "my.csv", ROWS)
    with pytest.raises(RequestError, match=r"'dnn-sums' takes 3 input, .* rows of 2 numbers"):
        plan(Request(models=("dnn-sums",), dataset=table))
    three = write_table(tmp_path / "three.csv", "a,b,c,kind\n" + 2 * "1,2,3,x\n4,5,6,y\n")
    with pytest.raises(RequestError, match=r"'dnn-sums' has 3 classes, .* has 2"):
        plan(Request(models=("dnn-sums",), dataset=three))


def test_a_run_on_a_folder_names_the_classes_in_its_report(tmp_path: Path) -> None:
    write_tree(tmp_path / "insects", {"ant": 10, "bee": 10})
    (tmp_path / "my.py").write_text(ADAPTABLE)
    reports = tmp_path / "reports"
    asked = ["--models", "small", "--zoo", str(tmp_path / "my.py"), "--seeds", "2"]
    where = ["--dataset", f"folder:{tmp_path / 'insects'}", "--reports", str(reports)]
    fast = ["--set", "epochs=1", "--devices", "cpu", "--jobs", "1", "--rounds", "0", "--quiet"]
    assert compare.main([*asked, *where, *fast]) == 0
    text = (reports / "local-folder-insects-common-with-epochs-1" / "report.md").read_text()
    assert "folder:insects" in text
    assert "`epochs = 1`" in text
    # Other pictures in a folder of the same name: nothing of the first run is taken for them.
    write_tree(tmp_path / "others" / "insects", {"ant": 12, "bee": 12})
    where[1] = f"folder:{tmp_path / 'others' / 'insects'}"
    assert compare.main([*asked, *where, *fast]) == 0
    found = read_results(Store(reports / "local-folder-insects-common-with-epochs-1"))
    # Of each 12 pictures a fifth, 2, are for testing, and of 10 others a twelfth, 1, for
    # validation: 9 are left; of 10 pictures 7 were.
    assert {cell.train_samples for runs in found.runs for cell in runs.cells.values()} == {18}


@pytest.mark.parametrize("name", ["cifar", "folder:", "table", "usps:x", "Fashion-MNIST"])
def test_an_unknown_data_set_is_refused_with_all_that_are_there(name: str) -> None:
    with pytest.raises(RequestError, match=r"choose one of digits, mnist, sums, fashion-mnist"):
        plan(Request(models=("lenet",), dataset=name))
