"""Superset shows what the API answers: our bundle imported, every chart's query run."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from playwright.async_api import Page, Response

from tests.auth.chromium import chromium, needs_chromium
from tests.bi_tools.conftest import created_login, require_installed
from tests.bi_tools.superset_server import PASSWORD, USER, SupersetClient, bundle, superset

WINDOWS = ("24h", "48h", "1w", "1m")
CHARTS = {
    "Average in each window",
    "Range of the month",
    "Average by hour",
    "Lowest average and highest by day",
    "Readings by day",
    "Last readings",
}
SHOWN_SECONDS = 300
MASK = "XXXXXXXXXX"  # by which Superset knows that the password comes beside the archive

pytestmark = [needs_chromium, pytest.mark.usefixtures("weather"), pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def superset_url(native: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    del native
    require_installed("superset")
    with superset(tmp_path_factory.mktemp("superset")) as url:
        yield url


@pytest.fixture(scope="module")
def client(superset_url: str, owner_url: str) -> Iterator[SupersetClient]:
    """Over the imported bundle. A dashboard sends the queries of all its charts at once."""
    with (
        created_login(owner_url, "--max-connections", "20") as login,
        SupersetClient.signed_in(superset_url) as client,
    ):
        uri = (
            f"postgresql+psycopg2://{login.user}:{MASK}@{login.host}:{login.port}/{login.database}"
        )
        client.import_dashboard(bundle(uri), login.password)
        yield client


@dataclass(frozen=True)
class Dashboard:
    """The queries that the browser sends for the dashboard's charts."""

    queries: dict[int, dict[str, Any]]


@pytest_asyncio.fixture(scope="module")
async def dashboard(
    superset_url: str, client: SupersetClient, tmp_path_factory: pytest.TempPathFactory
) -> Dashboard:
    """As a person opens it, after whom a picture is taken."""
    del client
    shown = Dashboard({})
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 1280, "height": 1580})
        page.on("response", lambda response: _remember(shown, response))
        await _sign_in(page, superset_url)
        await page.goto(f"{superset_url}/superset/dashboard/sensor-flow/?standalone=1")
        for _ in range(SHOWN_SECONDS):
            await page.wait_for_timeout(1_000)
            if len(shown.queries) == len(CHARTS):
                break
        await page.wait_for_timeout(3_000)  # the lines are drawn slowly
        folder = os.environ.get("SENSORFLOW_SCREENSHOTS") or tmp_path_factory.mktemp("pictures")
        await page.screenshot(path=Path(folder, "superset.png"))
    return shown


def _remember(shown: Dashboard, response: Response) -> None:
    if "/api/v1/chart/data" in response.url and response.ok:
        query: Any = response.request.post_data_json
        if chart_id := query["form_data"].get("slice_id"):
            shown.queries[chart_id] = query


async def _sign_in(page: Page, url: str) -> None:
    await page.goto(f"{url}/login/")
    await page.fill("#username", USER)
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_load_state()


@pytest.fixture(scope="module")
def rows(dashboard: Dashboard, client: SupersetClient) -> dict[str, list[dict[str, Any]]]:
    """What each chart's query returns, by the chart's name."""
    names = {chart["id"]: chart["slice_name"] for chart in client.all("chart")}
    return {names[chart]: client.rows(query) for chart, query in dashboard.queries.items()}


@pytest_asyncio.fixture
async def fahrenheit(api: httpx2.AsyncClient) -> dict[str, dict[str, Any]]:
    """The equipment that the dashboard shows at first, by name: that of the first unit."""
    equipment = (await api.get("/equipment")).json()["items"]
    return {one["name"]: one for one in equipment if one["unit"] == "°F"}


async def aggregated(api: httpx2.AsyncClient, **parameters: Any) -> dict[str, Any]:
    response = await api.get("/sensor-data/aggregated", params=parameters)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert answer.get("nextCursor") is None
    return answer


