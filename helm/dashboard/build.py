"""
The Grafana dashboard as code.

``python helm/dashboard/build.py`` writes ``helm/files/dashboards/postback.json``; a test refuses a file that is not
what this gives. The datasource, namespace, job and profile are variables: nothing in it belongs to one installation.
"""

import sys
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DataSourceRef,
    VariableHide,
    VariableOption,
    VariableRefresh,
)
from panels import SERIES, kafka_panels, overview_panels, process_panels, profile_panels
from widgets import Placed

TARGET: Final = Path(__file__).parent.parent / "files" / "dashboards" / "postback.json"


def _variable(name: str, metric: str, *, several: bool = False) -> dashboard.QueryVariable:
    variable = (
        dashboard.QueryVariable(name)
        .label(name)
        .datasource(DataSourceRef(type_val="prometheus", uid="${datasource}"))
        .query(f"label_values({metric}, {name})")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(several)
        .include_all(several)
    )
    if several:
        variable.all_value(".*").current(VariableOption(selected=True, text="All", value="$__all"))
    return variable


def _row(board: dashboard.Dashboard, title: str, panels: list[Placed], *, repeat: str | None = None) -> None:
    row = dashboard.Row(title)
    if repeat:
        row.repeat(repeat)
    board.with_row(row)
    for panel in panels:
        board.with_panel(panel)


def build() -> str:
    """
    The dashboard's JSON.

    Returns:
        Text with a line end, keys sorted, so that a change of one panel is a change of its lines only.
    """
    board = (
        dashboard.Dashboard("Postback consumer")
        .uid("postback-consumer")
        .description("Is it on time, is anything failing, and who. Runbooks: helm/README.md.")
        .tags(["postback", "kafka"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(dashboard.DatasourceVariable("datasource").label("datasource").type("prometheus"))
        .with_variable(_variable("namespace", "postback_build_info"))
        .with_variable(_variable("job", 'postback_build_info{namespace="$namespace"}'))
        .with_variable(
            _variable("profile", f"postback_deliveries_total{{{SERIES}}}", several=True).hide(VariableHide.DONT_HIDE)
        )
    )
    _row(board, "Overview", overview_panels())
    _row(board, "Profile $profile", profile_panels(), repeat="profile")
    _row(board, "Kafka", kafka_panels())
    _row(board, "Process", process_panels())
    model = board.build()
    for number, panel in enumerate(model.panels or [], start=1):
        panel.id_val = number  # the builder numbers rows 0 and panels not at all
    return JSONEncoder(sort_keys=True, indent=1).encode(model) + "\n"


if __name__ == "__main__":
    (Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET).write_text(build(), encoding="utf-8")
