"""`python -m zoo` lists the zoo; `python -m zoo NAME` shows one entry layer by layer."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import zoo
from zoo.layers import Layer, Shape
from zoo.spec import ModelSpec

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PLAIN_WIDTH = 200  # columns where the output is no terminal
ZOO_HELP = "a Python file, or a module by its name, with networks of your own; it is run"


def main(arguments: list[str] | None = None) -> int:
    """Prints what was asked for; exit code 2 for a name that the zoo does not have."""
    parser = argparse.ArgumentParser(prog="python -m zoo", description=__doc__)
    parser.add_argument("name", nargs="?", help="one entry, layer by layer (default: all)")
    parser.add_argument("--zoo", metavar="FILE", help=ZOO_HELP)
    options = parser.parse_args(arguments)
    name: str | None = options.name
    try:
        if options.zoo is not None:
            zoo.add(options.zoo)
        spec = None if name is None else zoo.get(name)
    except (zoo.UnknownModelError, zoo.ExtensionError) as error:
        print(error, file=sys.stderr)
        return 2
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    if spec is None:
        console.print(zoo_table())
    else:
        show(spec, console)
    return 0


def zoo_table() -> Table:
    """All entries: name, document, input, layers, parameters, recipe."""
    from rich.table import Table

    table = Table(title="The zoo", row_styles=["", "dim"])
    table.add_column("name", no_wrap=True)
    for column in ("document", "input", "layers"):
        table.add_column(column)
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("recipe of the document")
    for name in zoo.names():
        spec = zoo.get(name)
        table.add_row(
            name,
            spec.document.id,
            _times(spec.input_shape),
            _in_short(spec.layers or ()) or "-",
            "-" if spec.declared_parameters is None else f"{spec.declared_parameters:,}",
            f"{spec.recipe} ({spec.recipe.dataset})" if spec.has_recipe else "-",
        )
    return table


def show(spec: ModelSpec, console: Console) -> None:
    """Prints one entry: origin, layers with shapes, the module as torch prints it, deviations."""
    console.print(f"[bold]{spec.name}[/bold]  {spec.document.id}: {spec.document.title}")
    if spec.layers is not None:
        console.print(_layers_table(spec, spec.layers))
    import torch

    with torch.device("meta"):
        console.print(str(spec.build()), highlight=False)
    console.print(f"output: {spec.output}")
    if spec.has_recipe:
        console.print(f"recipe: {spec.recipe}, data: {spec.recipe.dataset}")
    for deviation in spec.deviations:
        console.print(f"deviation: {deviation.what} ({deviation.reason})")


def _layers_table(spec: ModelSpec, layers: tuple[Layer, ...]) -> Table:
    from rich.table import Table

    table = Table()
    table.add_column("layer")
    for column in ("output shape", "parameters", "multiply-accumulates"):
        table.add_column(column, justify="right")
    table.add_row("input", _times(spec.input_shape), "", "")
    before = spec.input_shape
    for layer, shape in zip(layers, spec.shapes, strict=True):
        table.add_row(str(layer), _times(shape), f"{layer.parameters:,}", f"{layer.macs(before):,}")
        before = shape
    table.add_section()
    table.add_row("all", "", f"{spec.declared_parameters:,}", f"{spec.declared_macs:,}")
    return table


def _times(shape: Shape) -> str:
    return "x".join(map(str, shape))


def _in_short(layers: tuple[Layer, ...]) -> str:
    """The layers in order; a new group starts with each layer that has parameters."""
    groups: list[list[str]] = []
    for layer in layers:
        if layer.parameters or not groups:
            groups.append([])
        groups[-1].append(str(layer))
    return "; ".join(", ".join(group) for group in groups)


if __name__ == "__main__":
    raise SystemExit(main())
