"""`python -m studies.mutants`: do the tests notice when the core of the suite is changed?

A mutant is the program with one small change: `<` is `<=`, 1 is 2, `and` is `or`. cosmic-ray makes
them, one at a place. A test that fails kills a mutant; one that no test notices survives. There are
too many to try, so every file of the core gives a random share of its own.

Two kinds of changes are no mutants and are left out: those that Python cannot read, and those of
annotations that nothing reads when the program runs.

The repository is copied first, and only the copy is changed. Results are kept in a file, a line for
each mutant. The same command goes on where it was stopped, and tries again what has survived.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import difflib
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Literal

from scipy import stats

from studies.mutant_subjects import LEFT_OUT, SUBJECTS

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "build" / "mutants.jsonl"
SAMPLE, SEED = 250, 1
# What a mutant may take, of the processor and of memory; the tests need a third and a half of it.
MOST_SECONDS, MOST_BYTES = 60, 8 * 2**30
# Imported once, and not for every mutant.
_PRELOADED = (
    *("torch._dynamo", "pandas", "matplotlib.pyplot", "scipy.stats", "sklearn", "jinja2", "rich"),
    *("statsmodels.formula.api", "statsmodels.stats.power", "statsmodels.stats.multitest"),
    *("msgspec", "filelock", "joblib", "safetensors.torch", "PIL.Image", "hypothesis", "pytest"),
)
_LEFT_BEHIND = (".*", "__pycache__", "local-*", "weights", "build", "dist", "site")

Outcome = Literal["no program", "no change", "killed", "timed out", "survived"]
# By exit code; all others are of tests that fail, or cannot even begin.
_OUTCOMES: Mapping[int, Outcome] = {
    0: "survived",
    -signal.SIGXCPU: "timed out",
    -signal.SIGKILL: "timed out",
}


@dataclass(frozen=True, kw_only=True)
class Change:
    """A place where cosmic-ray changes a file, and how.

    Attributes:
        file: The path in the repository.
        operator: cosmic-ray's name of what it does.
        occurrence: At which of the places of the file where that can be done, from 0 on.
        line: Of the file, from 1 on.
    """

    file: str
    operator: str
    occurrence: int
    line: int


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What has come of a change.

    Attributes:
        change: Which one.
        outcome: What its tests say.
        by: The test that failed first, if one has.
        seconds: What the tests took.
        lines: The lines that were changed, before and after.
    """

    change: Change
    outcome: Outcome
    by: str
    seconds: float
    lines: str


@dataclass(frozen=True, kw_only=True)
class Share:
    """How many of the mutants that were tried are killed, with a 95% interval (Wilson 1927)."""

    killed: int
    tried: int
    low: float
    high: float


def main() -> int:
    """Tries a sample of mutants and prints what the tests have noticed."""
    options = _options()
    chosen = [file for file in SUBJECTS if fnmatch(file, options.only)]
    options.results.parent.mkdir(parents=True, exist_ok=True)
    known = read(options.results)
    drawn = draw(options.sample, options.seed)
    open_ones = [c for c in drawn if c.file in chosen and (c not in known or is_alive(known[c]))]
    # In any order, so that a study that is stopped is a random sample, too; survivors come last.
    random.Random(options.seed).shuffle(open_ones)
    open_ones.sort(key=known.__contains__)
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder) / "tree")
        if not options.unchecked:
            require_passing({change.file for change in open_ones}, tree)
        for tried in run(open_ones, tree):
            known[tried.change] = tried
            with options.results.open("a") as file:
                file.write(json.dumps(asdict(tried)) + "\n")
            print(
                f"{tried.change.file}:{tried.change.line}: {tried.outcome} {tried.by}", flush=True
            )
    found = [known[c] for c in drawn if c in known and c.file in chosen]
    print("\n".join([*table(drawn, found), "", *survivors(found)]))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m studies.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=SAMPLE, help=f"changes to draw ({SAMPLE})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the draw ({SEED})")
    parser.add_argument("--only", default="*", help="files, such as 'bench/statistics/*'")
    parser.add_argument(
        "--unchecked", action="store_true", help="does not run the tests without a change first"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help=f"({RESULTS})")
    return parser.parse_args()


