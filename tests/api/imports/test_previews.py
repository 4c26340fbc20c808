"""A preview says what an import would do, whatever the file, and stores nothing."""

import asyncio
import gzip
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import httpx2
import psutil
import pytest
import zstandard

from api.imports import preview_process, previews
from core.database import Pool
from tests.api.imports.test_uploads import files_below
from tests.jobs.file_forms import zipped
from tests.support.workbooks import workbook

TS = "2026-11-01T00:00:00Z"
HEADER = "sensor,time,value\n"
GERMAN = (
    "Messstelle;Zeitpunkt;Wert\n"
    "Pumpe Süd;31.10.2026 23:45;21,5\n"
    "Pumpe Süd;31.10.2026 23:50;1.234,5\n"
)
EITHER = "sensor;time;value\nt36;01.11.2026 00:00:00;21,5\n"
BAD_ROWS = f"{HEADER}a,{TS},1\na,01/11/2026 10:00:00,2\na,{TS},x\n\na,{TS},NAN\na\n"


async def preview(
    client: httpx2.AsyncClient, content: str | bytes, name: str = "file.csv", **fields: str
) -> httpx2.Response:
    """The response; the fields come before the file."""
    form = [(field, (None, text)) for field, text in fields.items()]
    file = content if isinstance(content, bytes) else content.encode()
    return await client.post("/imports/preview", files=[*form, ("file", (name, file))])


async def previewed(
    client: httpx2.AsyncClient, content: str | bytes, name: str = "file.csv", **fields: str
) -> Any:
    response = await preview(client, content, name, **fields)
    assert response.status_code == 200, response.text
    return response.json()


def outcomes(document: Any) -> list[tuple[int, str]]:
    """The outcome of the first rows, by line: readings in short, others by their code."""
    return [
        (line["line"], in_short(each)) for line in document["lines"] for each in line["outcomes"]
    ]


def in_short(outcome: Any) -> str:
    if outcome["outcome"] == "reading":
        return f"{outcome['equipmentId']} {outcome['timestamp']} {outcome['value']:g}"
    return str(outcome["code"] or outcome["outcome"])


async def test_what_is_found_out_about_a_file_is_in_force_and_nothing_is_stored(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    stored = set(files_below(storage_folder))
    document = await previewed(client, GERMAN.encode("cp1252"))
    options = document["options"]
    assert (options["encoding"], options["decimal"]) == ("windows-1252", ",")
    assert options["timeFormat"] == "%d.%m.%Y %H:%M"
    assert document["table"]["columns"] == ["Messstelle", "Zeitpunkt", "Wert"]
    assert document["table"]["mapping"]["timestamp"] == "Zeitpunkt"
    assert outcomes(document) == [(2, "Pumpe Süd 2026-10-31T23:45:00Z 21.5"), (3, "bad_number")]
    assert document["counts"] == {"read": 2, "readings": 1, "skipped": 0, "rejected": 1}
    assert document["assumesUtc"]
    assert document["ambiguous"] == []
    assert set(files_below(storage_folder)) == stored
    assert await pool.fetchval("SELECT count(*) FROM imports") == 0


async def test_what_the_file_does_not_tell_is_asked(client: httpx2.AsyncClient) -> None:
    document = await previewed(client, EITHER)
    assert document["ambiguous"] == ["timeFormat"]
    formats = [each["options"]["timeFormat"] for each in document["proposals"]]
    assert formats == ["%d.%m.%Y %H:%M:%S", "%m.%d.%Y %H:%M:%S"]
    ways = [each["readings"][0]["timestamp"] for each in document["proposals"]]
    assert ways == ["2026-11-01T00:00:00Z", "2026-01-11T00:00:00Z"]


async def test_bad_rows_have_their_code_and_what_would_mend_them(
    client: httpx2.AsyncClient,
) -> None:
    document = await previewed(client, BAD_ROWS, detect="false", nullValues='["NAN"]')
    assert outcomes(document) == [
        (2, f"a {TS} 1"),
        (3, "bad_timestamp"),
        (4, "bad_number"),
        (6, "skipped"),
        (7, "wrong_columns"),
    ]
    rejected = document["lines"][1]["outcomes"][0]
    assert rejected["hint"].startswith("day or month first?")
    assert [each["value"] for each in rejected["remedies"]] == [
        "%d/%m/%Y %H:%M:%S",
        "%m/%d/%Y %H:%M:%S",
    ]
    assert {(each["code"], each["count"], *each["lines"]) for each in document["rejects"]} == {
        ("bad_timestamp", 1, 3),
        ("bad_number", 1, 4),
        ("wrong_columns", 1, 7),
    }
    assert f"a,{TS},x" in {each["example"] for each in document["rejects"]}
    assert document["proposals"] == []
    assert not document["assumesUtc"]  # the timestamps that are none have no offset either


async def test_a_file_that_cannot_be_read_so_shows_its_lines_and_the_options_that_help(
    client: httpx2.AsyncClient,
) -> None:
    content = f"sensor,device,time,value\na,b,{TS},1\n"
    document = await previewed(client, content, detect="false")
    assert document["fault"]["code"] == "ambiguous_header"
    assert document["fault"]["remedies"] == [
        {"option": "columns", "value": {"equipmentId": name}} for name in ("sensor", "device")
    ]
    assert document["table"]["columns"] == ["sensor", "device", "time", "value"]
    assert [line["cells"] for line in document["lines"]][1] == ["a", "b", TS, "1"]
    columns = json.dumps(document["fault"]["remedies"][1]["value"])
    mended = await previewed(client, content, detect="false", columns=columns)
    assert outcomes(mended) == [(2, f"b {TS} 1")]


async def test_a_wide_file_has_an_outcome_for_each_cell(client: httpx2.AsyncClient) -> None:
    document = await previewed(client, f"time,temp,hum\n{TS},8.1,x\n{TS},,55\n", layout="wide")
    assert outcomes(document) == [
        (2, f"temp {TS} 8.1"),
        (2, "bad_number"),
        (3, "skipped"),
        (3, f"hum {TS} 55"),
    ]
    assert document["table"]["sensors"] == {"temp": "temp", "hum": "hum"}


def rows(count: int) -> str:
    return "".join(
        f"Pümpe {n % 7},2026-11-01T00:{n // 60 % 60:02}:{n % 60:02}Z,{n * n}.25\n"
        for n in range(count)
    )


PLAIN = (HEADER + rows(3000)).encode()


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 20])
async def test_the_beginning_of_a_file_is_read_up_to_its_last_whole_line(
    client: httpx2.AsyncClient, cut: int
) -> None:
    part = PLAIN[: len(PLAIN) // 2 + cut]
    document = await previewed(client, part, sizeBytes=str(len(PLAIN)))
    rows = part.count(b"\n") - 1
    assert document["counts"] == {"read": rows, "readings": rows, "skipped": 0, "rejected": 0}
    assert document["options"]["encoding"] == "utf-8"
    assert not document["sample"]["isWhole"]


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    ".csv.gz": gzip.compress,
    ".csv.zst": zstandard.compress,
}


