"""A file is read as its sender says that it is written."""

from core.imports import DecimalMark, Delimiter, ImportOptions, TimeFormat
from jobs.csv_import.context import ImportContext
from jobs.csv_import.job import run_import_job
from tests.jobs.support import ImportCounts, add_import, outcome_of, rejects_of, rows_of, run_import

GERMAN = """Messstelle;Bemerkung;Zeit;Wert
Pumpe 1;"alt; gut";2013-10-27 01:59:59;1,5
Pumpe 1;;2013-10-27 02:30:00;2,5
Pumpe 1;;2013-03-31 02:30:00;3,5
Pumpe 1;;2013-10-27T02:30:00+02:00;4,5
Pumpe 1;;2013-07-01 00:00:00;5.5
"""


async def test_delimiter_decimal_zone_and_names_are_those_of_the_options(
    context: ImportContext,
) -> None:
    options = ImportOptions(
        delimiter=Delimiter.SEMICOLON,
        decimal=DecimalMark.COMMA,
        time_zone="Europe/Berlin",
        columns={"equipmentId": "Messstelle", "timestamp": "Zeit", "value": "Wert"},
    )
    import_id = await add_import(context.pool, context.storage, GERMAN, options=options)
    await run_import_job(context, import_id, 0)
    outcome = await outcome_of(context.pool, import_id)
    assert (outcome.state, outcome.counts) == ("done", ImportCounts(read=5, inserted=2, rejected=3))
    assert await rows_of(context.pool) == {
        ("Pumpe 1", "2013-10-26T23:59:59+00:00"): 1.5,
        ("Pumpe 1", "2013-10-27T00:30:00+00:00"): 4.5,
    }
    assert [reject[:3] for reject in await rejects_of(context.storage, import_id)] == [
        (3, "ambiguous_time", "timestamp"),
        (4, "skipped_time", "timestamp"),
        (6, "bad_number", "value"),
    ]


async def test_counted_moments_and_other_names_need_no_more_than_the_unit(
    context: ImportContext,
) -> None:
    content = "ts\tDevice\tReading\n1383440400123\ta\t1\n"
    outcome = await run_import(
        context, content, options=ImportOptions(time_format=TimeFormat.EPOCH_MS)
    )
    assert outcome.state == "done"
    assert await rows_of(context.pool) == {("a", "2013-11-03T01:00:00.123000+00:00"): 1.0}


async def test_a_header_with_two_names_of_a_column_stores_nothing(context: ImportContext) -> None:
    outcome = await run_import(context, "sensor,device,ts,value\na,b,2024-01-01T00:00:00Z,1\n")
    assert (outcome.state, outcome.error_code) == ("failed", "ambiguous_header")
    assert await rows_of(context.pool) == {}
