"""What a key's digest of code takes for a change, and what it does not."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bench.records.code import UnreadableCodeError, code_sha256


@pytest.fixture(autouse=True)
def no_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python takes a module's bytecode for its source's where length and second are the same."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


SOURCE = '''
"""A module."""
import math
WIDTH = 3
UNUSED = 1


def area(radius):
    return math.pi * radius ** 2 * WIDTH


def build(n=2):
    """Builds."""
    return area(n)


class Maker:
    def __init__(self, size):
        self.size = size

    def make(self):
        return area(self.size)

    def __call__(self):
        return self.make()
'''


def loaded(folder: Path, text: str, name: str = "written") -> ModuleType:
    """A module from a file of this text."""
    path = folder / f"{name}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def of_build(folder: Path, text: str) -> str:
    return code_sha256(loaded(folder, text).build)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("WIDTH = 3", "WIDTH = 3  # a comment"),
        ('"""Builds."""', '"""Makes."""'),
        ("def area(radius):", "def area(radius: float) -> float:"),
        ("WIDTH = 3", "WIDTH: int = 3"),
        ("UNUSED = 1", "UNUSED = 2"),
        ("import math\n", "import os\nimport math\n"),
        ("    return math.pi * radius ** 2 * WIDTH", "    return (\n math.pi * radius**2 * WIDTH)"),
    ],
)
def test_what_decides_nothing_changes_no_digest(tmp_path: Path, old: str, new: str) -> None:
    assert old in SOURCE
    assert of_build(tmp_path, SOURCE) == of_build(tmp_path, SOURCE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("WIDTH = 3", "WIDTH = 4"),
        ("radius ** 2", "radius ** 3"),
        ("n=2", "n=3"),
        ("math.pi", "math.e"),
        ("return area(n)", "return -area(n)"),
        ("WIDTH = 3", "WIDTH = 3\nWIDTH += 1"),
    ],
)
def test_what_decides_changes_the_digest(tmp_path: Path, old: str, new: str) -> None:
    assert old in SOURCE
    assert of_build(tmp_path, SOURCE) != of_build(tmp_path, SOURCE.replace(old, new))


def test_code_that_moves_to_another_file_keeps_its_digest(tmp_path: Path) -> None:
    before = of_build(tmp_path, SOURCE)
    head, _, rest = SOURCE.partition("def build")
    loaded(tmp_path, head, name="written_elsewhere")
    moved = of_build(tmp_path, f"from written_elsewhere import area\n\n\ndef build{rest}")
    assert moved == before


def test_bound_methods_and_callable_objects_are_read_with_what_they_hold(tmp_path: Path) -> None:
    def digests(text: str, size: int) -> list[str]:
        maker = loaded(tmp_path, text).Maker(size)
        return [code_sha256(maker.make), code_sha256(maker)]

    first = digests(SOURCE, 2)
    assert first == digests(SOURCE, 2)
    for other in (digests(SOURCE, 3), digests(SOURCE.replace("WIDTH = 3", "WIDTH = 4"), 2)):
        assert all(ours != theirs for ours, theirs in zip(first, other, strict=True))


def test_what_a_partial_binds_counts(tmp_path: Path) -> None:
    module = loaded(tmp_path, SOURCE)
    digests = {code_sha256(partial(module.build, n)) for n in (1, 2)}
    assert len(digests) == 2
    assert code_sha256(partial(module.build, 1)) in digests


def test_what_a_closure_holds_counts() -> None:
    def made(n: int) -> Callable[[], int]:
        return lambda: n

    assert code_sha256(made(1)) == code_sha256(made(1))
    assert code_sha256(made(1)) != code_sha256(made(2))


def test_of_an_installed_library_only_the_name_counts() -> None:
    assert code_sha256(Path.exists) == code_sha256(Path.exists)
    assert code_sha256(Path.exists) != code_sha256(Path.is_file)


def nowhere() -> Any:
    return eval("lambda: 1", {})


@pytest.mark.parametrize("thing", [nowhere(), sys, iter(())])
def test_what_cannot_be_read_is_an_error(thing: object) -> None:
    with pytest.raises(UnreadableCodeError):
        code_sha256(thing)


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    build = loaded(tmp_path, SOURCE).build
    (tmp_path / "written.py").unlink()
    with pytest.raises(UnreadableCodeError, match=r"written\.py"):
        code_sha256(build)


def test_functions_beside_do_not_count(tmp_path: Path) -> None:
    changed = SOURCE.replace("radius ** 2", "radius ** 3")
    digests = set()
    for text in (SOURCE, changed):
        module = loaded(tmp_path, text)
        digests.add(code_sha256(module.build, besides=[module.area]))
    assert len(digests) == 1


HEAD = "from enum import Enum\nimport math\n"


def digest_of(folder: Path, expression: str, head: str = HEAD) -> str:
    """The digest of what an expression of a module gives."""
    return code_sha256(loaded(folder, f"{head}\nthing = {expression}\n").thing)


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("{1, 2, 3}", "{3, 2, 1}", "{1, 2, 4}"),
        ("frozenset({'a', 'b'})", "frozenset({'b', 'a'})", "frozenset({'a'})"),
        ("{'a': 1, 'b': 2}", "dict(a=1, b=2)", "{'a': 2, 'b': 1}"),
        ("[1, (2, 3)]", "(1, [2, 3])", "[(1, 2), 3]"),
        (
            "Enum('Colour', 'red blue').red",
            "Enum('Colour', 'red green').red",
            "Enum('C', 'red').red",
        ),
        ("len", "len", "max"),
        ("math.sqrt", "math.sqrt", "math.cbrt"),
        ("None", "None", "0"),
        ("'1'", "'1'", "1"),
    ],
)
def test_values_are_told_apart_by_what_they_are(
    tmp_path: Path, one: str, same: str, other: str
) -> None:
    assert digest_of(tmp_path, one) == digest_of(tmp_path, same)
    assert digest_of(tmp_path, one) != digest_of(tmp_path, other)


@pytest.mark.parametrize(
    "text",
    [
        "import parts\n\ndef build():\n    return parts.used(1)\n",
        "import parts as p\n\ndef build():\n    return p.used(1)\n",
        "from parts import used\n\ndef build():\n    return used(1)\n",
        "from parts import used as other\n\ndef build():\n    return other(1)\n",
        "def build():\n    from parts import used\n    return used(1)\n",
        "def build():\n    import parts\n    return parts.used(1)\n",
        "used = 1\n\ndef build():\n    from parts import used\n    return used(1)\n",
        "from passed_on import used\n\ndef build():\n    return used(1)\n",
        "from perhaps import used\n\ndef build():\n    return used(1)\n",
        "try:\n    from parts import used\nexcept ImportError:\n    used = None\n"
        "\ndef build():\n    return used(1)\n",
        "if True:\n    def used(x):\n        from parts import used\n        return used(x)\n"
        "\ndef build():\n    return used(1)\n",
        "from functools import partial\nfrom parts import used\nbuild = partial(used, 1)\n",
        "from parts import used\nbuild = lambda: used(1)\n",
        "from parts import used\n\nclass Kind:\n    def make(self):\n        return used(1)\n"
        "\nbuild = Kind\n",
        "from parts import used\n\nclass Kind:\n    def make(self):\n        return used(1)\n"
        "\nclass Lower(Kind):\n    pass\n\nbuild = Lower()\n",
        "from parts import used\n\n@used\ndef build():\n    return 1\n",
        "from parts import used\n\ndef build(way=used):\n    return way(1)\n",
    ],
)
def test_code_is_followed_however_it_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "passed_on.py").write_text("from parts import used\n")
    (tmp_path / "perhaps.py").write_text(
        "try:\n    from parts import used\nexcept ImportError:\n    used = None\n"
    )
    digests = set()
    for body in ("return x", "return x", "return [x][0]"):
        for name in ("parts", "passed_on", "perhaps"):
            sys.modules.pop(name, None)
        loaded(tmp_path, f"def used(x):\n    {body}\n\ndef unused():\n    {body}\n", name="parts")
        digests.add(of_build(tmp_path, text))
    assert len(digests) == 2


def test_what_a_relative_import_brings_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "asks.py").write_text("from .parts import used\n\ndef build():\n    return used(1)\n")
    digests = set()
    for body in ("return x", "return x + 1"):
        for name in ("package", "package.asks", "package.parts"):
            sys.modules.pop(name, None)
        (folder / "parts.py").write_text(f"def used(x):\n    {body}\n")
        importlib.invalidate_caches()
        digests.add(code_sha256(importlib.import_module("package.asks").build))
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("old", "new", "differs"),
    [
        ("x: int = 3", "x: float = 3", False),
        ("x: int = 3", "x = 3", True),  # without an annotation it is no field
        ("x: int = 3", "x: int = 4", True),
        ("x: int = 3", "x: int = 3\n    import os", False),
        ("x: int = 3", '"""Words."""\n    x: int = 3', False),
        ("return 'words'", "return 'others'", True),
    ],
)
def test_fields_and_words_count_where_they_do_something(
    tmp_path: Path, old: str, new: str, *, differs: bool
) -> None:
    text = "class build:\n    x: int = 3\n\n    def say(self):\n        return 'words'\n"
    before, after = of_build(tmp_path, text), of_build(tmp_path, text.replace(old, new))
    assert (before != after) == differs


def test_a_function_is_told_from_its_name_and_a_class_from_an_object_of_it(tmp_path: Path) -> None:
    module = loaded(tmp_path, SOURCE)
    things = (module.build, module.area, module.Maker, module.Maker(1), "build", "area")
    assert len({code_sha256(thing) for thing in things}) == len(things)
    assert code_sha256(module.build, module.area) != code_sha256(module.area, module.build)