@pytest.mark.parametrize("extension", COMPRESSIONS)
async def test_the_beginning_of_a_compressed_file_is_read_as_far_as_it_goes(
    client: httpx2.AsyncClient, extension: str
) -> None:
    compressed = COMPRESSIONS[extension]((HEADER + rows(40_000)).encode())
    part = compressed[: len(compressed) * 2 // 3]
    name = f"file{extension}"
    document = await previewed(client, part, name, sizeBytes=str(len(compressed)))
    assert document["fault"] is None
    assert document["counts"]["readings"] > 1000
    assert not document["sample"]["isWhole"]
    whole = await previewed(client, part, name)
    assert whole["fault"]["code"] == "bad_compression"


HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "an endless line": ("a.csv", lambda: b"x" * 2**22, "missing_header"),
    "a header and an endless line": ("a.csv", lambda: HEADER.encode() + b"x" * 2**22, ""),
    "nothing but line ends": ("a.csv", lambda: b"\n" * 2**22, "empty_file"),
    "a gzip that inflates without end": (
        "a.csv.gz",
        lambda: gzip.compress(bytes(2**28)),
        "not_text",
    ),
    "an archive that inflates without end": ("a.zip", lambda: zipped(bytes(2**28)), "not_text"),
    "no archive": ("a.zip", lambda: b"PK\3\4" + os.urandom(1000), "bad_archive"),
    "no workbook": ("a.xlsx", lambda: b"PK\3\4" + os.urandom(1000), "bad_workbook"),
    "no Parquet file": ("a.parquet", lambda: b"PAR1" + os.urandom(1000), "bad_parquet"),
    "half a character": ("a.csv", lambda: b"\xe2\x82", "not_text"),
    "quotes that never end": ("a.csv", lambda: HEADER.encode() + b'"a' * 2**19 + b"\n", ""),
}


