"""A digest of the code that decides a result, wherever that code lies.

Starts from functions, classes or objects and follows the names that they use to the definitions
that those stand for, through all files that belong to no installed library. Of each definition the
syntax tree counts, without comments, docstrings, annotations and imports: a comment, a line break
or a move to another file changes nothing; another number or operator does.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib
import importlib.util
import json
import linecache
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache, partial
from pathlib import Path, PurePath
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

from bench.records.errors import RequestError

_OWN = Path(__file__).parents[2]
_PACKAGES = tuple(_OWN / name for name in ("bench", "zoo"))
# The decorator that enters a network into the zoo and leaves it as it is.
_NO_EFFECT = (str(_OWN / "zoo" / "own.py"), "model")
_LIBRARIES = tuple({Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")})
_PLAIN = (type(None), bool, int, float, complex, str, bytes, PurePath)


class UnreadableCodeError(RequestError):
    """Something decides a result and its code cannot be read; the message says what and why."""


def code_sha256(*roots: object, besides: Sequence[Callable[..., object]] = ()) -> str:
    """SHA-256 of what `roots` do: their own code and all that it uses.

    Args:
        roots: Functions, classes, methods, `partial`s, or objects whose fields are of these kinds
            or plain values. Of what an installed library defines only the name counts.
        besides: Top-level functions whose code does not count, because what they give is part of
            the key in another form, such as a checksum.

    Raises:
        UnreadableCodeError: The code of something cannot be read, or a value has no stable form.
    """
    walk = _Walk()
    for function in besides:
        assert isinstance(function, FunctionType)
        walk.found[function.__code__.co_filename, function.__name__] = function.__name__
    described = [walk.value(root) for root in roots]
    content = json.dumps([described, list(walk.found.values())], separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True)
class _Module:
    """A module's top-level definitions by name, and where its imported names come from."""

    tree: ast.Module
    definitions: Mapping[str, tuple[ast.stmt, ...]]
    imports: Mapping[str, tuple[str, str | None]]


@dataclass(frozen=True)
class _Statement:
    """What counts of a top-level statement: its shape, the names it reads, the imports inside."""

    shape: object
    names: tuple[str, ...]
    imports: Mapping[str, tuple[str, str | None]]


@dataclass
class _Walk:
    """The definitions met so far, in the order met, so that where they lie plays no part."""

    found: dict[tuple[str, str], object] = field(default_factory=dict)

    def value(self, value: Any) -> object:
        """A stable description of a value; the code that it stands for is added to `found`."""
        if isinstance(value, _PLAIN):
            return repr(value)
        if isinstance(value, Enum):
            return f"{type(value).__qualname__}.{value.name}"
        if isinstance(value, tuple | list):
            return [self.value(item) for item in value]
        if isinstance(value, set | frozenset):
            return sorted(json.dumps(self.value(item)) for item in value)
        if isinstance(value, Mapping):
            return [[self.value(key), self.value(item)] for key, item in value.items()]
        return self._code(value)

    def _code(self, value: Any) -> object:
        """The description of something that runs, or of an object with fields."""
        if isinstance(value, partial):
            return [self.value(part) for part in (value.func, value.args, value.keywords)]
        if isinstance(value, MethodType):
            return [self.value(value.__func__), self.value(value.__self__)]
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, BuiltinFunctionType):
            return f"{value.__module__}.{value.__qualname__}"
        if hasattr(value, "__dict__") and not isinstance(value, ModuleType):
            return [self._class(type(value)), self.value(vars(value))]
        raise UnreadableCodeError(
            f"cannot tell what {value!r} does, and so not when a result of it is out of date; use "
            "a function or class from a file, or a functools.partial with plain values"
        )

    def _function(self, function: FunctionType) -> object:
        file = function.__code__.co_filename
        name = function.__qualname__
        if _of_a_library(file):
            return f"{function.__module__}.{name}"
        module = _read(file, name)
        outermost = name.partition(".")[0]
        if outermost in module.definitions:
            self._definition(file, outermost, function.__globals__)
        else:  # a lambda: which one of its file cannot be told, so all of it counts
            self._add(file, "", module.tree.body, function.__globals__)
        cells = [self.value(cell.cell_contents) for cell in function.__closure__ or ()]
        return [name, cells] if cells else name

    def _class(self, kind: type) -> object:
        name = f"{kind.__module__}.{kind.__qualname__}"
        if _is_library(kind.__module__):
            return name
        file, space = _place(kind)
        if file is None:
            raise UnreadableCodeError(f"cannot find the code of the class {name}")
        if not _of_a_library(file):
            self._definition(file, kind.__qualname__.partition(".")[0], space)
        return kind.__qualname__

    def _definition(self, file: str, name: str, space: Mapping[str, Any]) -> None:
        """Adds the top-level definitions of a name in a file, and what they use."""
        if (file, name) not in self.found and (file, name) != _NO_EFFECT:
            self._add(file, name, _read(file, name).definitions.get(name, ()), space)

    def _add(
        self, file: str, name: str, nodes: Sequence[ast.stmt], space: Mapping[str, Any]
    ) -> None:
        self.found[file, name] = None  # holds its place in the order, and ends recursion
        statements = [_statement(node) for node in nodes]
        self.found[file, name] = [name, [statement.shape for statement in statements]]
        for statement in statements:
            for used in statement.names:
                self._name(file, used, statement.imports, space)

    def _name(
        self,
        file: str,
        used: str,
        local: Mapping[str, tuple[str, str | None]],
        space: Mapping[str, Any],
    ) -> None:
        """Follows a name that a definition uses; `used` may be dotted, for a module's attribute."""
        first, _, attribute = used.partition(".")
        module = _read(file, used)
        if first in module.definitions and first not in local:
            self._definition(file, first, space)  # one may be imported, too: `except ImportError`
        source = local.get(first) or module.imports.get(first)
        if source is None:  # a builtin, a parameter or a local variable
            return
        origin, name = source
        if origin[:1] == ".":
            origin = importlib.util.resolve_name(origin, space["__package__"])
        if _is_module(origin, name):
            origin, name = (f"{origin}.{name}" if name else origin), attribute.partition(".")[0]
        if not name or _is_library(origin):
            return
        target = importlib.import_module(origin)
        if target.__file__ is not None:
            self._imported(target, name)

    def _imported(self, module: ModuleType, name: str) -> None:
        """Adds what a module defines under a name, or passes on from where it imports it."""
        assert module.__file__ is not None
        read = _read(module.__file__, name)
        if name in read.definitions or name in read.imports:
            self._name(module.__file__, name, {}, vars(module))


