"""Corrected rows sent to the import that rejected them. Requests that fail come first."""

from pathlib import Path
from uuid import UUID

import httpx2
import pytest

from core.database import Pool
from tests.api.imports.test_imports import UNKNOWN, new_import, set_state
from tests.api.imports.test_uploads import files_below

HEADER = "line,code,column,row\n"
REJECTS = '3,"bad_number","value","a,t,x"\n7,"bad_number","value","b,t,""x"""\n'
MORE = '12,"bad_number","value","c,t,x"\n'


async def import_with_rejects(
    pool: Pool, storage: Path, state: str = "done", error: str | None = None
) -> UUID:
    """An import that has rejected the lines 3, 7 and 12, in two parts."""
    import_id = await new_import(pool)
    await set_state(pool, import_id, state, error)
    folder = storage / "imports" / str(import_id) / "rejects"
    folder.mkdir(parents=True)
    (folder / "000000000002.csv").write_text(REJECTS)
    (folder / "000000000010.csv").write_text(MORE)
    return import_id


async def send(
    client: httpx2.AsyncClient,
    import_id: UUID | str,
    text: str,
    name: str = "fixed.csv",
    query: str = "",
) -> httpx2.Response:
    files = {"file": (name, text.encode("utf-8", "surrogateescape"))}
    return await client.post(f"/imports/{import_id}/rejects{query}", files=files)


def assert_problem(response: httpx2.Response, status: int, code: str) -> str:
    assert (response.status_code, response.json()["code"]) == (status, code)
    message: str = response.json()["message"]
    return message


async def test_an_unknown_import_accepts_no_rows(client: httpx2.AsyncClient) -> None:
    assert_problem(await send(client, UNKNOWN, HEADER), 404, "import_not_found")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "equipmentId,timestamp,value\n",
        HEADER + "3,x,y\n",
        HEADER + "three,x,y,z\n",
        HEADER + "0,x,y,z\n",
        HEADER + "3,x,y,z\n3,x,y,z\n",
        HEADER + '3,x,y,"z\n',
        HEADER + "3,x,y,\udcff\n",
        HEADER.replace(",", ";"),
    ],
)
async def test_a_file_that_is_not_a_list_of_rejects_is_rejected(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path, text: str
) -> None:
    import_id = await import_with_rejects(pool, storage_folder)
    message = assert_problem(await send(client, import_id, text), 400, "malformed_rejects")
    assert "line,code,column,row" in message


@pytest.mark.parametrize("line", [1, 4, 11, 13, 10**12])
async def test_a_line_that_was_never_rejected_is_an_error_that_names_it(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path, line: int
) -> None:
    import_id = await import_with_rejects(pool, storage_folder)
    response = await send(client, import_id, f"{HEADER}3,x,y,z\n{line},x,y,z\n")
    assert f"Line {line} " in assert_problem(response, 400, "never_rejected")
    assert await pool.fetchval("SELECT count(*) FROM queue.pgqueuer") == 0
    assert len(files_below(storage_folder / "imports" / str(import_id))) == 2


