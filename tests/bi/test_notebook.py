"""The notebook shows what it shows on the sample."""

import pytest
import pytest_asyncio

from core.database import Pool
from tests.bi.notebook import code_cells, read_notebook, run_cells
from tests.bi.sample import load_year
from tests.conftest import empty_database

SERIES = ("JFK-PRESS", "JFK-TEMP", "JFK-WIND")


@pytest_asyncio.fixture
async def year(session_pool: Pool) -> None:
    await empty_database(session_pool)
    await load_year(session_pool, SERIES)


@pytest.mark.usefixtures("year")
async def test_every_cell_shows_what_the_notebook_says(
    tool_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSORFLOW_BI_URL", tool_url)
    notebook = read_notebook()
    for cell, outputs in zip(code_cells(notebook), run_cells(notebook), strict=True):
        assert outputs == cell["outputs"], "".join(cell["source"])


def test_every_cell_that_ends_with_a_value_was_executed() -> None:
    cells = code_cells(read_notebook())
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(bool(cell["outputs"]) for cell in cells) > len(cells) / 2