def read(path: Path) -> dict[Change, Tried]:
    """What is known already, the latest of each change."""
    lines = path.read_text().splitlines() if path.exists() else []
    known = [json.loads(line) for line in lines]
    tried = [Tried(**{**line, "change": Change(**line["change"])}) for line in known]
    return {one.change: one for one in tried}


def is_alive(tried: Tried) -> bool:
    """Whether no test has noticed it."""
    return tried.outcome == "survived"


@cache
def changes_of(file: str) -> tuple[Change, ...]:
    """All that cosmic-ray can change in a file."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = list(ast_nodes(get_ast((ROOT / file).read_text())))
    found = []
    for name in sorted(operator_names()):
        kind = get_operator(name)
        if not kind.arguments():
            operator = kind()
            places = [place for node in nodes for place in operator.mutation_positions(node)]
            found += [
                Change(file=file, operator=name, occurrence=number, line=start[0])
                for number, (start, _) in enumerate(places)
            ]
    return tuple(found)


def draw(size: int, seed: int) -> list[Change]:
    """A random sample of all changes: of each file in proportion to how many it has, at least one.

    Args:
        size: About how many.
        seed: The same seed draws the same ones, as long as a file is the same.
    """
    total = sum(len(changes_of(file)) for file in SUBJECTS)
    drawn: list[Change] = []
    for file in SUBJECTS:
        found = changes_of(file)
        number = max(1, round(size * len(found) / total))
        shuffled = random.Random(f"{seed} {file}").sample(found, len(found))
        drawn += shuffled[:number]  # so that a larger sample holds the smaller one
    return drawn


def changed(change: Change) -> str:
    """The text of the file with the change."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    text = (ROOT / change.file).read_text()
    return str(mutate_code(text, get_operator(change.operator)(), change.occurrence))


def meaning(text: str) -> str:
    """A program's syntax tree without the annotations that nothing reads.

    msgspec reads those of the fields of its classes, which have a base. Nothing else reads any.

    Raises:
        SyntaxError: It is no program.
    """
    tree = ast.parse(text)
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.bases]
    fields = {id(field) for kind in classes for field in kind.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.AnnAssign) and id(node) not in fields:
            node.annotation = ast.Constant(value=None)
    return ast.dump(tree)


def copied(tree: Path) -> Path:
    """A copy of the repository, compiled; files are told apart by content, not by time."""
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*_LEFT_BEHIND))
    compileall.compile_dir(tree, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return tree


def require_passing(files: Iterable[str], tree: Path) -> None:
    """Runs the tests of some files without any change, each within the limits of a mutant.

    Raises:
        RuntimeError: One fails, so that a mutant would be called killed that is not.
    """
    for tests in sorted({SUBJECTS[file] for file in files}):
        ended, by, _ = tested(tests, tree)
        if ended != 0:
            raise RuntimeError(f"a test fails without any change: {by or tests}; mend it first")


def run(changes: Iterable[Change], tree: Path) -> Iterator[Tried]:
    """Tries one change after the other in a copy of the repository."""
    for change in changes:
        before, after = (ROOT / change.file).read_text(), changed(change)
        outcome, by, seconds = _unread(before, after), "", 0.0
        if outcome is None:
            (tree / change.file).write_text(after)
            ended, by, seconds = tested(SUBJECTS[change.file], tree)
            (tree / change.file).write_text(before)
            outcome = _OUTCOMES.get(ended, "killed")
        yield Tried(
            change=change,
            outcome=outcome,
            by=by,
            seconds=round(seconds, 1),
            lines="\n".join(_changed_lines(before, after)),
        )


def _changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0)
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def _unread(before: str, after: str) -> Outcome | None:
    """Why a change makes no mutant; None if it makes one."""
    try:
        return "no change" if meaning(before) == meaning(after) else None
    except SyntaxError:
        return "no program"


