"""TensorBoard's profiler plugin, with charts that need nothing from other machines.

The plugin's own page loads Google's charts from the Web, and without them no view appears at all.
Here the charts come from this package. The viewer of traces is as it was: it loads from the Web
what browsers of today lack.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch_tb_profiler
from plotly.offline import get_plotlyjs
from torch_tb_profiler.plugin import TorchProfilerPlugin
from werkzeug import Request, Response

PAGE = Path(torch_tb_profiler.__file__).parent / "static" / "index.html"
OWN_CHARTS = Path(__file__).parent / "assets" / "charts.js"
GOOGLES_CHARTS = "https://www.gstatic.com/charts/loader.js"


class OfflineProfiler(TorchProfilerPlugin):  # type: ignore[misc]  # which has no types
    """The plugin under its own name, and with all its data."""

    def get_plugin_apps(self) -> dict[str, Callable[..., Any]]:
        """What answers each address below that of the plugin."""
        apps: dict[str, Callable[..., Any]] = super().get_plugin_apps()
        return apps | {
            "/index.html": _answer(_page(), "text/html"),
            "/plotly.js": _answer(get_plotlyjs(), "text/javascript"),
            "/charts.js": _answer(OWN_CHARTS.read_text(encoding="utf-8"), "text/javascript"),
        }


def _page() -> str:
    """The plugin's page, with charts from here."""
    own = 'plotly.js"></script><script src="charts.js'
    return PAGE.read_text(encoding="utf-8").replace(GOOGLES_CHARTS, own)


def _answer(content: str, kind: str) -> Callable[..., Any]:
    @Request.application
    def answer(_: Request) -> Response:
        return Response(content, content_type=f"{kind}; charset=utf-8")

    return answer