@lru_cache(maxsize=256)
def _parse(text: str) -> _Module:
    tree = ast.parse(text)
    definitions: dict[str, list[ast.stmt]] = {}
    for node in _top_level(tree.body):
        for name in _bound(node):
            definitions.setdefault(name, []).append(node)
    return _Module(
        tree=tree,
        definitions={name: tuple(nodes) for name, nodes in definitions.items()},
        imports=dict(_imports(_top_level(tree.body))),
    )


@lru_cache(maxsize=4_096)  # most networks use the same ones
def _statement(node: ast.stmt) -> _Statement:
    return _Statement(
        shape=_shape(node),
        names=tuple(dict.fromkeys(_names(node))),
        imports=dict(_imports(ast.walk(node))),
    )


def _read(file: str, what: str) -> _Module:
    linecache.checkcache(file)
    text = "".join(linecache.getlines(file))
    if not text:
        raise UnreadableCodeError(f"cannot read '{file}', the code of {what}; keep it in a file")
    return _parse(text)


def _place(kind: type) -> tuple[str | None, Mapping[str, Any]]:
    """The file that defines a class, and the names that its code sees."""
    module = sys.modules.get(kind.__module__)
    if module is not None and getattr(module, "__file__", None):
        return module.__file__, vars(module)
    for item in vars(kind).values():  # a file that was run and not imported is no module
        if isinstance(item, FunctionType) and item.__code__.co_filename[:1] != "<":
            return item.__code__.co_filename, item.__globals__
    return None, {}


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """A module's statements, those inside `if`, `for`, `try` and `with` included."""
    for node in body:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for part in ("body", "orelse", "finalbody"):
                yield from _top_level(getattr(node, part, []))
            for handler in getattr(node, "handlers", []):
                yield from _top_level(handler.body)


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a statement defines or changes."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            for part in ast.walk(target):
                if isinstance(part, ast.Name):
                    yield part.id


def _imports(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """By the name that an import binds, the module and what is taken from it."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname or top), (alias.name if alias.asname else top, None)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            for alias in node.names:
                yield alias.asname or alias.name, (origin, alias.name)


def _names(node: ast.AST) -> Iterator[str]:
    """The names that a node reads, with the attribute where one is taken: `functional.nll_loss`."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield f"{node.value.id}.{node.attr}"
        return
    if isinstance(node, ast.Name) and not hasattr(builtins, node.id):
        yield node.id
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST):
                yield from _names(part)


def _shape(node: Any, *, in_class: bool = False) -> object:
    """A syntax tree as nested lists, the same in every version of Python that can read it."""
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.AnnAssign) and node.value is not None and not in_class:
        node = ast.Assign(targets=[node.target], value=node.value)  # in a class it makes a field
    inside = isinstance(node, ast.ClassDef)
    parts: list[object] = [type(node).__name__]
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_comment", "kind", "ctx") or not _counts(value):
            continue
        if isinstance(value, list):
            parts.append([name, [_shape(v, in_class=inside) for v in value if _counts(v)]])
        else:
            parts.append([name, _shape(value)])
    return parts


def _counts(value: object) -> bool:
    """Whether a part of a tree has any effect: no import, no docstring, nothing that is absent."""
    if isinstance(value, ast.Expr):
        constant = value.value
        return not (isinstance(constant, ast.Constant) and isinstance(constant.value, str))
    if isinstance(value, list):
        return any(_counts(item) for item in value)
    return value is not None and not isinstance(value, ast.Import | ast.ImportFrom)


@lru_cache(maxsize=1024)
def _of_a_library(file: str) -> bool:
    path = Path(file)
    if any(path.is_relative_to(package) for package in _PACKAGES):
        return False
    return any(path.is_relative_to(folder) for folder in _LIBRARIES)


@lru_cache(maxsize=1024)
def _is_library(module: str) -> bool:
    """Whether a module belongs to Python or an installed library; imports its packages at most."""
    for name in dict.fromkeys((module.partition(".")[0], module)):
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return False
        if spec is None:
            return False
        if spec.origin in ("built-in", "frozen") or (spec.origin and _of_a_library(spec.origin)):
            return True
    return False


def _is_module(origin: str, name: str | None) -> bool:
    """Whether `import origin`, or `from origin import name`, binds a module."""
    if name is None:
        return True
    if _is_library(origin):
        return False
    try:
        return importlib.util.find_spec(f"{origin}.{name}") is not None
    except ImportError:
        return False
