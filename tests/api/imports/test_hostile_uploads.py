"""Upload URLs used otherwise than they were given out, and names that try to leave the storage."""

import asyncio
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import pytest
from obstore.store import LocalStore

from core.database import Pool
from core.errors import StorageError
from core.imports import ImportState
from core.storage import Storage
from tests.api.imports.test_imports import set_state
from tests.api.imports.test_presigned_uploads import announced, assert_problem
from tests.api.imports.test_uploads import CSV, files_below, upload

OBJECT_KEY = re.compile(r"imports/[0-9a-f-]{36}/source(-[0-9a-f-]{36})?\.csv")

NAMES = [
    "../../../../tmp/escaped.csv",
    "/etc/escaped.csv",
    "//host/share/escaped.csv",
    "..\\..\\escaped.csv",
    "C:\\Windows\\escaped.csv",
    "C:escaped.csv",
    "file:///etc/escaped.csv",
    "%2e%2e%2f%2e%2e%2fescaped.csv",
    "..%5c..%5cescaped.csv",
    "..%c0%afescaped.csv",
    "....//....//escaped.csv",
    "\u2025\u2215\u2044escaped.csv",
    "\uff0e\uff0e\uff0f\uff0e\uff0e\uff3cescaped.csv",
    "..\u2024/escaped.csv",
    "escaped.csv\u202egnp.csv",
    ".csv",
    "...csv",
    "~/.ssh/escaped.csv",
    "$HOME/escaped.csv",
    "`id`|escaped;.csv",
    "CON.csv",
    "nul.csv",
    "COM1.csv",
    "aux .csv",
    "escaped.csv:stream.csv",
    "#1.csv",
    'a"; filename="evil.html.csv',
    "e" * 3_000 + ".csv",
    "\u0301" * 500 + ".csv",
]
# These cannot be sent in the header of a form's part; JSON has them.
CONTROL_NAMES = ["a\x00/../b.csv", "\x00.csv", "a\r\nSet-Cookie: x=1.csv", "\x1b[2J.csv"]


@pytest.fixture(autouse=True)
def _empty_storage(storage_folder: Path) -> None:
    for path in files_below(storage_folder):
        path.unlink()


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_a_signed_url_is_for_put_alone(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, storage_folder: Path, method: str
) -> None:
    _, target = await announced(client)
    response = await anonymous.request(method, target, content=CSV)
    assert_problem(response, 405, "method_not_allowed")
    assert files_below(storage_folder) == []


def changed_in_every_place(target: str) -> list[str]:
    """The URL with each character of its parameters' values changed, left out, or doubled."""
    path, _, query = target.partition("?")
    values = {name: value for name, (value,) in parse_qs(query).items()}
    changed = []
    for name, value in values.items():
        for place, character in enumerate(value):
            other = "0" if character != "0" else "1"
            for put in ("", other, character * 2, character.upper() + " ", f"%0{character}"):
                altered = values | {name: value[:place] + put + value[place + 1 :]}
                if altered != values and altered[name].lower() != value:
                    changed.append(f"{path}?{'&'.join(f'{n}={v}' for n, v in altered.items())}")
    return changed


async def test_no_character_of_expiry_or_signature_can_be_changed(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, storage_folder: Path
) -> None:
    _, target = await announced(client)
    changed = changed_in_every_place(target)
    assert len(changed) > 300
    for start in range(0, len(changed), 50):
        puts = (anonymous.put(url, content=CSV) for url in changed[start : start + 50])
        for response in await asyncio.gather(*puts):
            assert_problem(response, 403, "bad_signature")
    assert files_below(storage_folder) == []


async def test_the_url_of_one_import_takes_no_file_for_another(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, storage_folder: Path
) -> None:
    (one, target), (other, _) = await announced(client), await announced(client)
    stolen = target.replace(one, other)
    assert_problem(await anonymous.put(stolen, content=CSV), 403, "bad_signature")
    for doubled in (f"{target}&expires=9999999999", f"{target}&signature={'0' * 64}"):
        response = await anonymous.put(doubled, content=CSV)
        assert response.status_code in {204, 403}  # whichever counts, it was signed
    assert all(one in str(path) for path in files_below(storage_folder))


