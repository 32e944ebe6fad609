"""
Draws helm/pictures/dashboard.svg: ``python -m tests.ops.picture``.

Not Grafana: it asks the dashboard's queries of a Prometheus with the backfilled history of the tests, and draws the
answers in the dashboard's grid. So the picture shows the layout, the words and real results, not Grafana's looks.
"""

import time
from collections import defaultdict
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.ops import backfill, dashboard
from tests.ops.conftest import ROOT, require_tool
from tests.ops.dashboard import Asked, Panel, Span
from tests.ops.prometheus import Prometheus

TARGET: Final = ROOT / "helm" / "pictures" / "dashboard.svg"
CELL: Final = (54, 27)
COLORS: Final = ("#73bf69", "#f2cc0c", "#5794f2", "#ff780a", "#b877d9", "#f2495c")
NAMED: Final = {"green": "#37872d", "orange": "#e0752d", "red": "#c4162a", "blue": "#1f60c4"}
_UNITS: Final = {"bytes": "B", "ops": "/s", "short": "", "s": "s", "percentunit": "%"}
_PROFILE: Final = "warehouse"

Line = list[tuple[float, float]]


def draw(board: Panel, asked: list[Asked], prometheus: Prometheus, span: Span) -> str:
    """Give the picture; of a repeated row only one profile's is drawn."""
    shown = [each for each in asked if not each.row.startswith("Profile ") or each.row.endswith(f" {_PROFILE}")]
    by_panel: dict[int, list[Asked]] = defaultdict(list)
    for each in shown:
        by_panel[each.panel["id"]].append(each)
    parts = [_panel(panel, by_panel[panel["id"]], prometheus, span) for panel in board["panels"]]
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"]) * CELL[1]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{24 * CELL[0]}" height="{height}" font-family="sans-serif">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#111217"/>', *parts, "</svg>", ""])


def _panel(panel: Panel, asked: list[Asked], prometheus: Prometheus, span: Span) -> str:
    at = panel["gridPos"]
    x, y, width, height = at["x"] * CELL[0], at["y"] * CELL[1], at["w"] * CELL[0], at["h"] * CELL[1]
    title = panel["title"].replace("$profile", _PROFILE)
    if panel["type"] == "row":
        return _text(x + 8, y + 19, f"▾ {title}", size=14, color="#fff")
    frame = f'<rect x="{x + 3}" y="{y + 3}" width="{width - 6}" height="{height - 6}" rx="3" fill="#1b1c22"/>'
    body = {"stat": _stat, "table": _table, "timeseries": _graph}[panel["type"]](panel, asked, prometheus, span)
    inner = f'<g transform="translate({x + 3},{y + 3})">{body}{_text(9, 18, title, color="#e0e0e0")}</g>'
    return frame + inner


def _stat(panel: Panel, asked: list[Asked], prometheus: Prometheus, span: Span) -> str:
    value = float(prometheus.query(asked[0].expr, at=span.end)[0]["value"][1])
    defaults = panel["fieldConfig"]["defaults"]
    (*_, step) = [each for each in defaults["thresholds"]["steps"] if (each["value"] or float("-inf")) <= value]
    width, height = panel["gridPos"]["w"] * CELL[0] - 6, panel["gridPos"]["h"] * CELL[1] - 6
    box = f'<rect width="{width}" height="{height}" rx="3" fill="{NAMED[step["color"]]}"/>'
    return box + _text(
        width / 2, height / 2 + 18, _amount(value, defaults["unit"]), size=28, color="#fff", anchor="middle"
    )