@pytest.mark.parametrize(("name", "content", "fault"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_file_has_a_preview_too(
    client: httpx2.AsyncClient, name: str, content: Callable[[], bytes], fault: str
) -> None:
    document = await previewed(client, content(), name)
    assert (document["fault"] or {"code": ""})["code"] == fault
    assert document["counts"]["readings"] == 0


async def test_a_workbook_is_read_whole(client: httpx2.AsyncClient) -> None:
    content = workbook([["sensor", "time", "value"], ["a", "2026-11-01T00:00:00", 1.5]])
    document = await previewed(client, content, "file.xlsx")
    assert outcomes(document) == [(2, f"a {TS} 1.5")]
    response = await preview(client, content, "file.xlsx", sizeBytes=str(len(content) + 1))
    assert (response.status_code, response.json()["code"]) == (400, "validation_error")


@pytest.mark.parametrize(
    ("fields", "name", "status", "code"),
    [
        ({"decimal": "x"}, "a.csv", 400, "validation_error"),
        ({"detect": "perhaps"}, "a.csv", 400, "validation_error"),
        ({"sizeBytes": "1"}, "a.csv", 400, "validation_error"),
        ({"sizeBytes": "many"}, "a.csv", 400, "validation_error"),
        ({"other": "1"}, "a.csv", 400, "unknown_field"),
        ({}, "a.ods", 400, "not_csv"),
    ],
)
async def test_a_wrong_request_is_refused(
    client: httpx2.AsyncClient, fields: dict[str, str], name: str, status: int, code: str
) -> None:
    response = await preview(client, EITHER, name, **fields)
    assert (response.status_code, response.json()["code"]) == (status, code)


async def test_more_than_a_preview_takes_is_refused_with_the_remedy(
    client: httpx2.AsyncClient,
) -> None:
    response = await preview(client, b"x" * (previews.MAX_PREVIEW_BYTES + 1))
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert "sizeBytes" in response.json()["detail"]
    assert (await preview(client, b"")).json()["code"] == "empty_file"


def program(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Have a program of this text in place of the one that makes previews."""
    monkeypatch.setattr(preview_process, "PROGRAM", (sys.executable, "-c", text))


def temporary_folders() -> list[Path]:
    return list(Path(gettempdir()).glob("sensorflow-preview-*"))


FAILING = {
    "is killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "ends without a preview": "pass",
    "fails": "raise SystemExit(3)",
    "says something else": "print('[]')",
}


@pytest.mark.parametrize("text", FAILING.values(), ids=FAILING.keys())
async def test_a_process_that_fails_is_the_answer_and_the_next_preview_is_made(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    with monkeypatch.context() as patch:
        program(patch, text)
        response = await preview(client, EITHER)
        assert (response.status_code, response.json()["code"]) == (422, "preview_failed")
    assert (await preview(client, EITHER)).status_code == 200
    assert temporary_folders() == []


SLEEPING = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path({path!r}).write_text(str(child.pid))
time.sleep(600)
"""


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # a process of a process sets no event
            await asyncio.sleep(0.02)


async def test_a_process_that_takes_too_long_is_ended_with_all_it_has_started(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = tmp_path / "pid"
    program(monkeypatch, SLEEPING.format(path=str(started)))
    monkeypatch.setattr(preview_process, "TIMEOUT_SECONDS", 2)
    response = await preview(client, EITHER)
    assert (response.status_code, response.json()["code"]) == (422, "preview_failed")
    await until(lambda: not psutil.pid_exists(int(started.read_text())))
    assert temporary_folders() == []


async def test_a_client_that_is_gone_needs_no_preview(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = tmp_path / "pid"
    program(monkeypatch, SLEEPING.format(path=str(started)))
    request = asyncio.create_task(preview(client, EITHER))
    await until(lambda: started.exists() and bool(started.read_text()))
    request.cancel()
    await until(lambda: not psutil.pid_exists(int(started.read_text())))
    await until(lambda: temporary_folders() == [])


async def test_few_run_at_once_and_beyond_a_limit_they_are_refused(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(previews, "MAX_IN_FLIGHT", 4)
    text = f"import os, pathlib, time; (pathlib.Path({str(tmp_path)!r}) / str(os.getpid())).touch()"
    program(monkeypatch, f"{text}; time.sleep(600)")

    def running() -> int:
        return len(list(tmp_path.iterdir()))

    waiting = [asyncio.create_task(preview(client, EITHER)) for _ in range(4)]
    await until(lambda: running() == previews.MAX_RUNNING)
    async with asyncio.timeout(30):
        while (response := await preview(client, EITHER)).status_code != 429:
            pass
    assert response.json()["code"] == "too_many_previews"
    assert response.headers["retry-after"]
    assert running() == previews.MAX_RUNNING
    for task in waiting:
        task.cancel()
    await until(lambda: temporary_folders() == [])


async def test_the_process_has_nothing_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SENSORFLOW_DATABASE_URL", "postgresql://user:secret@host/name")
    program(monkeypatch, "import json, os; print(json.dumps(dict(os.environ)))")
    await preview_process._run(b"", tmp_path, tmp_path / "out", tmp_path / "err")  # noqa: SLF001  # the only place that has its output
    names = json.loads((tmp_path / "out").read_text()).keys() - {"LC_CTYPE"}
    assert names == {"PYTHONPATH", "TMPDIR", "POLARS_MAX_THREADS"}
