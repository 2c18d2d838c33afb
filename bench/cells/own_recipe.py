"""Recipes of the user's own: a TOML file with a recipe's fields, and single fields set over any.

Both name fields as `zoo.spec.Recipe` does, those inside others with a dot:
`optimiser.learning_rate`. What is not named stays: in a file at what the common recipe has.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from bench.cells.common_recipe import shared_recipe
from bench.records.errors import RequestError
from bench.records.lines import frozen
from bench.records.text import one_line
from zoo import ModelSpec, Optimiser, Recipe
from zoo.spec import Augmentation, Loss, Output

ENDING = ".toml"
NEEDED = ("optimiser.name", "optimiser.learning_rate", "train_batch", "epochs")
MOST = 2**53  # whole numbers up to here are floats, too
ALL_SAMPLES = "all"  # what a file says where a field is None: all samples
_NAME = re.compile(rf"\w[\w.-]{{0,60}}\{ENDING}")
_MARKUP = {*"`<>|\\\n"}  # has no place in a report's sentences
_LEAST_ONE = ("epochs", "train_batch", "test_batch")
_ABOVE_ZERO = ("optimiser.learning_rate", "normalisation.std")
_NOT_NEGATIVE = ("optimiser.weight_decay", "optimiser.momentum")
_TAKES: dict[Loss, Output] = {"nll": "log-probabilities", "nll-of-probabilities": "probabilities"}
_LIKE = {
    int: "a whole number such as 3",
    float: "a number such as 0.01",
    bool: "true or false",
    str: "a word",
}


@dataclass(frozen=True, kw_only=True)
class OwnRecipe:
    """What a user says of a recipe, checked.

    Attributes:
        name: What records and reports call the recipe.
        file: By field, what the file says; None without one.
        changes: By field, what was set over it.
    """

    name: str
    file: Mapping[str, Any] | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def said(self) -> dict[str, Any]:
        """By field, all that the user says."""
        return {**(self.file or {}), **self.changes}


def is_file(recipe: str) -> bool:
    """Whether the name of a recipe is that of a file."""
    return recipe.endswith(ENDING)


def read_recipe(recipe: str, settings: Sequence[str]) -> OwnRecipe:
    """A recipe by name, or from a file, with single fields set over it.

    Args:
        recipe: A name, or a path that ends in `.toml`.
        settings: As `optimiser.learning_rate=0.01`.

    Raises:
        RequestError: There is no such file, or a field or value is not one of a recipe.
    """
    file = _read_file(Path(recipe)) if is_file(recipe) else None
    return OwnRecipe(name=called(recipe, settings), file=file, changes=_changes(settings))


def called(recipe: str, settings: Sequence[str]) -> str:
    """What records and reports call a recipe with fields set over it; nothing is read.

    Args:
        recipe: See `read_recipe`.
        settings: See there.

    Raises:
        RequestError: A field or value is not one of a recipe.
    """
    name = Path(recipe).name if is_file(recipe) else recipe
    said = ", ".join(f"{field}={_text(value)}" for field, value in _changes(settings).items())
    return f"{name} with {said}" if said else name


def _changes(settings: Sequence[str]) -> dict[str, Any]:
    """By field, what is set."""
    changes: dict[str, Any] = {}
    for text in settings:
        for name, value in _setting(text).items():
            if name in changes:
                raise RequestError(f"--set gives {name} twice; leave one of them out")
            changes[name] = value
    return changes


def from_file(spec: ModelSpec, said: Mapping[str, Any]) -> Recipe:
    """The recipe of a file for a network; loss and pixel statistics fit it where it is silent."""
    optimiser = Optimiser(
        name=said["optimiser.name"], learning_rate=said["optimiser.learning_rate"]
    )
    whole = shared_recipe(
        spec, optimiser=optimiser, schedule="constant", batch=1, epochs=said["epochs"]
    )
    return changed(spec, whole, said)


def changed(spec: ModelSpec, recipe: Recipe, said: Mapping[str, Any]) -> Recipe:
    """A recipe with what a user says of it.

    Raises:
        RequestError: That does not fit the network, or has no effect.
    """
    for name, value in said.items():
        outer, _, inner = name.partition(".")
        new = replace(getattr(recipe, outer), **{inner: value}) if inner else value
        recipe = replace(recipe, **{outer: new})
    if said:
        _require_fitting(spec, recipe, said)
    return recipe


def _fields(kind: type, before: str = "") -> Iterator[tuple[str, Any]]:
    """The names of a recipe's fields, inner ones with a dot, and their types."""
    hints = get_type_hints(kind)
    for own in fields(kind):
        hint = hints[own.name]
        if isinstance(hint, type) and is_dataclass(hint):
            yield from _fields(hint, f"{before}{own.name}.")
        else:
            yield before + own.name, hint


