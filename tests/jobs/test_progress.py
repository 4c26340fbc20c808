"""The progress that a worker records, batch by batch."""

import gzip
from typing import Any

import pytest
from pgqueuer.domain.errors import RetryRequested

from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from tests.jobs.support import HEADER, add_import
from tests.jobs.test_import_attempts import BATCH, FILE, in_batches

ROWS = "".join(f"a,2024-01-01T00:{minute:02}:00Z,{minute}\n" for minute in range(40))
TEXT = (HEADER + ROWS).encode()


async def row_of(context: ImportContext) -> dict[str, Any]:
    return dict(await context.pool.fetchrow("SELECT * FROM imports") or {})


@pytest.mark.parametrize(
    ("content", "extension"),
    [(TEXT, ".csv"), (gzip.compress(TEXT), ".csv.gz"), (TEXT.replace(b"\n", b"\r\n"), ".csv")],
)
async def test_bytes_are_those_of_the_text_and_all_are_done_in_the_end(
    context: ImportContext, content: bytes, extension: str
) -> None:
    await run_import_job(
        context, await add_import(context.pool, context.storage, content, extension), 0
    )
    row = await row_of(context)
    text = gzip.decompress(content) if extension.endswith(".gz") else content
    assert row["state"] == "done"
    assert row["bytes_done"] == row["bytes_total"] == len(text)
    assert row["loading_since"] <= row["progress_at"]


async def test_after_a_stop_the_next_attempt_counts_on_and_has_its_own_rate(
    context: ImportContext,
) -> None:
    import_id = await add_import(context.pool, context.storage, FILE)
    with pytest.raises(RetryRequested):
        await run_import_job(in_batches(context, context.stop.set), import_id, 0)
    stopped = await row_of(context)
    assert stopped["bytes_done"] == len(BATCH.format(0))
    assert (stopped["bytes_total"], stopped["rows_before"]) == (len(FILE), 0)
    context.stop.clear()
    await run_import_job(in_batches(context, lambda: None), import_id, 0)
    done = await row_of(context)
    assert (done["bytes_done"], done["rows_before"], done["rows_read"]) == (len(FILE), 3, 15)
    assert done["loading_since"] > stopped["progress_at"]
