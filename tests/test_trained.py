"""Trained networks of a report in use: loaded in Python, and asked about pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

import bench
from bench import predict
from bench.cells.data import Dataset, load
from bench.records.errors import RequestError
from bench.records.wrong_answers import from_plain
from tests.factories import failed_record, stored, train_record
from tests.lines import Line, read_lines

MEAN, STD = 0.1307, 0.3081  # of MNIST, which the common recipe takes


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits", data_root=Path(), seed=0)


@pytest.fixture
def own_copy(trained_report: Path, tmp_path: Path) -> Path:
    """A copy of the report to be damaged."""
    return Path(shutil.copytree(trained_report, tmp_path / "copy"))


def recorded(folder: Path, model: str, seed: int) -> Line:
    (line,) = (
        line
        for line in read_lines(folder)
        if line["kind"] == "train" and (line["model"], line["seed"]) == (model, seed)
    )
    return line


def recorded_answers(folder: Path, digits: Dataset, model: str, seed: int) -> list[int]:
    """What a network answered for each test picture; labels as scikit-learn has them."""
    answers = load_digits().target[digits.test].tolist()
    for position, answer in from_plain(recorded(folder, model, seed)["misclassified"]).items():
        answers[position] = answer
    return [int(answer) for answer in answers]


def write_picture(pixels: Any, path: Path) -> Path:
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(("model", "seed"), [("lenet", 1), ("lenet", 2), ("dnn", 1)])
def test_a_loaded_network_answers_as_its_record_says(
    trained_report: Path, digits: Dataset, model: str, seed: int
) -> None:
    network = bench.load_trained(trained_report, model, seed=seed)
    assert not network.training
    pixels = torch.from_numpy(np.asarray(digits.samples)[digits.test])[:, None]
    with torch.no_grad():
        answers = network((pixels / 255 - MEAN) / STD).argmax(dim=1).tolist()
    assert answers == recorded_answers(trained_report, digits, model, seed)


def test_without_a_seed_the_first_run_is_loaded_and_an_alias_names_its_network(
    trained_report: Path,
) -> None:
    first = bench.load_trained(trained_report, "lenet", seed=1).state_dict()
    second = bench.load_trained(trained_report, "lenet", seed=2).state_dict()
    found = bench.load_trained(
        trained_report.name, "lenet-relu", reports=trained_report.parent
    ).state_dict()
    same = [torch.equal(a, b) for a, b in zip(found.values(), first.values(), strict=True)]
    assert all(same)
    assert not all(torch.equal(a, b) for a, b in zip(first.values(), second.values(), strict=True))


def test_loading_leaves_the_random_state_as_it_was(trained_report: Path) -> None:
    before = torch.get_rng_state()
    bench.load_trained(trained_report, "lenet")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        ("lenet6", {}, "no network 'lenet6'; it has: lenet, dnn, net"),
        ("cnn", {}, "no network 'cnn'; it has: lenet, dnn, net"),
        ("lenet", {"seed": 7}, "no seed '7'; it has: 1, 2"),
        ("lenet", {"device": "cuda"}, "no device 'cuda'; it has: cpu"),
    ],
)
def test_what_a_report_does_not_have_is_named_beside_what_it_has(
    trained_report: Path, model: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(RequestError) as error:
        bench.load_trained(trained_report, model, **options)
    assert said in str(error.value)


def test_missing_weights_are_one_error_with_the_way_to_train_them(own_copy: Path) -> None:
    (own_copy / "weights" / "lenet-cpu-1.safetensors").unlink()
    with pytest.raises(RequestError, match=r"is not there.*bench\.compare .*--fresh"):
        bench.load_trained(own_copy, "lenet", seed=1)
    bench.load_trained(own_copy, "lenet", seed=2)


def test_weights_that_changed_in_one_bit_are_refused(own_copy: Path) -> None:
    path = own_copy / "weights" / "lenet-cpu-1.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(RequestError, match=r"does not hold the recorded weights.*SHA-256"):
        bench.load_trained(own_copy, "lenet", seed=1)


def test_weights_of_another_seed_and_no_weights_at_all_are_refused(own_copy: Path) -> None:
    weights = own_copy / "weights"
    shutil.copy(weights / "lenet-cpu-2.safetensors", weights / "lenet-cpu-1.safetensors")
    (weights / "dnn-cpu-1.safetensors").write_bytes(b"no weights")
    for model in ("lenet", "dnn"):
        with pytest.raises(RequestError, match="does not hold the recorded weights"):
            bench.load_trained(own_copy, model, seed=1)


def test_runs_that_failed_or_diverged_cannot_be_loaded(tmp_path: Path) -> None:
    runs = [
        failed_record("lenet", 1),
        msgspec.structs.replace(train_record("dnn", 1, 40), diverged_at=7),
    ]
    stored(tmp_path, runs, ["lenet", "dnn"], seeds=(1,))
    with pytest.raises(RequestError, match="did not go through: RuntimeError: out of memory"):
        bench.load_trained(tmp_path, "lenet", seed=1)
    with pytest.raises(RequestError, match="diverged at step 7"):
        bench.load_trained(tmp_path, "dnn")


def asked(
    capsys: pytest.CaptureFixture[str], report: Path, *arguments: str | Path
) -> tuple[int, str, list[str]]:
    """Exit code, standard output, and the lines of standard error."""
    code = predict.main([str(report), *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err.splitlines()


def test_pictures_are_answered_as_they_were_in_training(
    trained_report: Path, digits: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    samples = np.asarray(digits.samples)[digits.test[:60]]
    paths = [write_picture(pixels, tmp_path / f"{i}.png") for i, pixels in enumerate(samples)]
    code, out, err = asked(capsys, trained_report, "lenet", *paths, "--seed", "2", "--json")
    assert (code, err) == (0, [])
    found = json.loads(out)
    assert [item["picture"] for item in found] == [*map(str, paths)]
    assert [item["class"] for item in found] == recorded_answers(
        trained_report, digits, "lenet", 2
    )[:60]
    network = bench.load_trained(trained_report, "lenet", seed=2)
    with torch.no_grad():
        outputs = network((torch.from_numpy(samples)[:, None] / 255 - MEAN) / STD).double().numpy()
    softmax = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    best = -np.sort(-softmax, axis=1)[:, :3]
    shown = [[top["probability"] for top in item["top"]] for item in found]
    np.testing.assert_allclose(shown, best, rtol=1e-4)


def test_a_line_for_each_picture_has_the_three_most_probable_classes(
    trained_report: Path, digits: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_picture(np.asarray(digits.samples)[digits.test[0]], tmp_path / "a digit.png")
    _, out, _ = asked(capsys, trained_report, "lenet", path, "--json")
    (item,) = json.loads(out)
    code, line, err = asked(capsys, trained_report, "lenet", path)
    top = ", ".join(f"{found['name']} {found['probability']:.1%}" for found in item["top"])
    assert (code, line, err) == (0, f"{path}: {top}\n", [])
    assert len(item["top"]) == 3


def test_every_kind_of_file_of_the_same_picture_has_the_same_answer(
    trained_report: Path, digits: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.asarray(digits.samples)[digits.test[3]]
    plain = write_picture(pixels, tmp_path / "plain.png")
    deep = write_picture(pixels.astype(np.uint16) * 257, tmp_path / "deep.png")
    colour = write_picture(np.stack([pixels] * 3, axis=-1), tmp_path / "colour.bmp")
    exif = Image.Exif()
    exif[0x0112] = 3  # lies upside down
    turned = tmp_path / "turned.png"
    Image.fromarray(np.ascontiguousarray(pixels[::-1, ::-1])).save(turned, exif=exif)
    # what is transparent shows white paper, so that ink in black is seen inverted
    ink = np.zeros((28, 28, 4), dtype=np.uint8)
    ink[..., 3] = pixels
    clear = write_picture(ink, tmp_path / "clear.png")
    _, out, err = asked(capsys, trained_report, "lenet", plain, deep, colour, turned, "--json")
    first, *others = [item["top"] for item in json.loads(out)]
    assert others == [first] * 3
    _, out, _ = asked(capsys, trained_report, "lenet", clear, "--invert", "--json")
    assert json.loads(out)[0]["top"] == first
    assert err == []


def test_dark_on_light_is_told_and_inverted_where_that_is_asked_for(
    trained_report: Path, digits: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.asarray(digits.samples)[digits.test[5]]
    known = write_picture(pixels, tmp_path / "known.png")
    ink = write_picture(255 - pixels, tmp_path / "ink.png")
    _, expected, err = asked(capsys, trained_report, "dnn", known, "--json")
    assert err == []
    code, _, err = asked(capsys, trained_report, "dnn", ink)
    assert code == 0
    assert len(err) == 1
    assert "edges are light, and those of the network's data are dark; try --invert" in err[0]
    _, out, err = asked(capsys, trained_report, "dnn", ink, "--invert", "--json")
    assert err == []
    assert json.loads(out)[0]["top"] == json.loads(expected)[0]["top"]
    _, _, err = asked(capsys, trained_report, "dnn", known, "--invert")
    assert "leave --invert out" in err[0]


def test_bad_pictures_are_a_line_each_and_the_others_go_on(
    trained_report: Path, digits: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_picture(np.asarray(digits.samples)[digits.test[0]], tmp_path / "good.png")
    broken = tmp_path / "broken.png"
    broken.write_bytes(good.read_bytes()[:60])
    large = tmp_path / "large.png"
    Image.new("1", (9_000, 9_000)).save(large)  # 81 million pixels in a small file
    deep = tmp_path / "deep.tif"
    Image.fromarray(np.ones((28, 28), dtype=np.float32)).save(deep)
    bad = [broken, large, deep, tmp_path / "missing.png", tmp_path]
    code, out, err = asked(capsys, trained_report, "lenet", *bad, good, "--json")
    assert code == 1
    assert [item["picture"] for item in json.loads(out)] == [str(good)]
    assert len(err) == len(bad)
    said = ("Pillow can read", "80,000,000 are the most", "32 bits", "no such file", "no file")
    for line, path, words in zip(err, bad, said, strict=True):
        assert line.startswith(f"bench.predict: '{path}': ")
        assert words in line


def test_a_picture_is_shown_two_pixels_to_a_character(
    trained_report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = np.zeros((28, 28), dtype=np.uint8)
    pixels[:14, 14:] = 255  # a light quarter, 14 pixels wide and 7 lines high
    path = write_picture(pixels, tmp_path / "quarter.png")
    _, out, _ = asked(capsys, trained_report, "lenet", path, "--show")
    *picture, answer = out.splitlines()
    assert picture == [" " * 14 + "@" * 14] * 7 + [" " * 28] * 7
    assert answer.startswith(f"{path}: ")


def test_wrong_requests_about_pictures_end_with_2_and_one_line(
    trained_report: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train_record("dnn-sums", 1, 300, classes=3, dataset="sums")
    stored(tmp_path, [run], ["dnn-sums"], dataset="sums")
    for report, arguments, said in (
        (tmp_path, ["dnn-sums", "x.png"], "takes rows of 3 numbers and no pictures"),
        (trained_report, ["lenet"], "picture"),
        (trained_report, ["lenet", "x.png", "--seed", "9"], "no seed '9'"),
        (trained_report, ["lenet", "x.png", "--json", "--show"], "not allowed with"),
        (trained_report / "weights", ["lenet", "x.png"], "no report"),
    ):
        code, out, err = asked(capsys, report, *arguments)
        assert (code, out, len(err)) == (2, "", 1)
        assert said in err[0]
