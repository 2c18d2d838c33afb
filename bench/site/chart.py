"""The chart of the front page: test errors over the time that training takes, or over size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.writing.marks import marks
from bench.writing.style import GREY, GRID, INK, darkened

if TYPE_CHECKING:
    import pandas as pd

_SYMBOLS = {
    "D": "diamond",
    "s": "square",
    "v": "triangle-down",
    "X": "x",
    "P": "cross",
    "d": "diamond-tall",
    "o": "circle",
    "^": "triangle-up",
    "h": "hexagon",
    "*": "star",
    "p": "pentagon",
    "<": "triangle-left",
    ">": "triangle-right",
}
_PANEL_PIXELS, _LEGEND_PIXELS = 330, 200
_TIME, _SIZE = "microseconds of training for one example", "parameters"
_PANEL = ["report", "device"]
_HOVER = (
    "<b>%{customdata[0]}</b><br>test error %{y:.2%}<br>%{customdata[1]} parameters"
    "<br>%{customdata[2]} µs of training for one example<extra></extra>"
)


def chart(rows: pd.DataFrame) -> dict[str, str]:
    """The chart as Plotly's JSON, by the mode of the page: `light`, `dark`.

    Args:
        rows: Those of the leaderboard; a panel for each report and device.
    """
    light = _figure(rows.dropna(subset="test_accuracy_mean")).to_json()
    # A page ends a script where this is read, whatever is around it.
    safe = str(light).replace("<", "\\u003c")
    return {"light": safe, "dark": darkened(safe)}


def _figure(rows: pd.DataFrame) -> Any:
    from plotly.subplots import make_subplots

    panels = [(name, panel) for name, panel in rows.groupby(_PANEL, sort=True)]
    titles = [_title(panel) for _, panel in panels]
    height = _PANEL_PIXELS * len(panels)
    figure = make_subplots(
        rows=max(1, len(panels)), subplot_titles=titles, vertical_spacing=100 / max(height, 101)
    )
    shown: set[str] = set()
    for place, (_, panel) in enumerate(panels, start=1):
        for trace in _traces(panel, shown):
            figure.add_trace(trace, row=place, col=1)
    figure.update_xaxes(title_text=_TIME, title_standoff=6, rangemode="tozero")
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(gridcolor=GRID, zerolinecolor=GRID)
    figure.update_yaxes(type="log", title_text="test error", tickformat=".2~%")
    figure.update_layout(
        height=height + _LEGEND_PIXELS,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": INK},
        margin={"l": 60, "r": 10, "t": 80, "b": 60},
        legend={"orientation": "h", "yanchor": "top", "y": -70 / max(height, 1)},
        updatemenus=[_choice(len(panels), [*figure.data])],
    )
    return figure


def _title(panel: pd.DataFrame) -> str:
    first = panel.iloc[0]
    return f"{first['report']}, {first['device']}"


def _traces(panel: pd.DataFrame, shown: set[str]) -> list[Any]:
    """A point for each network; the legend names it where `shown` has not got it yet."""
    import plotly.graph_objects as go

    styles = marks(list(panel["model"]))
    traces = []
    for row in panel.to_dict("records"):
        model, (colour, symbol) = row["model"], styles[row["model"]]
        error, time = 1 - row["test_accuracy_mean"], _microseconds(row)
        size = _known(row["parameters"])
        traces.append(
            go.Scatter(
                x=[time],
                y=[error],
                mode="markers",
                name=model,
                legendgroup=model,
                showlegend=model not in shown,
                marker={"color": colour, "symbol": _SYMBOLS[symbol], "size": 11},
                error_y=_interval(row, error),
                customdata=[[model, _words(size), _words(time)]],
                meta={_TIME: time, _SIZE: size},
                hovertemplate=_HOVER,
            )
        )
        shown.add(model)
    return traces


def _microseconds(row: dict[Any, Any]) -> float | None:
    speed = _known(row["train_samples_per_second"])
    return None if speed is None else 1e6 / speed


def _interval(row: dict[Any, Any], error: float) -> dict[str, Any]:
    low, high = (_known(row[f"test_accuracy_{end}"]) for end in ("low", "high"))
    if low is None or high is None:
        return {"visible": False}
    above, below = (1 - low) - error, error - (1 - high)
    return {"array": [above], "arrayminus": [below], "symmetric": False, "thickness": 1.2}


def _known(value: Any) -> float | None:
    import pandas as pd

    return None if pd.isna(value) or not math.isfinite(value) else float(value)


def _words(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.0f}"


def _choice(panels: int, traces: Sequence[Any]) -> dict[str, Any]:
    """Buttons for what the errors are shown over."""
    axes = ["xaxis", *(f"xaxis{number}" for number in range(2, panels + 1))]
    kinds = {_TIME: "linear", _SIZE: "log"}
    buttons = [
        {
            "label": label,
            "method": "update",
            "args": [
                {"x": [[trace.meta[over]] for trace in traces]},
                {
                    **{f"{axis}.title.text": over for axis in axes},
                    **{f"{axis}.type": kinds[over] for axis in axes},
                    **{f"{axis}.autorange": True for axis in axes},
                },
            ],
        }
        for label, over in (("over time", _TIME), ("over parameters", _SIZE))
    ]
    return {
        "type": "buttons",
        "direction": "right",
        "buttons": buttons,
        "showactive": True,
        "x": 0,
        "xanchor": "left",
        "y": 1,
        "yanchor": "bottom",
        "pad": {"b": 32},
        # Plotly has one fixed light colour for a button that is chosen, so these suit both modes.
        "bgcolor": "#c9d1d9",
        "bordercolor": GREY,
        "font": {"color": "#111111"},
    }
