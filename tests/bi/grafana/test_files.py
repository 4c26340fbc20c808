"""The dashboards and the provisioning as files: Grafana understands them and nothing is missing."""

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.alerting import Rule
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.bi.grafana.files import (
    DASHBOARDS,
    DATABASE,
    FOLDER,
    PROMETHEUS,
    alert_rules,
    dashboard,
    panels,
    provisioned,
    variables,
)

register_default_plugins()

LOST = object()

every_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def lost(given: object, understood: object, place: str = "") -> list[str]:
    """The places of what was given and is not understood, or not as it was given."""
    if isinstance(given, dict) and isinstance(understood, dict):
        pairs = [(f"{place}.{key}", given[key], understood.get(key, LOST)) for key in given]
    elif isinstance(given, list) and isinstance(understood, list) and len(given) == len(understood):
        rows = enumerate(zip(given, understood, strict=True))
        pairs = [(f"{place}[{number}]", *pair) for number, pair in rows]
    else:
        return [] if given == understood else [place]
    return [found for at, one, other in pairs for found in lost(one, other, at)]


def understood(model: Dashboard | Rule) -> object:
    return json.loads(JSONEncoder().encode(model))


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


@every_dashboard
def test_grafanas_own_model_has_every_field_of_a_dashboard(path: Path) -> None:
    """Its classes drop what they do not know and raise where a type is wrong."""
    assert not lost(dashboard(path), understood(Dashboard.from_json(dashboard(path))))


def test_the_model_drops_what_grafana_does_not_know() -> None:
    model = json.loads(DASHBOARDS[0].read_text())
    model["panels"][1]["options"]["legendary"] = True
    del model["panels"][1]["title"]
    assert lost(model, understood(Dashboard.from_json(model))) == [".panels[1].options.legendary"]


@every_dashboard
def test_panels_have_ids_of_their_own_and_lie_side_by_side(path: Path) -> None:
    every = dashboard(path)["panels"]
    assert Counter(panel["id"] for panel in every).most_common(1)[0][1] == 1
    places = [panel["gridPos"] for panel in every]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert not [pair for pair in combinations(places, 2) if overlap(*pair)]


@every_dashboard
def test_every_panel_says_what_it_shows_and_reads_a_source_that_is_provisioned(path: Path) -> None:
    sources = {source["uid"] for source in provisioned("datasources/sensorflow")["datasources"]}
    assert sources == {DATABASE, PROMETHEUS}
    for panel in panels(path):
        assert panel["title"]
        assert panel["description"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} <= sources


@every_dashboard
def test_every_variable_that_is_used_exists_and_every_one_is_used(path: Path) -> None:
    text = json.dumps(dashboard(path)["panels"])
    used = set(re.findall(r"\$\{(\w+):sqlstring\}", text))
    assert used == {variable["name"] for variable in variables(path)}


@every_dashboard
def test_every_link_leads_to_a_dashboard_and_a_variable_that_exist(path: Path) -> None:
    known = {
        model["uid"]: {variable["name"] for variable in variables(other)}
        for other in DASHBOARDS
        for model in [dashboard(other)]
    }
    for uid, variable in re.findall(r"/d/([\w-]+)\?var-(\w+)=", path.read_text()):
        assert variable in known[uid]


@pytest.mark.parametrize("rule", alert_rules(), ids=lambda rule: rule["uid"])
def test_an_alert_rule_shows_a_panel_and_says_what_to_do(rule: dict[str, Any]) -> None:
    titles = {
        (dashboard(path)["uid"], panel["id"]): panel["title"]
        for path in DASHBOARDS
        for panel in panels(path)
    }
    assert titles[rule["dashboardUid"], rule["panelId"]] == SHOWN[rule["uid"]]
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"]


SHOWN = {
    "sensorflow-silent-sensor": "Silent the longest",
    "sensorflow-failed-import": "Imports in the range, newest first",
    "sensorflow-rollup-lag": "Rollup lag",
    "sensorflow-failing-job": "Failed runs",
}


@pytest.mark.parametrize("rule", alert_rules(), ids=lambda rule: rule["uid"])
def test_grafanas_own_model_has_every_field_of_an_alert_rule(rule: dict[str, Any]) -> None:
    """Beside the panel, which only files name in this way."""
    assert lost(rule, understood(Rule.from_json(rule))) == [".dashboardUid", ".panelId"]
    # Grafana replaces this in annotations by environment variables.
    assert "${" not in json.dumps(rule["annotations"])


def test_every_address_login_and_secret_is_an_environment_variable_without_a_default() -> None:
    text = (FOLDER / "provisioning/datasources/sensorflow.yaml").read_text()
    source, metrics = provisioned("datasources/sensorflow")["datasources"]
    values = [
        *(source["url"], source["user"], source["secureJsonData"]["password"], metrics["url"]),
        *(source["jsonData"]["database"], source["jsonData"]["sslmode"]),
    ]
    assert all(re.fullmatch(r"\$SENSORFLOW_[A-Z_]+", value) for value in values)
    page = (FOLDER.parents[1] / "docs/bi/grafana.md").read_text()
    assert all(f"`{variable[1:]}`" in page for variable in values)
    assert source["jsonData"]["timescaledb"] is True
    assert not re.search(r"password: [^$]", text)


def test_the_dashboards_are_read_from_where_the_page_has_them_mounted() -> None:
    (provider,) = provisioned("dashboards/sensorflow")["providers"]
    page = (FOLDER.parents[1] / "docs/bi/grafana.md").read_text()
    assert f"deploy/grafana/dashboards:{provider['options']['path']}:ro" in page
