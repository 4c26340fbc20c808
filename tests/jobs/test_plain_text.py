"""Containers and encodings become plain text, in bounded memory, or a fault that says why not."""

import asyncio
import gzip
from collections.abc import Callable
from datetime import datetime, time
from pathlib import Path

import pytest

from core.imports import DecimalMark, Delimiter, Encoding, ImportOptions
from jobs.csv_import import archive as archive_module
from jobs.csv_import import workbook as workbook_module
from jobs.csv_import.plain_text import plain_text_file
from jobs.errors import FileFaultError, WorkerStoppingError
from tests.support.workbooks import Cell, archive, packed, sheet_xml, workbook, worksheet

CSV = b"sensor,time,value\na,2024-01-01T00:00:00Z,1\n"
LIMIT = 10_000_000


def never() -> None:
    """The worker is not to stop."""


def text_of(
    path: Path,
    content: bytes,
    options: ImportOptions | None = None,
    max_bytes: int = LIMIT,
    raise_if_stopping: Callable[[], None] = never,
) -> bytes:
    path.write_bytes(content)

    async def read() -> bytes:
        given = options or ImportOptions()
        async with plain_text_file(path, given, max_bytes, raise_if_stopping) as text:
            return text.read_bytes()

    return asyncio.run(read())


def fault_of(path: Path, content: bytes, max_bytes: int = LIMIT) -> FileFaultError:
    with pytest.raises(FileFaultError) as refused:
        text_of(path, content, max_bytes=max_bytes)
    assert "Nothing of it was stored." in refused.value.message
    return refused.value


@pytest.mark.parametrize("name", ["a.csv", "a.TXT", "a.tsv", "a.parquet"])
@pytest.mark.parametrize("content", [CSV, CSV.replace(b"\n", b"\r\n"), b"", b"\xef\xbb\xbfa\rb\n"])
async def test_plain_text_is_read_where_it_is(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    async with plain_text_file(path, ImportOptions(), 1, never) as text:
        assert text == path


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfea\x00\xe4\x00\n\x00", "aä\n"),
        (b"\xfe\xff\x00a\x00\xe4\x00\n", "aä\n"),
        (b"\xff\xfea\x00\x00\xd8\n\x00", "a\ufffd\n"),
        (b"\xff\xfea\x00\n", "a\ufffd"),
        (b"\xef\xbb\xbf" + "aä\n".encode(), "\ufeffaä\n"),
    ],
)
def test_a_byte_order_mark_says_more_than_the_option(
    tmp_path: Path, encoding: Encoding, content: bytes, expected: str
) -> None:
    text = text_of(tmp_path / "a.csv", content, ImportOptions(encoding=encoding))
    assert text.decode() == expected


@pytest.mark.parametrize(
    ("encoding", "content", "expected"),
    [
        (Encoding.WINDOWS_1252, b"\xe4\x80\x81\n", "ä€\ufffd\n"),
        (Encoding.UTF_16, b"\xe4\x00\n\x00", "ä\n"),
    ],
)
def test_text_is_in_the_encoding_of_the_option(
    tmp_path: Path, encoding: Encoding, content: bytes, expected: str
) -> None:
    options = ImportOptions(encoding=encoding)
    assert text_of(tmp_path / "a.csv", content, options).decode() == expected
    zipped = archive({"a.csv": content})
    assert text_of(tmp_path / "a.zip", zipped, options).decode() == expected
    assert text_of(tmp_path / "a.csv.gz", gzip.compress(content), options).decode() == expected


def test_a_character_may_lie_across_two_chunks(tmp_path: Path) -> None:
    text = "x" * (2**20 - 1) + "ä𝄞" * 10
    assert text_of(tmp_path / "a.csv", ("\ufeff" + text).encode("utf-16-le")).decode() == text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a\rb\r", b"a\nb\n"),
        (b"a\r\rb", b"a\n\nb"),
        (b"x" * 3_000_000 + b"\rb", b"x" * 3_000_000 + b"\nb"),
        (b"a\rb" + b"x" * 3_000_000 + b"\n", None),
    ],
    ids=["short", "blank line", "long first line", "LF at the end"],
)
def test_a_carriage_return_ends_a_line_where_no_line_feed_does(
    tmp_path: Path, content: bytes, expected: bytes | None
) -> None:
    assert text_of(tmp_path / "a.csv", content) == (expected or content)


