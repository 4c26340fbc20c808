"""In whatever form a file comes, its rows are loaded and its rejects can be corrected."""

import dataclasses
from unittest.mock import Mock

import pytest
from pgqueuer.domain.errors import RetryRequested

from core.database import Pool
from core.errors import StorageError
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from tests.jobs.file_forms import FORMS, ROWS, Form, fields_of
from tests.jobs.load_model import load_row_by_row
from tests.jobs.support import ImportCounts, add_import, outcome_of, rejects_of, rows_of
from tests.jobs.test_import_attempts import StorageThat
from tests.jobs.test_rejects_resubmission import resubmitted

TABLE, COUNTS = load_row_by_row({}, ROWS)
CORRECTED = [dataclasses.replace(row, bad=False) for row in ROWS]


def rejects_expected(form: Form) -> list[tuple[int, str, str, str]]:
    return [
        (number, "bad_number", "value", form.line(fields_of(row)))
        for number, row in zip(form.numbers, ROWS, strict=True)
        if row.bad
    ]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
async def test_its_rows_are_loaded_across_an_interruption_and_its_rejects_can_be_corrected(
    context: ImportContext, pool: Pool, form: Form
) -> None:
    import_id = await add_import(
        pool, context.storage, form.content(ROWS), form.extension, form.options
    )
    faults = Mock(side_effect=[None, StorageError("away")])
    failing = StorageThat(context.storage, faults)
    with pytest.raises(RetryRequested):
        await run_import_job(
            dataclasses.replace(context, storage=failing, batch_lines=3), import_id, 0
        )
    assert 0 < (await outcome_of(pool, import_id)).counts.read < len(ROWS)
    await run_import_job(dataclasses.replace(context, batch_lines=2), import_id, 1)
    outcome = await outcome_of(pool, import_id)
    assert (outcome.state, outcome.counts) == ("done", COUNTS)
    assert outcome.lines_done == form.numbers[-1]
    assert await rows_of(pool) == TABLE
    assert await rejects_of(context.storage, import_id) == rejects_expected(form)
    right = {
        number: form.line(fields_of(row))
        for number, row in zip(form.numbers, CORRECTED, strict=True)
    }
    await resubmitted(
        context, import_id, {line: right[line] for line, *_ in rejects_expected(form)}
    )
    outcome = await outcome_of(pool, import_id)
    assert (outcome.state, outcome.counts) == ("done", ImportCounts(read=8, inserted=8))
    assert await rows_of(pool) == load_row_by_row({}, CORRECTED)[0]