async def test_the_list_of_another_import_is_recognised_by_its_name(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    import_id = await import_with_rejects(pool, storage_folder)
    name = f"rejects-{UNKNOWN} (1).csv"
    message = assert_problem(
        await send(client, import_id, HEADER + REJECTS, name), 400, "foreign_rejects"
    )
    assert UNKNOWN in message


async def test_a_field_beside_the_file_is_rejected(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    import_id = await import_with_rejects(pool, storage_folder)
    files = {"file": ("a.csv", HEADER), "decimal": (None, ",")}
    response = await client.post(f"/imports/{import_id}/rejects", files=files)
    assert "decimal" in assert_problem(response, 400, "unknown_field")


@pytest.mark.parametrize(
    ("state", "error"),
    [("queued", None), ("loading", None), ("cancelled", None), ("failed", "too_many_attempts")],
)
async def test_an_import_that_is_not_read_to_the_end_accepts_no_rows(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path, state: str, error: str | None
) -> None:
    import_id = await import_with_rejects(pool, storage_folder, state, error)
    message = assert_problem(await send(client, import_id, HEADER + REJECTS), 409, "import_state")
    assert f"The import is {state}" in message
    assert len(files_below(storage_folder / "imports" / str(import_id))) == 2


async def test_a_list_that_is_too_large_is_rejected(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    import_id = await import_with_rejects(pool, storage_folder)
    text = HEADER + '3,x,y,"' + "z" * 17 * 2**20
    assert_problem(await send(client, import_id, text), 413, "body_too_large")


@pytest.mark.parametrize(("state", "error"), [("done", None), ("failed", "no_valid_rows")])
async def test_corrected_rows_are_stored_and_queued_once(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path, state: str, error: str | None
) -> None:
    import_id = await import_with_rejects(pool, storage_folder, state, error)
    text = "\ufeff" + HEADER.replace("\n", "\r\n") + '12,,,"c,t,2"\r\n3,,,"a,t,""1"""\r\n7,,, \r\n'
    answer = await send(client, import_id, text, f"rejects-{import_id}.csv")
    assert (answer.status_code, answer.json()["state"]) == (200, "queued")
    assert answer.json()["error"] is answer.json()["finishedAt"] is None
    row = await pool.fetchrow("SELECT * FROM imports")
    assert row is not None
    assert (row["repairing"], row["repair_lines_done"]) == (True, 0)
    stored = (storage_folder / row["repair_key"]).read_text()
    assert stored == '"line","row"\n3,"a,t,""1"""\n12,"c,t,2"\n'
    assert await pool.fetchval("SELECT count(*) FROM queue.pgqueuer") == 1
    assert_problem(await send(client, import_id, text), 409, "import_state")
    assert await pool.fetchval("SELECT count(*) FROM queue.pgqueuer") == 1


WIDE_REJECTS = (
    '3,"bad_number","temp","t;x"\n3,"bad_number","=hum, %","t;y"\n4,"wrong_columns","","t;1"\n'
)


async def wide_import_with_rejects(pool: Pool, storage: Path) -> UUID:
    import_id = await new_import(pool)
    await set_state(pool, import_id, "done")
    await pool.execute('UPDATE imports SET options = \'{"layout": "wide"}\'')
    folder = storage / "imports" / str(import_id) / "rejects"
    folder.mkdir(parents=True)
    (folder / "000000000002.csv").write_text(WIDE_REJECTS)
    return import_id


async def test_cells_of_a_wide_file_come_back_by_line_and_column(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    import_id = await wide_import_with_rejects(pool, storage_folder)
    text = '3,,"=hum, %",t;2\n3,,temp,\n4,,,t;1;2\n4,,temp,t;3\n'
    answer = await send(client, import_id, HEADER + text)
    assert (answer.status_code, answer.json()["state"]) == (200, "queued")
    stored = (storage_folder / await pool.fetchval("SELECT repair_key FROM imports")).read_text()
    assert stored.splitlines() == [
        '"line","column","row"',
        '3,"=hum, %","t;2"',
        '4,"","t;1;2"',
        '4,"temp","t;3"',
    ]


async def test_the_names_of_columns_come_back_from_a_spreadsheet_as_they_were(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    import_id = await wide_import_with_rejects(pool, storage_folder)
    address = f"/imports/{import_id}/rejects?csvDialect=spreadsheet"
    given = (await client.get(address)).text
    assert '"\'=hum, %"' in given
    corrected = given.replace("t;y", "t;2")
    answer = await client.post(address, files={"file": ("fixed.csv", corrected.encode())})
    assert answer.status_code == 200, answer.text
    stored = (storage_folder / await pool.fetchval("SELECT repair_key FROM imports")).read_text()
    assert '3,"=hum, %","t;2"' in stored


@pytest.mark.parametrize("line", ["3,,press,t;1", "3,,,t;1", "2,,temp,t;1"])
async def test_a_cell_that_was_never_rejected_is_an_error_that_names_it(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path, line: str
) -> None:
    import_id = await wide_import_with_rejects(pool, storage_folder)
    response = await send(client, import_id, f"{HEADER}3,,temp,t;1\n{line}\n")
    message = assert_problem(response, 400, "never_rejected")
    number, _, column, _ = line.split(",")
    assert message.startswith(
        f"Line {number}, column {column!r}, " if column else f"Line {number} "
    )


async def test_a_cell_that_is_there_twice_is_an_error(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    import_id = await wide_import_with_rejects(pool, storage_folder)
    response = await send(client, import_id, HEADER + "3,,temp,t;1\n3,,temp,t;2\n")
    assert "column 'temp', is there twice" in assert_problem(response, 400, "malformed_rejects")


async def test_the_list_of_rejects_is_that_of_the_last_resubmission(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    import_id = await import_with_rejects(pool, storage_folder)
    folder = storage_folder / "imports" / str(import_id) / "rejects-2"
    folder.mkdir(parents=True)
    (folder / "000000000010.csv").write_text(MORE)
    await pool.execute("UPDATE imports SET rejects_generation = 2")
    assert (await client.get(f"/imports/{import_id}/rejects")).text == HEADER + MORE


FORMULAS = """\
3,"bad_number","value","=1+1,2026-01-01T00:00:00Z,x"
7,"wrong_columns","","a;-5,2;=cmd|'/c calc'!A0"
"""
ESCAPED_FORMULAS = """\
3,"bad_number","value","'=1+1,2026-01-01T00:00:00Z,x"
7,"wrong_columns","","a;'-5,2;'=cmd|'/c calc'!A0"
"""


async def test_a_list_for_a_spreadsheet_has_no_formulas_and_comes_back_as_it_was(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    import_id = await import_with_rejects(pool, storage_folder)
    part = storage_folder / "imports" / str(import_id) / "rejects" / "000000000002.csv"
    part.write_text(FORMULAS)
    path = f"/imports/{import_id}/rejects"
    assert (await client.get(f"{path}?csvDialect=plain")).text == HEADER + FORMULAS + MORE
    given = (await client.get(f"{path}?csvDialect=spreadsheet")).text
    assert given == HEADER + ESCAPED_FORMULAS + MORE
    assert_problem(await client.get(f"{path}?csvDialect=excel"), 400, "validation_error")

    answer = await send(client, import_id, given, query="?csvDialect=spreadsheet")
    assert answer.status_code == 200
    stored = storage_folder / await pool.fetchval("SELECT repair_key FROM imports")
    rows = [line.split(",", 3)[-1] for line in (FORMULAS + MORE).splitlines()]
    assert stored.read_text().splitlines()[1:] == [
        f"{line},{row}" for line, row in zip((3, 7, 12), rows, strict=True)
    ]


async def test_a_line_number_within_a_rejected_row_is_no_rejected_line(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path
) -> None:
    import_id = await import_with_rejects(pool, storage_folder)
    part = storage_folder / "imports" / str(import_id) / "rejects" / "000000000002.csv"
    part.write_text('3,"bad_text","equipmentId","a\n4,b"\n')  # as a Parquet file may have it
    assert_problem(await send(client, import_id, f"{HEADER}4,x,y,z\n"), 400, "never_rejected")