def test_the_limit_of_inflated_bytes_holds_for_every_form(tmp_path: Path) -> None:
    text = CSV * 100_000
    forms = {
        "a.csv.gz": gzip.compress(text),
        "a.zip": archive({"a.csv": text}),
        "b.csv": text.decode().encode("utf-16"),
        "c.csv": text.replace(b"\n", b"\r"),
        "a.xlsx": workbook([["x" * 10_000]] * 200),
    }
    for name, content in forms.items():
        assert fault_of(tmp_path / name, content, 1_000_000).code == "inflated_too_large"


@pytest.mark.parametrize("name", ["a.zip", "a.xlsx", "a.csv.gz"])
def test_a_worker_that_is_to_stop_does_so_while_it_unpacks(tmp_path: Path, name: str) -> None:
    def stop() -> None:
        raise WorkerStoppingError("now")

    forms = {"a.zip": archive({"a.csv": CSV}), "a.xlsx": workbook([["a"]])}
    with pytest.raises(WorkerStoppingError):
        text_of(tmp_path / name, forms.get(name, gzip.compress(CSV)), raise_if_stopping=stop)


NESTED = archive({"a.csv": CSV})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cut off, damaged or something else"),
        (CSV, "cut off, damaged or something else"),
        (NESTED[:-30], "cut off, damaged or something else"),
        (NESTED[30:], "cut off, damaged or something else"),
        (archive({}), "it holds 0 files"),
        (archive({"a/": ""}), "it holds 0 files"),
        (archive({"a.csv": CSV, "b.csv": CSV}), "it holds 2 files"),
        (archive({"a.csv": CSV, "readme.md": ""}), "it holds 2 files"),
        (archive({"a.zip": NESTED}), "'a.zip' ends in none of .csv, .tsv, .txt"),
        (archive({"a.csv.gz": gzip.compress(CSV)}), "ends in none of"),
        (archive({"a.xlsx": CSV}), "ends in none of"),
        (archive({"csv": CSV}), "ends in none of"),
    ],
)
def test_an_archive_that_is_not_one_text_file_is_refused(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    refused = fault_of(tmp_path / "a.zip", content)
    assert refused.code == "bad_archive"
    assert reason in refused.message


def patched(content: bytes, local: int, central: int, value: bytes) -> bytes:
    """The archive of one entry with other bytes in both of its headers."""
    start = content.index(b"PK\x01\x02") + central
    patched = content[:local] + value + content[local + len(value) :]
    return patched[:start] + value + patched[start + len(value) :]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (patched(NESTED, 6, 8, b"\x01\x00"), "encrypted"),
        (patched(NESTED, 8, 10, b"\x0e\x00"), "another method than Deflate"),
        (patched(NESTED, 22, 24, b"\x05\x00\x00\x00"), f"{len(CSV)} bytes where"),
        (patched(NESTED, 22, 24, b"\xff\xff\xff\x7f"), f"{len(CSV)} bytes where"),
        (patched(NESTED, 14, 16, b"\x00\x00\x00\x00"), "CRC"),
    ],
)
def test_an_archive_that_lies_about_its_file_is_refused(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    refused = fault_of(tmp_path / "a.zip", content)
    assert refused.code == "bad_archive"
    assert reason in refused.message


def test_a_bomb_that_says_it_is_small_is_inflated_no_further_than_the_limit(
    tmp_path: Path,
) -> None:
    bomb = patched(archive({"a.csv": b"0" * 100_000_000}), 22, 24, b"\x05\x00\x00\x00")
    assert fault_of(tmp_path / "a.zip", bomb, 1_000_000).code == "inflated_too_large"


def test_the_directory_of_an_archive_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_module, "MAX_DIRECTORY_BYTES", 2**16 + 100)
    many = archive({f"{n}.csv": "" for n in range(3_000)})
    assert "directory is too large" in fault_of(tmp_path / "a.zip", many).message


