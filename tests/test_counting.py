"""The counting exercise in closed form, against algebra and the table in the documents' digest."""

from __future__ import annotations

import pytest
import torch

import zoo
from bench.cells.count import count, module_parameters
from tests.programs import run_module
from zoo.counting import counting_exercise
from zoo.counting.__main__ import main

# The digest's table: conv 1, conv 2, conv 3, the layer of 100, the layer of 3, total, BP / CNN.
# By algebra, kernel 5: 10 (25 + 1), 20 (250 + 1), 30 (500 + 1); kernel 3: 10 (9 + 1), 20 (90 + 1),
# 30 (180 + 1); 12 x 12 x 30 = 4,320 or 13 x 13 x 30 = 5,070 values, times 100, plus 100 biases.
TABLE = {
    "CNN, kernel 5, odd sizes halved down": (260, 5_020, 15_030, 432_100, 303, 452_713, 662.8),
    "CNN, kernel 5, odd sizes halved up": (260, 5_020, 15_030, 507_100, 303, 527_713, 568.6),
    "CNN, kernel 3, odd sizes halved down": (100, 1_820, 5_430, 432_100, 303, 439_753, 682.3),
    "CNN, kernel 3, odd sizes halved up": (100, 1_820, 5_430, 507_100, 303, 514_753, 582.9),
}
# Each output value of a convolution takes channels x kernel^2 multiplications. Kernel 5:
# 100^2 x 10 x 25 + 50^2 x 20 x 250 + 25^2 x 30 x 500 = 24,375,000; kernel 3, 9 where 25 was:
# 8,775,000. Then 4,320 x 100 or 5,070 x 100, and 100 x 3.
MACS = {
    "CNN, kernel 5, odd sizes halved down": 24_375_000 + 432_000 + 300,
    "CNN, kernel 5, odd sizes halved up": 24_375_000 + 507_000 + 300,
    "CNN, kernel 3, odd sizes halved down": 8_775_000 + 432_000 + 300,
    "CNN, kernel 3, odd sizes halved up": 8_775_000 + 507_000 + 300,
}


def test_the_bp_network_has_more_than_300_million_parameters() -> None:
    bp = counting_exercise()[0]
    # three layers of 10,000 x 10,000 + 10,000, and 10,000 x 3 + 3
    assert bp.layer_parameters == (100_010_000, 100_010_000, 100_010_000, 30_003)
    assert bp.parameters == 300_060_003
    assert bp.macs == 3 * 10_000**2 + 30_000
    assert (bp.bp_parameters_ratio, bp.bp_macs_ratio) == (1, 1)


def test_every_row_of_the_table_is_counted_layer_by_layer() -> None:
    rows = {row.network: row for row in counting_exercise()[1:]}
    assert list(rows) == list(TABLE)
    for network, (*layers, total, ratio) in TABLE.items():
        assert rows[network].layer_parameters == tuple(layers)
        assert rows[network].parameters == total
        assert round(rows[network].bp_parameters_ratio, 1) == ratio


def test_the_cnn_saves_12_to_33_times_the_work_and_not_600() -> None:
    for row in counting_exercise()[1:]:
        assert row.macs == MACS[row.network]
        assert row.bp_macs_ratio == pytest.approx(300_030_000 / MACS[row.network])
        assert 12 < row.bp_macs_ratio < 33


@pytest.mark.parametrize(("kernel", "halve_up"), [(5, False), (5, True), (3, False), (3, True)])
def test_the_exercise_in_closed_form_counts_what_torch_would_build(
    kernel: int, halve_up: bool
) -> None:
    with torch.device("meta"):
        built = zoo.counting.cnn(100, kernel, halve_up=halve_up)
        assert built(torch.empty(1, 1, 100, 100)).shape == (1, 3)
    row = counting_exercise()[1 + (0 if kernel == 5 else 2) + halve_up]
    assert module_parameters(built) == row.parameters


