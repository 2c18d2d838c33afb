"""The leaderboard: one row per report, network and device, from every `results.csv`."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any

from bench.site.pages import REPORT, ReportPage

if TYPE_CHECKING:
    import pandas as pd

TABLE_ID = "networks"
COLUMNS = (
    *("model", "test_accuracy_mean", "test_accuracy_low", "test_accuracy_high", "seeds"),
    *("parameters", "macs", "train_samples_per_second", "inference_samples_per_second"),
    *("dataset", "recipe", "device", "status"),
)
_WHOLE = ("seeds", "parameters", "macs")
# As they are called in the table. Those that a reader chooses values of come last but one.
_NUMBERS = ("right, %", "runs", "parameters", "MACs", "training, 1/s", "inference, 1/s")
_CHOSEN = ("data set", "recipe", "device")
_ACCURACY = 1  # where its column is


def leaderboard(reports: Iterable[ReportPage]) -> pd.DataFrame:
    """The rows of all comparisons, unrounded as in `results.csv`, best first.

    Returns:
        `COLUMNS`, and `report`: the report's name. Reports whose `results.csv` is of another kind,
        or that have none, have no rows here.
    """
    import pandas as pd

    tables = [_rows(report) for report in reports]
    rows = [table for table in tables if table is not None]
    if not rows:
        return pd.DataFrame(columns=[*COLUMNS, "report"])
    return pd.concat(rows, ignore_index=True).sort_values(
        ["test_accuracy_mean", "model"], ascending=[False, True], ignore_index=True
    )


def _rows(report: ReportPage) -> pd.DataFrame | None:
    import pandas as pd

    path = report.folder / "results.csv"
    if not path.is_file():
        return None
    table = pd.read_csv(path)
    if not set(COLUMNS) <= set(table.columns):
        return None
    whole = table[list(COLUMNS)].astype(dict.fromkeys(_WHOLE, "Int64"))
    return whole.assign(report=report.name)


def shown(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows as text and HTML, rounded, under the headings of the table."""
    import pandas as pd

    table = pd.DataFrame([_shown(row) for row in rows.to_dict("records")])
    return table.drop(columns="status") if (rows["status"] == "ok").all() else table


def _shown(row: dict[Any, Any]) -> dict[str, str]:
    report = escape(row["report"], quote=True)
    return {
        "network": f"<code>{escape(row['model'])}</code>",
        "right, %": _number(row["test_accuracy_mean"], 2, 100),
        "95% interval": " to ".join(
            filter(None, (_number(row[f"test_accuracy_{end}"], 2, 100) for end in ("low", "high")))
        ),
        "runs": _number(row["seeds"]),
        "parameters": _number(row["parameters"]),
        "MACs": _number(row["macs"]),
        "training, 1/s": _number(row["train_samples_per_second"]),
        "inference, 1/s": _number(row["inference_samples_per_second"]),
        "data set": escape(row["dataset"]),
        "recipe": escape(row["recipe"]),
        "device": escape(row["device"]),
        "status": escape(row["status"]),
        "report": f'<a href="reports/{report}/{REPORT.replace(".md", ".html")}">{report}</a>',
    }


def _number(value: Any, decimals: int = 0, factor: int = 1) -> str:
    import pandas as pd

    return "" if pd.isna(value) else f"{factor * value:,.{decimals}f}"


def script() -> str:
    """DataTables with its style, as itables bundles it, as a script that a page on disk may load.

    It is one of the old kind: a browser loads no module from disk.
    """
    from itables import options
    from itables.javascript import generate_init_offline_itables_html

    page = generate_init_offline_itables_html(options.dt_bundle)
    return str(page.partition("<script>")[2].partition("</script>")[0])


def table_html(rows: pd.DataFrame) -> str:
    """The table, which its reader sorts, searches and filters; `script` must be loaded before."""
    from itables import to_html_datatable

    table = shown(rows)
    at = [table.columns.get_loc(name) for name in _CHOSEN]
    html = to_html_datatable(
        table,
        table_id=TABLE_ID,
        connected=False,
        allow_html=True,
        display_logo_when_loading=False,
        showIndex=False,
        text_in_header_can_be_selected=False,  # else a click on it does not sort
        paging=False,
        order=[[_ACCURACY, "desc"]],
        layout={"top1": "searchPanes", "topStart": "info", "topEnd": "search", "bottomStart": None},
        searchPanes={"columns": at, "layout": "columns-3", "collapse": False, "controls": False},
        columnDefs=[
            {"targets": at, "searchPanes": {"show": True}},
            {
                "targets": [table.columns.get_loc(name) for name in _NUMBERS],
                "type": "num-fmt",
                "className": "dt-right",
                "orderSequence": ["desc", "asc"],
            },
        ],
    )
    return str(html)