def _table(panel: Panel, asked: list[Asked], prometheus: Prometheus, span: Span) -> str:
    order: dict[str, dict[str, Any]] = panel["transformations"][1]["options"]
    label, *columns = sorted(order["renameByName"].values(), key=lambda name: _place(order, name))
    units = {
        each["matcher"]["options"]: each["properties"][0]["value"]
        for each in panel.get("fieldConfig", {}).get("overrides", [])
    }
    rows: dict[str, list[str]] = defaultdict(list)
    for each, column in zip(asked, columns, strict=True):
        for found in prometheus.query(each.expr, at=span.end):
            rows[found["metric"][label]].append(_amount(float(found["value"][1]), units.get(column, "short")))
    widths = [
        9,
        *(panel["gridPos"]["w"] * CELL[0] * (place + 4) // (len(columns) + 4) for place in range(len(columns))),
    ]
    lines = [[label, *columns], *([name, *cells] for name, cells in sorted(rows.items()))]
    return "".join(
        _text(at, 48 + 24 * number, cell, color="#8e8e8e" if number == 0 else "#ccccdc")
        for number, line in enumerate(lines)
        for at, cell in zip(widths, line, strict=False)
    )


def _place(order: dict[str, dict[str, Any]], column: str) -> int:
    (source,) = [name for name, renamed in order["renameByName"].items() if renamed == column]
    return int(order["indexByName"][source])


def _graph(panel: Panel, asked: list[Asked], prometheus: Prometheus, span: Span) -> str:
    width, height = panel["gridPos"]["w"] * CELL[0] - 6, panel["gridPos"]["h"] * CELL[1] - 6
    custom = panel["fieldConfig"]["defaults"]["custom"]
    lines = _lines(asked, prometheus, span)
    if custom.get("stacking", {}).get("mode") == "normal":
        lines = _piled(lines)
    top = max((value for line in lines.values() for _, value in line), default=1) * 1.1 or 1
    box = (58, 30, width - 70, height - 66)
    unit = panel["fieldConfig"]["defaults"]["unit"]
    parts = [
        f'<line x1="{box[0]}" x2="{box[0] + box[2]}" y1="{_y(box, share)}" y2="{_y(box, share)}" stroke="#2c2e36"/>'
        + _text(box[0] - 5, _y(box, share) + 4, _amount(top * share, unit), size=10, anchor="end", color="#8e8e8e")
        for share in (0, 0.5, 1)
    ]
    legend = 9.0
    # The highest of a pile first: the lower ones are drawn over it.
    numbered = list(enumerate(lines.items()))
    for number, (_, line) in reversed(numbered):
        points = [(box[0] + box[2] * (at - span.start) / (span.end - span.start), _y(box, v / top)) for at, v in line]
        color, fill = COLORS[number % len(COLORS)], custom["fillOpacity"] / 100
        parts.append(_curve(points, _y(box, 0), color=color, fill=fill))
    for number, (name, _) in numbered:
        if legend + 7 * len(name) < width:
            parts.append(_text(legend, height - 10, f"● {name}", size=11, color=COLORS[number % len(COLORS)]))
        legend += 24 + 6.4 * len(name)
    return "".join(parts)


def _lines(asked: list[Asked], prometheus: Prometheus, span: Span) -> dict[str, Line]:
    found: dict[str, Line] = {}
    for each in asked:
        for series in prometheus.query_range(each.expr, start=span.start, end=span.end, step=span.step * 2):
            name = each.legend
            for label, value in series["metric"].items():
                name = name.replace(f"{{{{{label}}}}}", value)
            found[name] = [(at, float(value)) for at, value in series["values"] if value != "NaN"]
    return found


def _piled(lines: dict[str, Line]) -> dict[str, Line]:
    below: dict[float, float] = defaultdict(float)
    piled: dict[str, Line] = {}
    for name, line in lines.items():
        for at, value in line:
            below[at] += value
        piled[name] = [(at, below[at]) for at, _ in line]
    return piled


def _curve(points: Line, bottom: float, *, color: str, fill: float) -> str:
    if not points:
        return ""
    path = " ".join(f"{x:.0f},{y:.1f}" for x, y in points)
    area = f"{points[0][0]:.0f},{bottom} {path} {points[-1][0]:.0f},{bottom}"
    edge = f'<polyline points="{path}" fill="none" stroke="{color}"/>'
    return f'<polygon points="{area}" fill="{color}" opacity="{fill}"/>{edge}'


def _y(box: tuple[int, int, int, int], share: float) -> float:
    return box[1] + box[3] * (1 - share)


def _amount(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit == "s" and value >= 90:
        return next(
            f"{value / size:.3g} {name}" for size, name in ((86400, "d"), (3600, "h"), (60, "min")) if value >= size
        )
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g} {letter}{_UNITS[unit]}"
    return f"{value:.3g} {_UNITS[unit]}".strip() if unit != "short" else f"{value:.3g}"


def _text(x: float, y: float, text: str, *, size: int = 12, color: str = "#ccccdc", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{color}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def main() -> None:
    """Write the picture that the README shows."""
    end = time.time() // 86_400 * 86_400
    span = Span(start=end - backfill.HOURS * 3600, end=end)
    board: dict[str, Any] = dashboard.load(ROOT / "helm" / "files" / "dashboards" / "postback.json")
    with TemporaryDirectory() as folder:
        server = Prometheus(require_tool("prometheus"), Path(folder) / "prometheus")
        backfill.write(server.data, require_tool("promtool"), end=span.end)
        server.start()
        try:
            asked = list(dashboard.queries(board, dashboard.variables(board, server, span), span))
            TARGET.parent.mkdir(exist_ok=True)
            TARGET.write_text(draw(board, asked, server, span), encoding="utf-8")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
