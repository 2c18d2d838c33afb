"""The zoo against its documents: every number here is derived by hand from them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

import zoo
from tests.programs import REPOSITORY, run_module
from zoo.__main__ import main
from zoo.layers import Shape

LENET5_VARIANTS = tuple(
    f"lenet5-{activation}-{pooling}"
    for activation in ("sigmoid", "relu", "tanh")
    for pooling in ("avg", "max")
)
SEVEN_LAYER_LENETS = ("lenet", "cnn", "lenet-sigmoid", "lenet-sigmoid-max", *LENET5_VARIANTS)
ALL = (*SEVEN_LAYER_LENETS, "lenet-rgb", "net", "dnn", "dnn-sums", "bp-100", "cnn-100")

# conv: out * (in * k * k + 1); linear: out * (in + 1)
SEVEN_LAYER_PARAMETERS = 6 * 26 + 16 * 151 + 120 * 401 + 84 * 121 + 10 * 85
PARAMETERS = {
    **dict.fromkeys(SEVEN_LAYER_LENETS, SEVEN_LAYER_PARAMETERS),
    "lenet-rgb": 6 * 76 + 16 * 151 + 120 * 401 + 84 * 121 + 10 * 85,
    "net": 10 * 26 + 20 * 251 + 50 * 321 + 10 * 51,
    "dnn": 512 * 785 + 256 * 513 + 128 * 257 + 64 * 129 + 10 * 65,
    "dnn-sums": 5 * 4 + 5 * 6 + 5 * 6 + 3 * 6,
    "bp-100": 3 * (10_000**2 + 10_000) + 10_000 * 3 + 3,
    "cnn-100": 260 + 5_020 + 15_030 + 100 * (30 * 12 * 12 + 1) + 3 * 101,
}
# The same as the documents' digest prints them.
PRINTED_PARAMETERS = {
    **dict.fromkeys(SEVEN_LAYER_LENETS, 61_706),
    "lenet-rgb": 62_006,
    "net": 21_840,
    "dnn": 575_050,
    "dnn-sums": 98,
    "bp-100": 300_060_003,
    "cnn-100": 452_713,
}
# output values * in * k * k per convolution, in * out per linear layer; biases not counted
MACS = {
    **dict.fromkeys(SEVEN_LAYER_LENETS, 117_600 + 240_000 + 48_000 + 10_080 + 840),
    "lenet-rgb": 6 * 28 * 28 * 75 + 16 * 10 * 10 * 150 + 400 * 120 + 120 * 84 + 84 * 10,
    "net": 10 * 24 * 24 * 25 + 20 * 8 * 8 * 250 + 320 * 50 + 50 * 10,
    "dnn": 784 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64 * 10,
    "dnn-sums": 15 + 25 + 25 + 15,
    "bp-100": 3 * 10_000**2 + 10_000 * 3,
    "cnn-100": 100**2 * 10 * 25
    + 50**2 * 20 * 250
    + 25**2 * 30 * 500
    + 30 * 12 * 12 * 100
    + 100 * 3,
}
SEVEN_LAYER_SHAPES: list[Shape] = [
    *[(6, 28, 28), (6, 28, 28), (6, 14, 14)],
    *[(16, 10, 10), (16, 10, 10), (16, 5, 5)],
    *[(120, 1, 1), (120, 1, 1), (120,)],
    *[(84,), (84,), (10,)],
]
SHAPES: dict[str, list[Shape]] = {
    **dict.fromkeys(SEVEN_LAYER_LENETS, SEVEN_LAYER_SHAPES),
    "lenet-rgb": [
        *[(6, 28, 28), (6, 28, 28), (6, 14, 14)],
        *[(16, 10, 10), (16, 10, 10), (16, 5, 5), (400,)],
        *[(120,), (120,), (84,), (84,), (10,), (10,)],
    ],
    "net": [
        *[(10, 24, 24), (10, 12, 12), (10, 12, 12)],
        *[(20, 8, 8), (20, 8, 8), (20, 4, 4), (20, 4, 4)],
        *[(320,), (50,), (50,), (50,), (10,), (10,)],
    ],
    "dnn": [
        (784,),
        *[(512,), (512,), (256,), (256,), (128,), (128,), (64,), (64,), (10,)],
    ],
    "dnn-sums": [(5,), (5,), (5,), (5,), (5,), (5,), (3,)],
    "bp-100": [*[(10_000,)] * 7, (3,)],
    "cnn-100": [
        *[(10, 100, 100), (10, 100, 100), (10, 50, 50)],
        *[(20, 50, 50), (20, 50, 50), (20, 25, 25)],
        *[(30, 25, 25), (30, 25, 25), (30, 12, 12)],
        *[(4_320,), (100,), (100,), (3,)],
    ],
}


def test_the_zoo_holds_every_architecture_of_the_documents() -> None:
    assert set(ALL) <= set(zoo.names())


@pytest.mark.parametrize("name", ALL)
def test_declared_sizes_give_the_documents_parameters_and_work(name: str) -> None:
    assert PARAMETERS[name] == PRINTED_PARAMETERS[name]
    assert zoo.get(name).declared_parameters == PARAMETERS[name]
    assert zoo.get(name).declared_macs == MACS[name]


@pytest.mark.parametrize("name", ALL)
def test_every_layer_gives_the_shape_that_the_document_prints(name: str) -> None:
    spec = zoo.get(name)
    with torch.device("meta"):
        network = spec.build()
        sample = torch.empty(2, *spec.input_shape)
    assert module_shapes(network, sample) == SHAPES[name]
    declared = list(spec.shapes)
    if name in ("lenet-sigmoid", "lenet-sigmoid-max"):
        # Its head has no activations: the declaration leaves out what the module passes through.
        assert declared == [*SEVEN_LAYER_SHAPES[:7], (120,), (84,), (10,)]
    else:
        assert declared == SHAPES[name]


def module_shapes(network: nn.Module, sample: Tensor) -> list[Shape]:
    """The output shape of every child in turn, without the batch."""
    shapes: list[Shape] = []
    for child in network.children():
        child.register_forward_hook(lambda _m, _i, output: shapes.append(tuple(output.shape[1:])))
    network(sample)
    return shapes


@pytest.mark.parametrize("name", zoo.names())
def test_an_entry_is_built_on_the_meta_device_without_memory(name: str) -> None:
    with torch.device("meta"):
        network = zoo.get(name).build()
    assert all(parameter.is_meta for parameter in network.parameters())


@pytest.mark.parametrize("name", [name for name in zoo.names() if name != "bp-100"])
def test_outputs_are_what_the_entry_says(name: str) -> None:
    spec = zoo.get(name)
    outputs = spec.build().eval()(torch.rand(4, *spec.input_shape))
    sums = {
        "logits": None,
        "log-probabilities": outputs.exp().sum(dim=1),
        "probabilities": outputs.sum(dim=1),
    }[spec.output]
    assert outputs.shape == (4, spec.classes)
    if sums is None:
        assert not torch.allclose(outputs.sum(dim=1), torch.ones(4))
    else:
        torch.testing.assert_close(sums, torch.ones(4))


def kinds(network: nn.Module) -> set[type[nn.Module]]:
    return {type(child) for child in network.children()}


@pytest.mark.parametrize("name", LENET5_VARIANTS)
def test_a_controlled_variant_uses_one_activation_and_one_pooling_everywhere(name: str) -> None:
    _, activation, pooling = name.split("-")
    expected = {
        {"sigmoid": nn.Sigmoid, "relu": nn.ReLU, "tanh": nn.Tanh}[activation],
        {"avg": nn.AvgPool2d, "max": nn.MaxPool2d}[pooling],
    }
    assert kinds(zoo.get(name).build()) == {nn.Conv2d, nn.Flatten, nn.Linear} | expected


@pytest.mark.parametrize(("twin", "variant"), [("lenet", "relu-max"), ("cnn", "tanh-avg")])
def test_twins_are_the_same_function(twin: str, variant: str) -> None:
    first, second = zoo.get(twin).build(), zoo.get(f"lenet5-{variant}").build()
    second.load_state_dict(first.state_dict())
    pictures = torch.rand(3, 1, 28, 28)
    assert torch.equal(first(pictures), second(pictures))


@pytest.mark.parametrize("name", ["lenet-sigmoid", "lenet-sigmoid-max"])
def test_the_head_of_lenet_sigmoid_is_one_affine_map(name: str) -> None:
    network = zoo.get(name).build().double()
    head = network[list(dict(network.named_children())).index("c5") :]  # type: ignore[index]
    inputs = torch.rand(5, 16, 5, 5, dtype=torch.float64)
    zero = head(torch.zeros(1, 16, 5, 5, dtype=torch.float64))
    # Affine: f(a + b) = f(a) + f(b) - f(0).
    total = head(inputs[:1] + inputs[1:2])
    torch.testing.assert_close(total, head(inputs[:1]) + head(inputs[1:2]) - zero)
    assert sum(p.numel() for p in head.parameters()) == 59_134


def test_the_recipes_are_those_of_the_documents() -> None:
    found = {
        name: (
            *(recipe.dataset, recipe.train_batch, recipe.test_batch, recipe.loss),
            *(str(recipe.optimiser), recipe.epochs),
        )
        for name in ("dnn-sums", "dnn", "cnn", "net", "lenet-sigmoid", "lenet", "lenet-rgb")
        for recipe in [zoo.get(name).recipe]
    }
    assert found == {
        "dnn-sums": ("sums", None, 3_000, "mse-one-hot", "SGD 0.01", 1_000),
        "dnn": ("mnist", 64, 64, "cross-entropy", "SGD 0.01 momentum 0.5", 5),
        "cnn": ("mnist", 256, 256, "cross-entropy", "SGD 0.9", 5),
        "net": ("mnist", 64, 1_000, "nll", "SGD 0.01 momentum 0.9", 8),
        "lenet-sigmoid": ("mnist", 16, 16, "cross-entropy", "SGD 0.001 momentum 0.9", 10),
        "lenet": ("mnist", 64, 1, "cross-entropy", "Adam 0.001", 5),
        "lenet-rgb": ("pictures", 1, 1, "cross-entropy", "SGD 0.05 momentum 0.2", 60),
    }
    assert zoo.get("lenet").recipe.drop_last
    assert zoo.get("lenet-rgb").recipe.initialisation == "xavier-normal"
    assert zoo.get("lenet-sigmoid").recipe.selects_on_test
    assert not zoo.get("dnn-sums").recipe.shuffle


def test_every_entry_of_a_document_that_is_silent_records_what_was_chosen() -> None:
    for name in ("bp-100", "cnn-100"):
        said = " ".join(deviation.what for deviation in zoo.get(name).deviations)
        assert "100x100" in said
        assert "ReLU" in said
        assert "plain SGD" in said
    assert "kernel 5" in " ".join(d.what for d in zoo.get("cnn-100").deviations)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(
        zoo.UnknownModelError,
        match=r"unknown model 'lenet6'; did you mean 'lenet'\? .*python -m zoo",
    ):
        zoo.get("lenet6")


def test_an_alias_finds_its_entry() -> None:
    assert zoo.get("net-mnist") is zoo.get("net")


def test_a_glob_selects_all_that_match_and_a_name_just_one() -> None:
    assert {spec.name for spec in zoo.select("lenet5-*")} == set(LENET5_VARIANTS)
    assert [spec.name for spec in zoo.select("lenet")] == ["lenet"]
    assert {spec.name for spec in zoo.select("all")} == set(zoo.names())
    with pytest.raises(zoo.UnknownModelError, match="no model matches 'vgg-\\*'"):
        zoo.select("vgg-*")


def test_tags_name_groups() -> None:
    assert set(zoo.names(tag="heavy")) == {"bp-100", "cnn-100"}
    assert set(zoo.names(tag="controlled")) == set(LENET5_VARIANTS)


@pytest.mark.parametrize("name", ["lenet", "net-mnist", "all", "a,b", "../x"])
def test_a_name_that_is_taken_or_no_name_is_refused(name: str) -> None:
    before = zoo.names()
    spec = replace(zoo.get("dnn"), name=name, aliases=())
    with pytest.raises(ValueError, match=r"already|cannot name"):
        zoo.register(spec)
    assert zoo.names() == before


def test_an_entry_whose_layers_do_not_fit_is_refused() -> None:
    spec = zoo.get("dnn")
    assert spec.layers is not None
    with pytest.raises(ValueError, match="takes shape"):
        replace(spec, layers=spec.layers[:1] + spec.layers[3:])
    with pytest.raises(ValueError, match="3 classes"):
        replace(spec, classes=3)


def test_an_entry_needs_no_declared_layers_and_then_has_nothing_on_paper() -> None:
    spec = replace(zoo.get("dnn"), layers=None)
    assert (spec.shapes, spec.declared_parameters, spec.declared_macs) == ((), None, None)


def test_a_temporary_entry_takes_a_name_and_gives_it_back() -> None:
    before = zoo.names()
    stand_in = replace(zoo.get("dnn"), name="lenet", aliases=("lenet6",))
    with zoo.temporary(stand_in):
        assert zoo.get("lenet6") is zoo.get("lenet") is stand_in
        zoo.register(replace(stand_in, name="other", aliases=()))
        assert zoo.names() == (*before, "other")
    assert zoo.names() == before
    assert zoo.get("lenet") is zoo.get("lenet-relu") is not stand_in
    with pytest.raises(zoo.UnknownModelError):
        zoo.get("lenet6")
    with pytest.raises(KeyError), zoo.temporary(stand_in):
        raise KeyError
    assert zoo.get("lenet") is not stand_in


def test_the_zoo_without_declared_layers_has_a_dash_for_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with zoo.temporary(replace(zoo.get("dnn"), layers=None)):
        assert main([]) == 0
        (line,) = (line for line in capsys.readouterr().out.splitlines() if " dnn " in line)
        assert [cell.strip() for cell in line.split("│")[4:6]] == ["-", "-"]
        assert main(["dnn"]) == 0
        shown = capsys.readouterr().out
    assert "(f1): Linear(in_features=784, out_features=512, bias=True)" in shown
    assert "multiply-accumulates" not in shown


def test_the_zoo_is_listed_without_torch() -> None:
    program = (
        "import sys; from zoo.__main__ import main; main([]); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, check=False)
    assert done.returncode == 0


def test_the_command_prints_the_zoo_as_a_table() -> None:
    result = run_module("zoo")
    assert result.returncode == 0
    for spec in map(zoo.get, ALL):
        assert any(
            f" {spec.name} " in line and f"{PARAMETERS[spec.name]:,}" in line
            for line in result.stdout.splitlines()
        ), spec.name


def test_the_command_shows_one_entry_layer_by_layer() -> None:
    result = run_module("zoo", "net")
    assert "conv 10-20 k5" in result.stdout
    assert "20x8x8" in result.stdout
    assert "320x50" not in result.stdout
    assert f"{480_500:,}" in result.stdout


def test_the_command_names_the_nearest_entry_and_exits_2() -> None:
    result = run_module("zoo", "lenett")
    assert result.returncode == 2
    assert "did you mean 'lenet'" in result.stderr
    assert "Traceback" not in result.stderr