FIELDS = dict(_fields(Recipe))


def _read_file(path: Path) -> dict[str, Any]:
    if not _NAME.fullmatch(path.name):
        raise RequestError(
            f"--recipe '{one_line(path)[:200]}' names no recipe; use letters, digits, '.', '_' and "
            f"'-' in the name of the file, and {ENDING} at its end"
        )
    try:
        said = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise RequestError(
            f"no recipe '{one_line(path)}' ({one_line(error.strerror)}); name a file"
        ) from error
    except (ValueError, RecursionError) as error:
        raise RequestError(
            f"the recipe '{one_line(path)}' is no TOML ({one_line(error)[:200]}); write lines such "
            "as epochs = 5"
        ) from error
    values = _checked(f"'{one_line(path)}'", said)
    missing = [name for name in NEEDED if name not in values]
    if missing:
        raise RequestError(
            f"the recipe '{one_line(path)}' says no {missing[0]}; it needs {', '.join(NEEDED)}"
        )
    return values


def _setting(text: str) -> dict[str, Any]:
    """One `--set`; a value that is no TOML is a word."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not name or not value:
        raise RequestError(
            f"--set '{one_line(text)[:100]}' sets nothing; write it as optimiser.learning_rate=0.01"
        )
    try:
        read = tomllib.loads(f"value = {value}")
        found = read["value"] if len(read) == 1 else value
    except (ValueError, RecursionError):
        found = value
    return _checked("--set", {name: found})


def _checked(where: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """By the full names of the fields, the values of a recipe's types."""
    flat = dict(_flat(said))
    return {name: _value(where, name, value) for name, value in flat.items()}


def _flat(said: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in said.items():
        full = f"{before}{name}"
        if isinstance(value, dict) and full not in FIELDS:
            yield from _flat(value, f"{full}.")
        else:
            yield full, value


def _value(where: str, name: str, value: Any) -> Any:
    """A field's value in the field's type.

    Raises:
        RequestError: There is no such field, or it does not take this.
    """
    if name not in FIELDS:
        near = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.6)
        raise RequestError(
            f"{where} has the unknown field '{one_line(name)[:60]}'; "
            f"{f'did you mean {near[0]}? ' if near else ''}choose from {', '.join(FIELDS)}"
        )
    hint = FIELDS[name]
    optional = NoneType in get_args(hint)
    if optional and value == ALL_SAMPLES:
        return None
    try:
        found = _augmentation(value) if name == "augmentation" else msgspec.convert(value, hint)
        if found is None or not _is_in_range(name, found) or _MARKUP & {*_text(found)}:
            raise ValueError
    except (ValueError, TypeError) as error:
        shown = one_line(_text(value))[:60]
        raise RequestError(
            f"{where} has {name} = {shown}, which is not valid; {_valid(name, hint)}"
            f"{f', or {ALL_SAMPLES}' if optional else ''}"
        ) from error
    return found


def _is_in_range(name: str, value: Any) -> bool:
    """Whether all numbers of a value are finite and as large as the field needs."""
    if name == "augmentation":
        return True
    several = isinstance(value, tuple)
    numbers = [x for x in (value if several else (value,)) if isinstance(x, int | float)]
    if not all(abs(x) <= MOST for x in numbers) or (several and not numbers):  # nor is nan
        return False
    if name in _ABOVE_ZERO:
        return min(numbers) > 0
    if name in _LEAST_ONE or name == "samples_per_class":
        return min(numbers) >= 1
    if name == "optimiser.momentum":
        return min(numbers) >= 0 and max(numbers) < 1
    return name not in _NOT_NEGATIVE or min(numbers) >= 0


