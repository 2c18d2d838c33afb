"""What is done with this project: `nox -s bench`, `track`, `profile`, `tests`, `lint` and more."""

from __future__ import annotations

import json
from pathlib import Path

import nox

nox.options.default_venv_backend = "uv"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_existing_virtualenvs = True

# Whole files, because the tests of one share runs that take seconds to make; in the order of
# tests/conftest.py.
SIDE_BY_SIDE = (
    *("--numprocesses=logical", "--maxprocesses=4"),
    *("--dist=loadfile", "--no-loadscope-reorder"),
)
PYPROJECT = nox.project.load_toml("pyproject.toml")


def _install(session: nox.Session, *groups: str) -> None:
    """Installs the project as it lies here, with the dependency groups named."""
    session.install("--editable", ".", *nox.project.dependency_groups(PYPROJECT, *groups))


@nox.session
def bench(session: nox.Session) -> None:
    """Compares networks and writes a report; arguments go to `python -m bench.compare`.

    Then times the same networks by pytest-benchmark, for the same report.
    """
    _install(session)
    arguments = session.posargs or ["--models", "all"]
    session.run("python", "-m", "bench.compare", *arguments)
    if {"--dry-run", "--list-models", "--list-data"}.isdisjoint(arguments):
        session.run("python", "-m", "bench.suite", *arguments)


@nox.session
def track(session: nox.Session) -> None:
    """Times networks by pytest-benchmark and compares with the last saved run."""
    _install(session)
    session.run("python", "-m", "bench.suite.track", *session.posargs)


@nox.session
def claims(session: nox.Session) -> None:
    """Decides the documents' claims; arguments go to `python -m bench.claims`.

    Fails when a claim is undecided, or not decided as the ledger has it.
    """
    _install(session)
    session.run("python", "-m", "bench.claims", *session.posargs)


@nox.session
def counting(session: nox.Session) -> None:
    """Runs the counting exercise for real; arguments go to `python -m bench.counting`."""
    _install(session)
    session.run("python", "-m", "bench.counting", *session.posargs)


@nox.session
def overhead(session: nox.Session) -> None:
    """Measures what this suite's own code costs, beside documents' loops and other trainers.

    Then what each execution mode of torch and of other run times brings. What was stopped goes on.
    """
    _install(session, "peers", "modes")
    session.run("python", "-m", "bench.overhead", *session.posargs)


@nox.session
def time_to_accuracy(session: nox.Session) -> None:
    """Measures how long each network takes to 97, 98, 98.5 and 99% on MNIST."""
    _install(session)
    session.run("python", "-m", "bench.time_to_accuracy", *session.posargs)


@nox.session
def gpu(session: nox.Session) -> None:
    """Runs all that needs a GPU; arguments go to `python -m bench.gpu_check`."""
    _install(session, "tests")
    session.run("python", "-m", "bench.gpu_check", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """Makes a website of all reports; arguments go to `python -m bench.site`."""
    _install(session, "site")
    session.run("python", "-m", "bench.site", *session.posargs)


@nox.session
def notebook(session: nox.Session) -> None:
    """Runs docs/from-python.ipynb and stores its outputs."""
    _install(session, "notebook")
    session.run("jupyter", "execute", "--inplace", "docs/from-python.ipynb")


@nox.session
def profile(session: nox.Session) -> None:
    """Profiles training steps; arguments go to `python -m bench.profile`."""
    _install(session)
    session.run("python", "-m", "bench.profile", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Runs the tests, a file to each process; no network, no GPU needed."""
    _install(session, "tests")
    # Bytecode is kept even where the caller forbids it; otherwise each of hundreds of processes
    # compiles torch's source and this project's anew.
    keep_bytecode = {"PYTHONDONTWRITEBYTECODE": ""}
    session.run("pytest", *SIDE_BY_SIDE, *session.posargs, env=keep_bytecode)


@nox.session
def slow(session: nox.Session) -> None:
    """Runs the tests that take minutes."""
    _install(session, "tests", "site", "browser", "notebook", "trackers")
    session.run("pytest", "-m", "slow", *session.posargs)
    session.run("pytest", "-m", "hypothesis", "--hypothesis-profile", "thorough", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Changes the core at random places and counts what the tests notice (docs/mutants.md)."""
    # Its processes keep no bytecode, and each would compile torch's source anew.
    session.env["UV_COMPILE_BYTECODE"] = "1"
    _install(session, "tests", "mutants")
    session.run("python", "-m", "studies.mutants", *session.posargs)


@nox.session
def audit(session: nox.Session) -> None:
    """Looks all installed packages up among known vulnerabilities; needs the network."""
    _install(session)
    session.install(*nox.project.dependency_groups(PYPROJECT, "audit"))
    answer = Path(session.create_tmp()) / "audit.json"
    answer.unlink(missing_ok=True)
    # It ends with 1 where it finds something, and where nobody answers it.
    session.run(
        *("pip-audit", "--skip-editable", "--progress-spinner", "off"),
        *("--format", "json", "--output", str(answer), *session.posargs),
        silent=True,
        success_codes=[0, 1],
    )
    packages = json.loads(answer.read_text())["dependencies"] if answer.exists() else []
    known = [package for package in packages if "vulns" in package]
    if not known:
        session.error("nothing was audited: the service that knows vulnerabilities did not answer")
    for package in known:
        for found in package["vulns"]:
            mended = ", ".join(found["fix_versions"]) or "none yet"
            session.warn(
                f"{package['name']} {package['version']}: {found['id']}, mended in {mended}"
            )
    session.log(f"{len(known)} of {len(packages)} packages were looked up")
    if any(package["vulns"] for package in known):
        session.error("known vulnerabilities, see above; install the versions that mend them")


@nox.session
def lint(session: nox.Session) -> None:
    """Checks style, format, and that imports between rooms run one way."""
    session.install(*nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Checks types."""
    _install(session, "tests", "types")
    session.install("nox")
    session.run("mypy")
