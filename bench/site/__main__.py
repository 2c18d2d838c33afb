"""`python -m bench.site`: all reports as a website that opens from disk, without a server.

Every report and the page on the method become pages; the front page ranks all networks of all
comparisons. Nothing in it is fetched from the network. It needs the dependency group `site`.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bench.cli.parser import Parser, add_reports, command
from bench.records.errors import RequestError

FOLDER = Path("site")
# By the name that is imported, the package that has it.
PACKAGES = {"itables": "itables", "material": "mkdocs-material"}


@command("bench.site")
def main(arguments: list[str] | None) -> int:
    """Builds the website; exit code 2 where there is no report, or a link leads nowhere."""
    parser = Parser("bench.site", __doc__)
    parser.add_argument("--to", type=Path, default=FOLDER, help=f"folder to write ({FOLDER})")
    add_reports(parser)
    options = parser.parse_args(arguments)
    missing = [package for name, package in PACKAGES.items() if find_spec(name) is None]
    if missing:
        raise RequestError(
            f"the website needs {', '.join(missing)}: pip install {' '.join(missing)}"
        )
    from bench.site.pages import find_reports

    reports = find_reports(options.reports)  # before anything heavy is loaded
    from bench.site.build import build

    print(build(reports, options.to))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