def tested(tests: Sequence[str], tree: Path) -> tuple[int, str, float]:
    """Runs tests until one fails: the exit code, that test, and the seconds it took.

    Args:
        tests: Names of files, or of one test of a file: `plan`, `plan::test_all_on_sums`.
        tree: The copy of the repository.
    """
    named = [test.partition("::") for test in tests]
    files = [f"tests/test_{file}.py{colons}{test}" for file, colons, test in named]
    log = tree.parent / "log.txt"
    started = time.monotonic()
    process = _context().Process(target=_pytest, args=(files, tree, log))
    process.start()
    try:
        process.join()  # pytest-timeout and the limit below end what never ends
    finally:
        if process.is_alive():
            os.killpg(process.pid or 0, signal.SIGKILL)
    ended = process.exitcode or 0
    said = log.read_text(errors="replace").splitlines()
    failed = [line for line in said if line.startswith(("FAILED", "ERROR"))] if ended else []
    return ended, "".join(failed[:1]).partition(" - ")[0], time.monotonic() - started


@cache
def _context() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOADED))
    return context


def _pytest(files: Sequence[str], tree: Path, log: Path) -> None:
    """Runs pytest in this process, which has imported nothing of the repository."""
    os.setsid()  # so that all that it starts is ended with it
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    os.environ["PYTHONPATH"] = str(tree)
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # of plugins one is asked for
    sys.dont_write_bytecode = True
    with _output_in(log):
        import pytest

        leave_out = [f"--deselect={test}" for test in LEFT_OUT]
        plugins = ["-p", "no:cacheprovider", "-p", "pytest_timeout"]
        code = pytest.main(["-x", "-q", *plugins, *leave_out, *files])
    raise SystemExit(int(code))


@contextmanager
def _output_in(log: Path) -> Iterator[None]:
    """Sends all output of this process into a file."""
    with log.open("w") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
        yield
        sys.stdout.flush()


def share(tried: Iterable[Tried]) -> Share | None:
    """How many are killed; a mutant whose tests never end is. None where none was tried."""
    outcomes = [t.outcome for t in tried if t.outcome not in ("no program", "no change")]
    if not outcomes:
        return None
    killed = len(outcomes) - outcomes.count("survived")
    interval = stats.binomtest(killed, len(outcomes)).proportion_ci(0.95, method="wilson")
    return Share(
        killed=killed, tried=len(outcomes), low=float(interval.low), high=float(interval.high)
    )


def table(drawn: Sequence[Change], found: Sequence[Tried]) -> list[str]:
    """A row for each file and one for all, in Markdown."""
    rows = [
        "| file | changes | drawn | mutants | killed | survived | killed, 95% interval |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for name in (*SUBJECTS, "all"):
        of_file = [t for t in found if name in (t.change.file, "all")]
        one = share(of_file)
        if one is not None:
            possible = sum(len(changes_of(file)) for file in SUBJECTS if name in (file, "all"))
            taken = sum(name in (change.file, "all") for change in drawn)
            rows.append(
                f"| {name} | {possible} | {taken} | {one.tried} | {one.killed} "
                f"| {one.tried - one.killed} | {one.killed / one.tried:.0%}, "
                f"{one.low:.0%} to {one.high:.0%} |"
            )
    return rows


def survivors(found: Iterable[Tried]) -> list[str]:
    """What no test has noticed."""
    return [
        f"{t.change.file}:{t.change.line} {t.change.operator}\n{t.lines}"
        for t in sorted(found, key=lambda t: (t.change.file, t.change.line))
        if is_alive(t)
    ]


if __name__ == "__main__":
    raise SystemExit(main())
