"""What dashboards are put together from: panels that say what to do, variables, and the text of the file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement, StackingMode, VisibilityMode
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Panel,
    VariableModel,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from cake_operator.observe.promql import DEPLOYMENT

__all__ = ["Line", "annotation", "choice", "columns", "graph", "json_of", "page", "states"]

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
TAG = "cake"
DASHED = DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [8, 8]})


@dataclass(frozen=True)
class Line:
    """A query and what its series are called.

    Attributes:
        promql: The query.
        name: In the legend, or over the column; `{{label}}` is filled in by Grafana.
        bound: Whether it is a target or a limit: drawn dashed.
        unit: Of a column, by Grafana's name; a graph has one for all its lines.
    """

    promql: str
    name: str
    bound: bool = False
    unit: str = ""


def graph(
    title: str,
    *lines: Line,
    shows: str,
    bad: str,
    unit: str = "short",
    span: int = 8,
    stacked: bool = False,
    floor: float | None = 0,
    quiet: str | None = None,
) -> timeseries.Panel:
    """Lines over time.

    Args:
        title: Of the panel.
        lines: What is drawn.
        shows: What it shows, in a sentence.
        bad: What to do when it looks bad.
        unit: Grafana's name of the unit.
        span: Width; 24 is the whole page.
        stacked: Whether the lines add up.
        floor: Where the axis begins at the latest; None leaves it to the values.
        quiet: What it means that there is nothing, where that is well; shown in its place. None: it is not well.
    """
    panel = timeseries.Panel().title(title).description(_described(shows, bad)).unit(unit).span(span).height(8)
    legend = common.VizLegendOptions().show_legend(True).display_mode(LegendDisplayMode.LIST)
    panel = panel.datasource(SOURCE).legend(legend.placement(LegendPlacement.BOTTOM).calcs([]))
    if floor is not None:
        panel = panel.min(floor)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(30)
    if quiet is not None:
        panel = panel.no_value(quiet)
    for index, line in enumerate(lines):
        panel = panel.with_target(_query(line, index).range())
        if line.bound:
            panel = panel.override_by_query(_reference(index), [DASHED])
    return panel


def states(title: str, *lines: Line, shows: str, bad: str, span: int = 8) -> statetimeline.Panel:
    """A bar for each series, as long as it was there and above 0."""
    panel = statetimeline.Panel().title(title).description(_described(shows, bad)).span(span).height(8)
    panel = panel.datasource(SOURCE).show_value(VisibilityMode.NEVER).merge_values(True).row_height(0.8)
    for index, line in enumerate(lines):
        panel = panel.with_target(_query(line, index).range())
    return panel


def columns(
    title: str, *lines: Line, shows: str, bad: str, hidden: Sequence[str] = (), quiet: str | None = None
) -> table.Panel:
    """One row for each set of labels, one column for each query; `hidden` labels have none. The rest as in `graph`."""
    panel = table.Panel().title(title).description(_described(shows, bad)).span(24).height(6).datasource(SOURCE)
    panel = panel.show_header(True)
    if quiet is not None:
        panel = panel.no_value(quiet)
    for index, line in enumerate(lines):
        panel = panel.with_target(_query(line, index).format(PromQueryFormat.TABLE).instant())
        if line.unit:
            panel = panel.override_by_name(line.name, [DynamicConfigValue(id_val="unit", value=line.unit)])
    names = {DEPLOYMENT: "deployment"} | {f"Value #{_reference(index)}": line.name for index, line in enumerate(lines)}
    excluded = dict.fromkeys(("Time", *hidden), True)
    return panel.transformations(
        [
            DataTransformerConfig(id_val="merge", options={}),
            DataTransformerConfig(
                id_val="organize",
                options={"excludeByName": excluded, "renameByName": names | {"Value": lines[0].name}},
            ),
        ]
    )


def choice(name: str, query: str, *, several: bool = False) -> Builder[VariableModel]:
    """A variable whose values are those of a label."""
    variable = build.QueryVariable(name).label(name).query(query).datasource(SOURCE)
    variable = variable.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
    return variable.multi(True).include_all(True).all_value(".+") if several else variable


def annotation(name: str, promql: str, color: str) -> build.AnnotationQuery:
    """A mark on every graph at each moment at which the query finds something."""
    return build.AnnotationQuery().name(name).datasource(SOURCE).enable(True).icon_color(color).expr(promql)


def page(
    uid: str,
    title: str,
    variables: Sequence[Builder[VariableModel]],
    rows: Mapping[str, Sequence[Builder[Panel]]],
    annotations: Sequence[build.AnnotationQuery] = (),
) -> Dashboard:
    """A dashboard: rows of panels under their titles, in the order given."""
    dashboard = build.Dashboard(title).uid(uid).tags([TAG]).refresh("1m").time("now-6h", "now").readonly()
    dashboard = dashboard.tooltip(DashboardCursorSync.CROSSHAIR).annotations(list(annotations))
    others = build.DashboardLink("Cake").type(DashboardLinkType.DASHBOARDS).tags([TAG]).keep_time(True)
    dashboard = dashboard.link(others.include_vars(True).as_dropdown(False))
    dashboard = dashboard.with_variable(build.DatasourceVariable("datasource").label("datasource").type("prometheus"))
    for variable in variables:
        dashboard = dashboard.with_variable(variable)
    for name, panels in rows.items():
        dashboard = dashboard.with_row(build.Row(name))
        for panel in panels:
            dashboard = dashboard.with_panel(panel)
    built = dashboard.build()
    for number, placed in enumerate(built.panels or (), start=1):
        placed.id_val = number  # links to a panel go by it
    return built


def json_of(dashboard: Dashboard) -> str:
    """The text of the file: the same at every run."""
    return json.dumps(dashboard, cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def _described(shows: str, bad: str) -> str:
    return f"{shows}\n\n**When it looks bad:** {bad}"


def _query(line: Line, index: int) -> Dataquery:
    return Dataquery().expr(line.promql).legend_format(line.name).ref_id(_reference(index)).datasource(SOURCE)


def _reference(index: int) -> str:
    return chr(ord("A") + index)