@pytest.mark.parametrize("state", [state for state in ImportState if state != "awaiting_upload"])
async def test_a_url_that_is_replayed_in_any_later_state_stores_nothing(
    client: httpx2.AsyncClient,
    anonymous: httpx2.AsyncClient,
    pool: Pool,
    storage_folder: Path,
    state: ImportState,
) -> None:
    import_id, target = await announced(client)
    assert (await anonymous.put(target, content=CSV)).status_code == 204
    before = files_below(storage_folder)
    error = "upload_expired" if state is ImportState.FAILED else None
    await set_state(pool, UUID(import_id), state, error)
    assert_problem(await anonymous.put(target, content=CSV), 409, "import_state")
    assert files_below(storage_folder) == before


def surroundings(storage_folder: Path) -> set[Path]:
    """What is beside and above the storage."""
    parents = storage_folder.parent, storage_folder.parent.parent
    return {path for parent in parents for path in parent.iterdir()}


async def assert_stored_within(
    client: httpx2.AsyncClient, storage_folder: Path, import_id: str, before: set[Path]
) -> None:
    for path in files_below(storage_folder):
        assert OBJECT_KEY.fullmatch(path.relative_to(storage_folder).as_posix())
    assert {
        path for path in surroundings(storage_folder) - before if "escaped" in path.name
    } == set()
    name = (await client.get(f"/imports/{import_id}")).json()["fileName"]
    assert name.isprintable()
    assert len(name) <= 200
    assert not re.search(r"[/\\]", name)
    rejects = await client.get(f"/imports/{import_id}/rejects")
    disposition = rejects.headers["content-disposition"]
    assert disposition == f'attachment; filename="rejects-{import_id}.csv"'


@pytest.mark.parametrize("name", NAMES)
async def test_no_name_in_a_form_leads_out_of_the_storage(
    client: httpx2.AsyncClient, storage_folder: Path, name: str
) -> None:
    before = surroundings(storage_folder)
    response = await upload(client, name)
    assert response.status_code == 201
    await assert_stored_within(client, storage_folder, response.json()["importId"], before)


@pytest.mark.parametrize("name", NAMES + CONTROL_NAMES)
async def test_no_announced_name_leads_out_of_the_storage(
    client: httpx2.AsyncClient, anonymous: httpx2.AsyncClient, storage_folder: Path, name: str
) -> None:
    before = surroundings(storage_folder)
    import_id, target = await announced(client, fileName=name)
    assert (await anonymous.put(target, content=CSV)).status_code == 204
    await assert_stored_within(client, storage_folder, import_id, before)


async def test_a_name_with_half_of_a_surrogate_pair_is_rejected(client: httpx2.AsyncClient) -> None:
    content = json.dumps({"fileName": "\ud800.csv", "sizeBytes": 1})
    response = await client.post(
        "/imports", content=content, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 400


@pytest.mark.parametrize("target", ["..%2F..%2Fetc", "%2e%2e", "..", "a%00b", "%5c..%5c"])
async def test_no_path_of_an_import_leads_out_of_the_storage(
    client: httpx2.AsyncClient, target: str
) -> None:
    address = urlsplit(str(client.base_url))
    for suffix in ("content?expires=1&signature=1", "rejects", "events"):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        authorization = client.headers["authorization"]
        writer.write(
            f"GET /imports/{target}/{suffix} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Authorization: {authorization}\r\n\r\n".encode()
        )
        assert re.match(rb"HTTP/1.1 (400|404|405) ", await reader.read())
        writer.close()


@pytest.mark.parametrize(
    "key",
    [
        "",
        ".",
        "..",
        "../outside.csv",
        "a/../../outside.csv",
        "a/./b",
        "/etc/hostname",
        "a//b",
        "a\\..\\b",
        "..\\outside.csv",
        "a\x00b",
        "%2e%2e/outside.csv",
        "\uff0e\uff0e/outside.csv",
        "a\n",
        "a/",
    ],
)
async def test_a_storage_touches_nothing_under_a_key_that_is_none_of_its_own(
    tmp_path: Path, key: str
) -> None:
    folder, outside = tmp_path / "storage", tmp_path / "outside.csv"
    outside.write_bytes(CSV)
    storage = Storage(LocalStore(folder, mkdir=True))
    with pytest.raises(StorageError):
        await storage.put(key, b"other")
    with pytest.raises(StorageError):
        await storage.head(key)
    with pytest.raises(StorageError):
        await anext(storage.read(key))
    with pytest.raises(StorageError):
        await storage.delete([key])
    with pytest.raises(StorageError):
        async with storage.as_file(key):
            pass
    assert outside.read_bytes() == CSV
    assert files_below(tmp_path) == [outside]
