"""TensorBoard's profiler plugin, with pages that need nothing from other machines.

The plugin's own pages load two scripts from the Web: Google's charts, without which no view appears
at all, and what today's browsers lack for the viewer of traces. Here both come from this package.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch_tb_profiler
from torch_tb_profiler.plugin import TorchProfilerPlugin
from werkzeug import Request, Response

PAGES = Path(torch_tb_profiler.__file__).parent / "static"
ASSETS = Path(__file__).parent / "assets"
CHARTS = ("plotly.js", "charts.js")
ELEMENTS = "webcomponents.min.js"
FROM_THE_WEB = {
    "index.html": ("https://www.gstatic.com/charts/loader.js", CHARTS),
    "trace_embedding.html": (
        "https://cdnjs.cloudflare.com/ajax/libs/webcomponentsjs/0.7.24/webcomponents.min.js",
        (ELEMENTS,),
    ),
}


class OfflineProfiler(TorchProfilerPlugin):  # type: ignore[misc]  # which has no types
    """The plugin under its own name, and with all its data."""

    def get_plugin_apps(self) -> dict[str, Callable[..., Any]]:
        """What answers each address below that of the plugin."""
        apps: dict[str, Callable[..., Any]] = super().get_plugin_apps()
        apps |= {f"/{name}": _answer(_page(name), "text/html") for name in FROM_THE_WEB}
        for name in (*CHARTS, ELEMENTS):
            apps[f"/{name}"] = _answer(_script(name), "text/javascript")
        return apps


def _page(name: str) -> str:
    """A page of the plugin that takes its scripts from this package."""
    address, scripts = FROM_THE_WEB[name]
    own = '"></script><script src="'.join(scripts)
    return (PAGES / name).read_text(encoding="utf-8").replace(address, own)


def _script(name: str) -> str:
    if name == "plotly.js":
        from plotly.offline import get_plotlyjs

        text: str = get_plotlyjs()
        return text
    return (ASSETS / name).read_text(encoding="utf-8")


def _answer(content: str, kind: str) -> Callable[..., Any]:
    @Request.application
    def answer(_: Request) -> Response:
        return Response(content, content_type=f"{kind}; charset=utf-8")

    return answer
