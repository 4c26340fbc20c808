"""Each alert rule fires on data that was made for it, and not without."""

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import promql_parser
import pytest
import yaml

from core.database import Connection, Pool
from tests.bi.grafana.files import DATABASE, PROMETHEUS, ROOT, alert_rules
from tests.bi.grafana.macros import Request, expand
from tests.bi.sample import add_import

RULES = {rule["uid"]: rule for rule in alert_rules()}
PROMETHEUS_RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
RULE_TESTS = ROOT / "tests" / "bi" / "grafana" / "prometheus_rules_test.yml"


async def firing(tool: Connection, uid: str) -> list[dict[str, str]]:
    """The labels of the alerts of a rule: its rows whose number is beyond the threshold."""
    query, threshold = RULES[uid]["data"]
    seconds = query["relativeTimeRange"]["from"]
    now = datetime.now(UTC)
    request = Request(now - timedelta(seconds=seconds), now)
    rows = await tool.fetch(expand(query["model"]["rawSql"], request).sql)
    (condition,) = threshold["model"]["conditions"]
    assert condition["evaluator"]["type"] == "gt"
    (limit,) = condition["evaluator"]["params"]
    return [
        {name: value for name, value in row.items() if isinstance(value, str)}
        for row in rows
        if _number(dict(row)) > limit
    ]


def _number(row: dict[str, Any]) -> float:
    """The only column that is a number; Grafana takes the others for labels if they are text."""
    (number,) = (value for value in row.values() if not isinstance(value, str))
    return float(number)


async def send(pool: Pool, equipment_id: str, ago: timedelta) -> None:
    await pool.execute(
        "INSERT INTO readings (equipment_id, ts, value) VALUES ($1, now() - $2::interval, 1)",
        equipment_id,
        ago,
    )


async def test_a_sensor_is_silent_after_ten_of_its_own_periods(
    tool: Connection, pool: Pool
) -> None:
    await pool.executemany(
        "INSERT INTO equipment (id, name, expected_period_seconds) VALUES ($1, $2, $3)",
        [
            *(("fast", "Pump", 60), ("slow", None, 3600)),
            *(("never sent", None, 60), ("any time", None, None)),
        ],
    )
    for equipment_id in ("fast", "slow", "any time", "unknown"):
        await send(pool, equipment_id, timedelta(minutes=11))
    alert = {"equipment_id": "fast", "name": "Pump", "location": ""}
    assert await firing(tool, "sensorflow-silent-sensor") == [alert]
    await send(pool, "fast", timedelta(minutes=9))
    assert await firing(tool, "sensorflow-silent-sensor") == []


async def test_an_import_that_failed_in_the_last_hour_is_named(
    tool: Connection, pool: Pool
) -> None:
    now = datetime.now(UTC)
    await add_import(pool, "good.csv", "done", now)
    await add_import(pool, "old.csv", "failed", now - timedelta(hours=2))
    assert await firing(tool, "sensorflow-failed-import") == []
    await add_import(pool, "bad.csv", "failed", now)
    (alert,) = await firing(tool, "sensorflow-failed-import")
    assert (alert["file_name"], alert["error_code"]) == ("bad.csv", "failed")


def test_every_rule_is_proven_to_fire_by_sql_or_with_its_twin_in_prometheus() -> None:
    """Grafana's PromQL with its threshold is the expression of a rule that promtool tests."""
    twins = {"sensorflow-rollup-lag", "sensorflow-failing-job"}
    sources = {uid: rule["data"][0]["datasourceUid"] for uid, rule in RULES.items()}
    assert {uid for uid, source in sources.items() if source == PROMETHEUS} == twins
    assert set(sources.values()) == {DATABASE, PROMETHEUS}
    (group,) = yaml.safe_load(PROMETHEUS_RULES.read_text())["groups"]
    expressions = [promql_parser.parse(rule["expr"]).prettify() for rule in group["rules"]]
    for uid in twins:
        query, threshold = RULES[uid]["data"]
        (limit,) = threshold["model"]["conditions"][0]["evaluator"]["params"]
        assert promql_parser.parse(f"{query['model']['expr']} > {limit}").prettify() in expressions


def test_the_rules_of_prometheus_fire_and_are_quiet() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("there is no promtool (Debian's package prometheus has it)")
    command = [promtool, "test", "rules", str(RULE_TESTS)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    tested = RULE_TESTS.read_text()
    for name in re.findall(r"alert: (\w+)", PROMETHEUS_RULES.read_text()):
        assert f"alertname: {name}" in tested
