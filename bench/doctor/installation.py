"""Whether the packages are there in versions that fit, and fit together."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata

from bench.doctor.finding import Finding

PART = "installation"
PROJECT = "tutorial-zoo-bench"
# What only some commands need, and what installs it.
OPTIONAL = {
    "lightning": "nox -s overhead",
    "skorch": "nox -s overhead",
    "onnxruntime": "nox -s overhead",
    "torchao": "nox -s overhead",
    "mkdocs-material": "nox -s site",
    "hypothesis": "nox -s tests",
}
_INSTALL = "pip install -e . in the project's folder, in the same environment"


def installation() -> Iterator[Finding]:
    """Every package that is needed, and those that some commands need."""
    yield Finding(
        part=PART,
        subject="Python",
        found=sys.version.split()[0],
        remedy="" if sys.version_info >= (3, 11) else "install Python 3.11 or newer",
    )
    try:
        needed = metadata.requires(PROJECT) or []
    except metadata.PackageNotFoundError:
        yield Finding(part=PART, subject=PROJECT, found="not installed", remedy=_INSTALL)
        needed = []
    for requirement in needed:
        if ";" not in requirement:
            yield package(requirement)
    yield torchvision()
    for name, command in OPTIONAL.items():
        found = version_of(name)
        yield Finding(
            part=PART, subject=name, found=found or f"not installed; {command} brings it along"
        )


def package(requirement: str) -> Finding:
    """Whether a package is there in a version that is new enough.

    Args:
        requirement: As in `pyproject.toml`: `torch>=2.11`.
    """
    from packaging.requirements import Requirement

    wanted = Requirement(requirement)
    found = version_of(wanted.name)
    if found is None:
        return Finding(part=PART, subject=wanted.name, found="not installed", remedy=_INSTALL)
    fits = wanted.specifier.contains(found, prereleases=True)
    remedy = "" if fits else f"{wanted.specifier} is needed: {_INSTALL}"
    return Finding(part=PART, subject=wanted.name, found=found, remedy=remedy)


def torchvision() -> Finding:
    """Whether torchvision was built for the torch that is installed."""
    from packaging.requirements import Requirement

    subject = "torch and torchvision"
    torch = version_of("torch")
    try:
        needed = [Requirement(line) for line in metadata.requires("torchvision") or ()]
    except metadata.PackageNotFoundError:
        needed = []
    specifiers = [item.specifier for item in needed if item.name == "torch"]
    if torch is None or not specifiers:
        return Finding(part=PART, subject=subject, found="cannot be compared", remedy=_INSTALL)
    if all(specifier.contains(torch, prereleases=True) for specifier in specifiers):
        return Finding(part=PART, subject=subject, found="fit together")
    wanted = " and ".join(map(str, specifiers))
    return Finding(
        part=PART,
        subject=subject,
        found=f"torchvision needs torch {wanted}, and {torch} is there",
        remedy="install both anew: pip install --upgrade torch torchvision",
    )


def version_of(name: str) -> str | None:
    """The version of an installed package; None if it is not there."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
