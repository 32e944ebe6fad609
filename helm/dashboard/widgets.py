"""What panels are built of: a number, a graph, a table."""

from typing import Final

from grafana_foundation_sdk.builders import common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import dashboard as field
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphGradientMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Placed = stat.Panel | table.Panel | timeseries.Panel

SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")


def _steps(*steps: tuple[float | None, str]) -> field.ThresholdsConfig:
    return (
        field.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(value=at, color=color) for at, color in steps])
    )


def _target(expr: str, ref: str, legend: str = "") -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expr).ref_id(ref).legend_format(legend or "__auto").datasource(SOURCE)


def number(title: str, expr: str, unit: str, says: str, *steps: tuple[float | None, str]) -> stat.Panel:
    """A coloured number; the first of *steps* is its colour below the others."""
    return (
        stat.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .unit(unit)
        .decimals(0)
        .span(3)
        .height(4)
        .color_mode(BigValueColorMode.BACKGROUND)
        .graph_mode(BigValueGraphMode.NONE)
        .thresholds(_steps(*(steps or ((None, "blue"),))))
        .with_target(_target(expr, "A", title).instant())
    )


def graph(title: str, unit: str, says: str, *queries: tuple[str, str], span: int = 8) -> timeseries.Panel:
    """Lines over time, one for each series of each query."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(says)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .span(span)
        .height(7)
        .line_width(1)
        .fill_opacity(10)
        .gradient_mode(GraphGradientMode.NONE)
        .show_points(VisibilityMode.NEVER)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)  # noqa: FBT003  # the builder's own signature
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )
    for ref, (expr, legend) in zip("ABCDEF", queries, strict=False):
        panel.with_target(_target(expr, ref, legend))
    return panel


def stacked(panel: timeseries.Panel) -> timeseries.Panel:
    """The same graph as a pile."""
    return panel.fill_opacity(60).stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))


def by_label(title: str, says: str, columns: dict[str, str], expressions: dict[str, str], span: int) -> table.Panel:
    """One line for each value of the label that the expressions share; *columns* renames and picks."""
    panel = table.Panel().title(title).description(says).datasource(SOURCE).span(span).height(8)
    for ref, expr in expressions.items():
        panel.with_target(_target(expr, ref).instant().format(PromQueryFormat.TABLE))
    return panel.with_transformation(DataTransformerConfig(id_val="merge", options={})).with_transformation(
        DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "indexByName": {name: place for place, name in enumerate(columns)},
                "renameByName": columns,
            },
        )
    )


def set_unit(panel: table.Panel, column: str, unit: str) -> table.Panel:
    """Of one column."""
    return panel.override_by_name(
        column, [DynamicConfigValue(id_val="unit", value=unit), DynamicConfigValue(id_val="decimals", value=0)]
    )
