"""The files of deploy/grafana as the tests read them."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "grafana"
DASHBOARDS = sorted((FOLDER / "dashboards").glob("*.json"))
DATABASE = "sensorflow-bi"
PROMETHEUS = "sensorflow-prometheus"


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a panel, a variable or an alert rule; `columns` are those that it is shown by."""

    place: str
    text: str
    is_series: bool = False
    columns: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.place


@cache
def dashboard(path: Path) -> dict[str, Any]:
    """A dashboard's JSON model."""
    model: dict[str, Any] = json.loads(path.read_text())
    return model


def provisioned(name: str) -> dict[str, Any]:
    """A file of the provisioning, such as `alerting/rules`."""
    parsed: dict[str, Any] = yaml.safe_load((FOLDER / f"provisioning/{name}.yaml").read_text())
    return parsed


def panels(path: Path) -> list[dict[str, Any]]:
    """The panels of a dashboard that show something; rows do not."""
    return [panel for panel in dashboard(path)["panels"] if panel["type"] != "row"]


def variables(path: Path) -> list[dict[str, Any]]:
    """The template variables of a dashboard."""
    found: list[dict[str, Any]] = dashboard(path)["templating"]["list"]
    return found


def panel_queries(uid: str) -> list[Query]:
    """Every query to the data source that has this uid, of the panels of all dashboards."""
    return [
        _panel_query(path, panel, target)
        for path in DASHBOARDS
        for panel in panels(path)
        for target in panel["targets"]
        if target["datasource"]["uid"] == uid
    ]


def variable_queries() -> list[Query]:
    """Every query of a variable; all of them go to the database."""
    return [
        Query(f"{path.stem}, variable {variable['name']}", variable["query"])
        for path in DASHBOARDS
        for variable in variables(path)
        if variable["type"] == "query"
    ]


def alert_rules() -> list[dict[str, Any]]:
    """The alert rules, each with its query A and its threshold B."""
    (group,) = provisioned("alerting/rules")["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def _panel_query(path: Path, panel: dict[str, Any], target: dict[str, Any]) -> Query:
    place = f"{path.stem}, {panel['title']}, {target['refId']}"
    text = target["rawSql"] if "rawSql" in target else target["expr"]
    overrides = panel["fieldConfig"]["overrides"]
    columns = frozenset(rule["matcher"]["options"] for rule in overrides)
    return Query(place, text, target.get("format") == "time_series", columns)
