"""A column that is written in another way than the options say is named, with the option."""

import pytest

from core.imports import DecimalMark, Encoding, ImportOptions, TimeFormat
from core.time import utc_now
from jobs.csv_import.context import ImportContext
from tests.jobs.support import HEADER, run_import
from tests.jobs.test_dry_run import forecast_of

NOW = int(utc_now().timestamp())
TS = "2024-01-01T00:00:00Z"
SECONDS = "Nearly every timestamp looks like seconds (set timeFormat=epoch_s)."
MILLISECONDS = "Nearly every timestamp looks like milliseconds (set timeFormat=epoch_ms)."
COMMA = "Nearly every value has another decimal mark (set decimal=,)."
POINT = "Nearly every value has another decimal mark (set decimal=.)."


def semicolons(*rows: tuple[object, object]) -> str:
    lines = (f"p;{timestamp};{value}\n" for timestamp, value in rows)
    return HEADER.replace(",", ";") + "".join(lines)


@pytest.mark.parametrize(
    ("content", "given", "hints"),
    [
        (semicolons(*[(NOW - n, 1) for n in range(9)]), {}, [SECONDS]),
        (semicolons(*[(f"{NOW}{n:03}", 1) for n in range(9)]), {}, [MILLISECONDS]),
        (semicolons(*[(NOW, 1)] * 9), {"time_format": TimeFormat.EPOCH_NS}, [SECONDS]),
        (semicolons(*[(NOW, 1)] * 19, ("never", 1)), {}, [SECONDS]),
        (semicolons(*[(NOW, 1)] * 5, *[("never", 1)] * 4), {}, []),
        (semicolons(*[(TS, "21,5")] * 9, (TS, "x")), {}, [COMMA]),
        (semicolons((TS, "1.234,5"), (TS, "-,5")), {}, [COMMA]),
        (semicolons(*[(TS, "21.5")] * 9), {"decimal": DecimalMark.COMMA}, [POINT]),
        (semicolons(*[(NOW, "21,5")] * 9), {}, [SECONDS, COMMA]),
        (semicolons(*[(TS, "x")] * 9), {}, []),
        (HEADER + f"p,{TS},21,5\n" * 9, {}, []),
        (HEADER + f'p,{NOW},"21,5"\n' * 9, {}, [SECONDS, COMMA]),
    ],
)
async def test_the_failure_and_the_dry_run_name_the_option(
    context: ImportContext, content: str, given: dict[str, object], hints: list[str]
) -> None:
    options = ImportOptions(**given)  # type: ignore[arg-type]  # as they come
    outcome = await run_import(context, content, options=options)
    assert outcome.error_code == "no_valid_rows"
    expected = " ".join([*hints, "The first reasons: line 2: "])
    assert f"could be stored. {expected}" in outcome.error_message
    assert (await forecast_of(context, content, **given)).column_hints == hints


async def test_where_most_rows_are_good_a_column_gets_no_hint_from_the_others(
    context: ImportContext,
) -> None:
    content = semicolons(*[(TS, 1)] * 9, *[(TS, "21,5")] * 9)
    assert (await forecast_of(context, content)).column_hints == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f'p,{TS},"21,5"', "bad_number in value (has another decimal mark: set decimal=,)"),
        (
            "p,12345,1",
            "bad_timestamp in timestamp (is a number: say with timeFormat what it counts)",
        ),
        ("p,12345x,1", "bad_timestamp in timestamp."),
        (
            f"p\xfc,{TS},1",
            "bad_text in equipmentId (has bytes that are no utf-8 text: set encoding)",
        ),
    ],
)
async def test_a_rejected_row_names_the_option_that_it_may_need(
    context: ImportContext, row: str, reason: str
) -> None:
    outcome = await run_import(context, HEADER.encode() + row.encode("latin-1"))
    assert f"line 2: {reason}" in outcome.error_message


async def test_a_byte_that_windows_1252_leaves_open_is_reported_with_its_encoding(
    context: ImportContext,
) -> None:
    options = ImportOptions(encoding=Encoding.WINDOWS_1252)
    outcome = await run_import(context, f"{HEADER}p\x81,{TS},1".encode("latin-1"), options=options)
    assert "has bytes that are no windows-1252 text" in outcome.error_message