def test_the_networks_that_are_trained_are_rows_of_the_exercise() -> None:
    bp, cnn, *_ = counting_exercise()
    for name, row in (("bp-100", bp), ("cnn-100", cnn)):
        counted = count(zoo.get(name))
        assert (counted.module_parameters, counted.macs) == (row.parameters, row.macs)


def test_pictures_of_another_size_and_fewer_neurons_are_counted_too() -> None:
    bp, down, up = counting_exercise(28, hidden=100, kernels=(3,))
    # 784 x 100 + 100, twice 100 x 100 + 100, 100 x 3 + 3
    assert bp.layer_parameters == (78_500, 10_100, 10_100, 303)
    assert bp.macs == 78_400 + 10_000 + 10_000 + 300
    # 28, 14, 7, then 3 or 4: 30 x 9 = 270 or 30 x 16 = 480 values
    assert down.layer_parameters == (100, 1_820, 5_430, 27_100, 303)
    assert up.layer_parameters == (100, 1_820, 5_430, 48_100, 303)
    # 28^2 x 10 x 9 + 14^2 x 20 x 90 + 7^2 x 30 x 180
    assert down.macs == 70_560 + 352_800 + 264_600 + 27_000 + 300
    assert up.macs == 70_560 + 352_800 + 264_600 + 48_000 + 300
    assert down.bp_parameters_ratio == pytest.approx(99_003 / 34_753)


@pytest.mark.parametrize("side", [8, 16, 96])
def test_a_side_that_is_never_odd_when_halved_gives_one_row_for_each_kernel(side: int) -> None:
    rows = counting_exercise(side)
    assert [row.network for row in rows[1:]] == ["CNN, kernel 5", "CNN, kernel 3"]
    last = side // 8
    assert [row.layer_parameters[3] for row in rows[1:]] == [100 * (30 * last**2 + 1)] * 2


@pytest.mark.parametrize("side", [9, 12, 20, 100, 103])
def test_any_other_side_gives_two(side: int) -> None:
    assert len(counting_exercise(side)) == 1 + 2 * 2


WRONG = {
    "side too small": (["--side", "7"], "a side of 7 is too small"),
    "side negative": (["--side", "-100"], "a side of -100 is too small"),
    "side beyond all floats": (["--side", "1" + 200 * "0"], "10,000 is the most"),
    "side no number": (["--side", "ten"], "invalid int value: 'ten'"),
    "no side": (["--side"], "--side"),
    "no hidden neurons": (["--hidden", "0"], "0 hidden neurons"),
    "too many hidden neurons": (["--hidden", "1" + 200 * "0"], "choose 1 to 100,000,000"),
    "even kernel": (["--kernel", "4"], "a kernel of 4 cannot keep"),
    "negative kernel": (["--kernel", "-3"], "a kernel of -3 cannot keep"),
    "kernel wider than the picture": (["--side", "8", "--kernel", "9"], "wider than the picture"),
    "unknown option": (["--classes", "10"], "--classes"),
    "abbreviated option": (["--hid", "10"], "--hid"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_no_network_has_is_one_line_and_exit_code_2(
    case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, message = WRONG[case]
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("zoo.counting: ")
    assert message in line


def test_the_command_prints_both_tables_and_what_they_teach(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--side", "8", "--hidden", "2", "--kernel", "3"]) == 0
    printed = capsys.readouterr().out
    # CNN: 100 + 1,820 + 5,430 + (30 x 100 + 100) + 303; BP: 130 + 6 + 6 + 9
    for number in ("1,820", "5,430", "3,100", "10,753", "151"):
        assert f" {number} " in printed
    # 64 x 90 + 16 x 1,800 + 4 x 5,400 + 3,000 + 300 for the CNN; 128 + 4 + 4 + 6 for BP
    assert " 59,460 " in printed
    assert " 142 " in printed
    assert "Fewer parameters is not as much less work" in printed


def test_the_command_ends_with_its_exit_code_and_no_traceback() -> None:
    done = run_module("zoo.counting", "--side", "3")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "zoo.counting: a side of 3 is too small to be halved three times; 8 is the least\n"
    )