def _valid(name: str, hint: Any) -> str:
    """What a field takes, in words."""
    if name == "augmentation":
        return (
            'give tables such as {name = "RandomAffine", settings = {degrees = 10}}, with the '
            "classes of torchvision.transforms.v2"
        )
    if get_origin(hint) is Literal:
        return f"choose from {', '.join(get_args(hint))}"
    if name == "samples_per_class":
        return "give two whole numbers such as [3, 3], for training and for testing"
    if name.startswith("normalisation"):
        above = " above 0" if name in _ABOVE_ZERO else ""
        return f"give a list of numbers{above}, one for all channels or one for each: [0.5]"
    if name == "optimiser.momentum":
        return "give a number from 0 on and below 1"
    least = {**dict.fromkeys(_LEAST_ONE, " from 1 on"), **dict.fromkeys(_ABOVE_ZERO, " above 0")}
    kind = next(kind for kind in (bool, int, float, str) if kind in (hint, *get_args(hint)))
    return f"give {_LIKE[kind]}{least.get(name, ' from 0 on' if name in _NOT_NEGATIVE else '')}"


def _augmentation(value: Any) -> tuple[Augmentation, ...]:
    """Steps, their settings as pairs."""
    steps = msgspec.convert(value, list[dict[str, Any]])
    found = []
    for step in steps:
        if not {"name"} <= {*step} <= {"name", "settings"} or not isinstance(step["name"], str):
            raise ValueError(step)
        settings = msgspec.convert(step.get("settings", {}), dict[str, Any])
        pairs = tuple((key, frozen(item)) for key, item in settings.items())
        found.append(Augmentation(name=step["name"], settings=pairs))
    return tuple(found)


def _text(value: Any) -> str:
    """A value as a command line has it."""
    if value is None:
        return ALL_SAMPLES
    if isinstance(value, str):
        return value
    return json.dumps(value, default=msgspec.to_builtins)


def _require_fitting(spec: ModelSpec, recipe: Recipe, said: Mapping[str, Any]) -> None:
    """Checks what depends on the network or on several fields."""
    wanted = _TAKES.get(recipe.loss, spec.output)
    if "loss" in said and wanted != spec.output:
        raise RequestError(
            f"the loss {recipe.loss} takes {wanted}, and '{spec.name}' gives {spec.output}; leave "
            "loss out, or choose cross-entropy"
        )
    if recipe.optimiser.momentum and recipe.optimiser.name != "sgd":
        raise RequestError(
            f"optimiser.momentum = {recipe.optimiser.momentum:g} has no effect with "
            f"{recipe.optimiser.name}; set it to 0, or optimiser.name to sgd"
        )
    channels = spec.input_shape[0]
    for name in ("mean", "std"):
        given = getattr(recipe.normalisation, name)
        if f"normalisation.{name}" in said and len(given) not in (1, channels):
            raise RequestError(
                f"normalisation.{name} has {len(given)} numbers, and '{spec.name}' takes "
                f"{channels} channels; give one number or one for each channel"
            )
    if said.get("augmentation"):
        _require_augmentation(spec, recipe.augmentation)


def _require_augmentation(spec: ModelSpec, steps: Sequence[Augmentation]) -> None:
    """Checks that random changes are there, and leave a network's pictures pictures."""
    if not spec.takes_images:
        raise RequestError(
            f"augmentation changes pictures, and '{spec.name}' takes rows of numbers; leave it out"
        )
    import torch
    from torchvision.transforms import v2

    from bench.cells.augmentation import augmenting

    known = sorted(
        name
        for name, kind in vars(v2).items()
        if isinstance(kind, type) and issubclass(kind, v2.Transform) and kind is not v2.Transform
    )
    for step in steps:
        if step.name not in known:
            near = difflib.get_close_matches(step.name, known, n=3, cutoff=0.5)
            raise RequestError(
                f"augmentation has the unknown change '{one_line(step.name)[:60]}'; choose a class "
                f"of torchvision.transforms.v2, such as {' or '.join(near or ['RandomAffine'])}"
            )
    pictures = torch.zeros((2, *spec.input_shape), dtype=torch.uint8)
    try:
        with torch.random.fork_rng(devices=[]):
            change = augmenting(steps)
            after = pictures if change is None else change(pictures)
        fits = after.shape == pictures.shape and after.dtype == pictures.dtype
        wrong = f"it makes {after.dtype} of shape {tuple(after.shape[1:])} of them"
    except Exception as error:  # transforms refuse what they cannot take by whatever they raise
        fits, wrong = False, one_line(error)[:200]
    if not fits:
        raise RequestError(
            f"the augmentation fails on pictures of '{spec.name}', uint8 of shape "
            f"{spec.input_shape}: {wrong}; choose settings that keep shape and type"
        )