def test_no_name_in_an_archive_becomes_a_path(tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    for name in ("../../escaped.csv", "/tmp/escaped.csv", "C:\\escaped.csv", ".csv"):  # noqa: S108
        assert text_of(tmp_path / "a.zip", archive({name: CSV})) == CSV
    assert set(tmp_path.rglob("*")) - before == {tmp_path / "a.zip"}
    assert not Path("/tmp/escaped.csv").exists()  # noqa: S108  # where it must not be


MOMENT = datetime(2024, 1, 1, 0, 7)  # noqa: DTZ001  # cells have no zone


def test_the_first_sheet_becomes_csv_with_a_line_for_each_of_its_rows(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [
        ["sensor", "time", "value\r\n[°C]"],
        [],
        ["a,b", MOMENT, 21.5],
        ['"q"', datetime(2024, 1, 1), 21.0],  # noqa: DTZ001  # as above
        [4711, 1704067200, 1e-7],
        [True, "2024-01-01T00:00:00Z", -0.0],
        [None, None, 1e21],
        ["=1+1", " x ", None],
    ]
    text = text_of(tmp_path / "a.xlsx", workbook(rows, [["other"]]))
    assert text.decode().splitlines() == [
        "sensor,time,value [°C]",
        "",
        '"a,b",2024-01-01T00:07:00,21.5',
        '"""q""",2024-01-01T00:00:00,21',
        "4711,1704067200,1e-07",
        "TRUE,2024-01-01T00:00:00Z,0",
        ",,1e+21",
        "=1+1,x,",
    ]


def test_every_minute_of_a_day_is_a_timestamp_without_a_fraction(tmp_path: Path) -> None:
    moments = [datetime(2026, 11, 1, n // 60, n % 60) for n in range(1440)]  # noqa: DTZ001
    text = text_of(tmp_path / "a.xlsx", workbook([[moment] for moment in moments]))
    assert text.decode().split() == [moment.isoformat() for moment in moments]


def test_a_workbook_is_written_with_the_marks_of_the_options(tmp_path: Path) -> None:
    content = workbook([["a;b", 21.5]])
    options = ImportOptions(delimiter=Delimiter.SEMICOLON, decimal=DecimalMark.COMMA)
    assert text_of(tmp_path / "a.xlsx", content, options) == b'"a;b";21,5\n'
    assert text_of(tmp_path / "A.XLSX", content) == b"a;b,21.5\n"


def test_a_date_and_a_time_in_two_cells_stay_two(tmp_path: Path) -> None:
    content = workbook([["date", "time"], [datetime(2024, 1, 1), time(0, 7)]])  # noqa: DTZ001
    options = ImportOptions(columns={"timestamp": ["date", "time"]})
    assert text_of(tmp_path / "a.xlsx", content, options) == b"date,time\n2024-01-01,00:07:00\n"


def test_hidden_sheets_are_passed_over(tmp_path: Path) -> None:
    assert text_of(tmp_path / "a.xlsx", workbook([["no"]], [["yes"]], hidden=[1])) == b"yes\n"
    refused = fault_of(tmp_path / "a.xlsx", workbook([["no"]], hidden=[1]))
    assert (refused.code, "no visible sheet" in refused.message) == ("bad_workbook", True)


FAR_APART = worksheet(
    '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "bad_workbook"),
        (CSV, "bad_workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "protected by a password"),
        (archive({"a.csv": CSV}), "bad_workbook"),
        (workbook([["a"]])[:-40], "bad_workbook"),
        (packed(["<worksheet><sheetData><row"]), "bad_workbook"),
        (packed([FAR_APART]), "inflated_too_large"),
    ],
)
def test_a_workbook_that_cannot_be_read_is_a_fault_and_not_the_end_of_the_worker(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    refused = fault_of(tmp_path / "a.xlsx", content)
    assert reason in f"{refused.code}: {refused.message}"


def test_a_workbook_takes_no_more_memory_than_it_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook_module, "MAX_MEMORY_BYTES", 150 * 2**20)
    strings = packed([sheet_xml([["x" * 10_000]] * 10_000)])
    refused = fault_of(tmp_path / "a.xlsx", strings)
    assert (refused.code, len(strings) < 10_000_000) == ("inflated_too_large", True)
