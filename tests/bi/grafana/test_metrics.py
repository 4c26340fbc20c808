"""Every PromQL expression parses and names only metrics and labels that the servers expose."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2
import promql_parser as promql
import pytest
import pytest_asyncio
import yaml
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from core.database import Pool
from jobs.metrics import WorkerMetrics
from tests.bi.grafana.files import PROMETHEUS, ROOT, Query, alert_rules, panel_queries
from tests.bi.sample import add_import
from tests.conftest import empty_database
from tests.support.stub_provider import StubProvider

# What Prometheus adds itself.
OF_PROMETHEUS = {"up": {"job", "instance"}}
TARGET_LABELS = {"job", "instance"}


def rule_queries() -> list[Query]:
    """Those of Grafana's alert rules and of Prometheus's own."""
    (group,) = yaml.safe_load((ROOT / "deploy/prometheus/rules.yml").read_text())["groups"]
    return [
        *(Query(rule["alert"], rule["expr"]) for rule in group["rules"]),
        *(
            Query(rule["uid"], rule["data"][0]["model"]["expr"])
            for rule in alert_rules()
            if rule["data"][0]["datasourceUid"] == PROMETHEUS
        ),
    ]


QUERIES = panel_queries(PROMETHEUS) + rule_queries()


async def fail() -> None:
    raise ValueError


@pytest_asyncio.fixture(scope="module")
async def exposed(
    base_url: str, stub_provider: StubProvider, session_pool: Pool
) -> Mapping[str, set[str]]:
    """The labels of each series of the API and of a worker, once something went wrong in each."""
    await empty_database(session_pool)
    await add_import(session_pool, "january.csv", "done", datetime.now(UTC))
    headers = {"Authorization": f"Bearer {stub_provider.token()}"}
    async with httpx2.AsyncClient(base_url=base_url, headers=headers, timeout=20) as client:
        reading = {"equipmentId": "", "timestamp": "2026-01-01T00:00:00Z", "value": 1}
        assert (await client.post("/sensor-data", json=reading)).status_code == 400
        api = (await client.get("/metrics")).text
    worker = WorkerMetrics()
    with worker.job():
        await asyncio.gather(worker.observed("refresh", fail)(), return_exceptions=True)
    labels = dict(OF_PROMETHEUS)
    for text in (api, generate_latest(worker.registry).decode()):
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels.setdefault(sample.name, set()).update(sample.labels, TARGET_LABELS)
    return labels


def parse(query: Query) -> promql.Expr:
    """As Grafana sends it."""
    return promql.parse(query.text.replace("$__rate_interval", "1m"))


def selectors(expression: promql.Expr) -> list[tuple[str, set[str]]]:
    """The series that an expression names, with the labels that it selects them by."""
    found: list[tuple[str, set[str]]] = []

    def visit(node: Any) -> None:
        node = node.vector_selector if isinstance(node, promql.MatrixSelector) else node
        if isinstance(node, promql.VectorSelector):
            found.append((str(node.name), {label.name for label in node.matchers.matchers}))

    promql.walk(expression, visit)
    return found


def grouping(expression: promql.Expr) -> set[str]:
    """The labels that aggregations keep."""
    found: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            found.update(node.modifier.labels)

    promql.walk(expression, visit)
    return found


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_an_expression_names_series_and_labels_that_are_exposed(
    query: Query, exposed: Mapping[str, set[str]]
) -> None:
    expression = parse(query)
    named = selectors(expression)
    assert named
    for name, labels in named:
        assert name in exposed
        assert labels <= exposed[name]
        assert grouping(expression) <= exposed[name]


@pytest.mark.parametrize("text", ["sum(rate(x[1m])", "rate(x)", "sum by (a (x)"])
def test_an_expression_that_prometheus_would_refuse_does_not_parse(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(Query("a wrong one", text))