def test_the_bundle_brings_six_charts_over_described_columns_and_saved_metrics(
    client: SupersetClient,
) -> None:
    assert {chart["slice_name"] for chart in client.all("chart")} == CHARTS
    for name in ("readings_1h", "readings_1d", "windows"):
        dataset = client.dataset(name)
        metrics = {metric["metric_name"]: metric["expression"] for metric in dataset["metrics"]}
        assert metrics["weighted_average"] == "SUM(total_value) / NULLIF(SUM(sample_count), 0)"
        assert not any("avg" in expression.lower() for expression in metrics.values())
        assert all(column["description"] for column in dataset["columns"])
        assert "average" not in {column["column_name"] for column in dataset["columns"]}


async def test_the_average_of_each_window_is_the_apis(
    rows: dict[str, list[dict[str, Any]]],
    fahrenheit: dict[str, dict[str, Any]],
    api: httpx2.AsyncClient,
) -> None:
    shown = {row["name"]: row for row in rows["Average in each window"]}
    assert shown.keys() == fahrenheit.keys()
    for name, equipment in fahrenheit.items():
        for window in WINDOWS:
            answer = await aggregated(api, interval=window, equipmentId=equipment["equipmentId"])
            assert shown[name][f"average_{window}"] == pytest.approx(answer["average"], rel=1e-12)


async def test_the_range_of_the_month_is_that_of_720_hours(
    rows: dict[str, list[dict[str, Any]]],
    fahrenheit: dict[str, dict[str, Any]],
    api: httpx2.AsyncClient,
) -> None:
    shown = {row["name"]: row for row in rows["Range of the month"]}
    for name, equipment in fahrenheit.items():
        answer = await aggregated(api, interval="1m", equipmentId=equipment["equipmentId"])
        assert shown[name]["readings"] == answer["totalCount"]
        assert shown[name]["lowest"] == min(item["minimum"] for item in answer["items"])
        assert shown[name]["highest"] == max(item["maximum"] for item in answer["items"])


async def test_the_hours_of_a_week_are_the_apis(
    rows: dict[str, list[dict[str, Any]]],
    fahrenheit: dict[str, dict[str, Any]],
    api: httpx2.AsyncClient,
) -> None:
    shown = {row["time"] / 1000: row for row in rows["Average by hour"]}
    for name, equipment in fahrenheit.items():
        answer = await aggregated(api, interval="1w", equipmentId=equipment["equipmentId"])
        for item in answer["items"]:
            assert shown[item["intervalStart"]][name] == pytest.approx(item["average"], rel=1e-12)


async def test_days_are_those_of_utc_and_their_average_is_weighted(
    rows: dict[str, list[dict[str, Any]]],
    fahrenheit: dict[str, dict[str, Any]],
    api: httpx2.AsyncClient,
) -> None:
    days = {row["time"] / 1000: row for row in rows["Lowest average and highest by day"]}
    readings = {row["time"] / 1000: row for row in rows["Readings by day"]}
    until = datetime.now(UTC)
    answer = await aggregated(
        api,
        **{"from": (until - timedelta(days=28)).isoformat(), "to": until.isoformat()},
        resolution="1d",
        groupBy="all",
        equipmentId=[equipment["equipmentId"] for equipment in fahrenheit.values()],
    )
    assert len(answer["items"]) == 28
    for item in answer["items"]:
        shown = days[item["intervalStart"]]
        assert (shown["lowest"], shown["highest"]) == (item["minimum"], item["maximum"])
        assert shown["weighted_average"] == pytest.approx(item["average"], rel=1e-12)
        by_location = readings[item["intervalStart"]]
        assert (
            sum(count for key, count in by_location.items() if key != "time")
            == (item["sampleCount"])
        )


def test_the_last_readings_are_the_apis(
    rows: dict[str, list[dict[str, Any]]], fahrenheit: dict[str, dict[str, Any]]
) -> None:
    shown = {row["name"]: row["last_reading"] for row in rows["Last readings"]}
    assert shown == {name: one["lastValue"] for name, one in fahrenheit.items()}
