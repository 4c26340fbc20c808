"""Many rows are handled in slices, between which others run; together they are one batch."""

import gzip
import threading
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import httpx2
import pytest

from api.batches import service
from api.http import request_body
from api.readings import extent, key_order, slices, validated_rows, writing
from api.readings.body_rows import PIECE_BYTES, PIECE_ROWS
from api.readings.extent import Extent
from api.readings.key_order import DistinctKeys
from api.readings.slices import SLICE_ROWS
from api.readings.validated_rows import ValidatedRows
from core.database import Pool
from tests.api.batches.test_batches import START, array, counts, ndjson, post, row
from tests.api.readings.test_readings import ledger as late_ranges
from tests.api.readings.test_readings import stored
from tests.conftest import empty_database
from tests.jobs.test_data_changes import recorded_changes, recorded_readings

SEED = 20261128
ROWS = 2 * SLICE_ROWS + 1
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


class Steps:
    """How many rows each step of the work handles between two turns of the event loop."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self._patched = patched
        self.rows: dict[str, list[int]] = {}

    def record(self, owner: Any, name: str, size_of: Callable[..., int]) -> None:
        """Record the size of each call."""
        step = getattr(owner, name)

        def recording(*arguments: Any, **named: Any) -> Any:
            self.rows.setdefault(name, []).append(size_of(*arguments, **named))
            return step(*arguments, **named)

        self._patched.setattr(owner, name, recording)


def last_length(*arguments: Any) -> int:
    return len(arguments[-1])


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    recorded = Steps(monkeypatch)
    recorded.record(ValidatedRows, "accept_all", last_length)
    recorded.record(Extent, "add", last_length)
    recorded.record(DistinctKeys, "add", last_length)
    recorded.record(writing, "_copy", last_length)
    recorded.record(writing, "columns", last_length)
    recorded.record(
        writing, "enter_new_rows", lambda _connection, _bounds, pairs, _rows: len(pairs)
    )
    return recorded


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (slices, key_order, validated_rows):
        monkeypatch.setattr(module, "SLICE_ROWS", 2)


async def test_no_step_handles_more_rows_than_a_slice_has(
    client: httpx2.AsyncClient, pool: Pool, steps: Steps
) -> None:
    await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ($1)", START)
    new = [row(0, equipmentId=f"{number}") for number in range(ROWS)]
    assert counts(await post(client, new)) == {"inserted": ROWS}
    changed = [one | {"value": 2} for one in new]
    assert counts(await post(client, changed, onConflict="skip")) == {"skipped": ROWS}
    assert counts(await post(client, changed)) == {"replaced": ROWS}
    assert {name: sum(rows) // ROWS for name, rows in steps.rows.items()} == {
        "accept_all": 3,
        "add": 5,
        "_copy": 1,
        "columns": 3,
        "enter_new_rows": 1,
    }
    assert max(steps.rows.pop("accept_all")) <= PIECE_ROWS
    assert max(map(max, steps.rows.values())) <= SLICE_ROWS
    assert sum(await recorded_readings(pool)) == 2 * ROWS


@pytest.mark.parametrize("on_conflict", ["replace", "skip", "error"])
async def test_slices_give_what_one_step_gives(
    client: httpx2.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch, on_conflict: str
) -> None:
    chance = Random(SEED)  # noqa: S311  # for repeatable tests, not for secrets
    known = [row(number, 1, equipmentId=name) for number in range(4) for name in "ab"]
    rows = [
        row(chance.randrange(-1, 6), chance.randrange(3), equipmentId=chance.choice("abc"))
        for _ in range(40)
    ]
    outcomes = []
    for length in (SLICE_ROWS, 2):
        for module in (slices, key_order, validated_rows):
            monkeypatch.setattr(module, "SLICE_ROWS", length)
        await empty_database(pool)
        await pool.execute("INSERT INTO retention_horizon (horizon) VALUES ($1)", START)
        await post(client, known)
        response = await post(client, rows, mode="partial", onConflict=on_conflict)
        outcomes.append(
            (
                response.json(),
                await stored(pool),
                set().union(*await recorded_changes(pool)),
                sum(await recorded_readings(pool)),
                set(await late_ranges(pool)),
            )
        )
    whole, sliced = outcomes
    assert sliced == whole
    account = whole[0]
    assert account["inserted"] > 0
    assert account["rejected"] > 0
    assert account["replaced"] > 0


@pytest.mark.usefixtures("small_slices")
@pytest.mark.parametrize("known", [0, 4, 6])
async def test_slices_of_which_one_has_a_stored_key_are_one_batch(
    client: httpx2.AsyncClient, pool: Pool, known: int
) -> None:
    rows = [row(number) for number in range(7)]
    assert counts(await post(client, [row(known, 99)])) == {"inserted": 1}
    refused = await post(client, rows, onConflict="error")
    assert refused.status_code == 409
    assert [error["index"] for error in refused.json()["errors"]] == [known]
    assert await stored(pool) == [("a", START + known * MINUTE, 99)]
    assert counts(await post(client, rows)) == {"inserted": 6, "replaced": 1}
    assert [value for _, _, value in await stored(pool)] == [1.5] * 7


async def test_more_pairs_than_an_entry_has_are_entered_by_their_days(
    client: httpx2.AsyncClient, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extent, "MAX_CHANGES", 3)
    rows = [row(1440 * number, equipmentId=name) for number in range(2) for name in "abc"]
    await post(client, rows)
    assert await recorded_changes(pool) == [{("", START.date()), ("", (START + DAY).date())}]


async def test_large_bodies_are_joined_and_decompressed_in_threads(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: dict[str, set[int]] = {"_join": set(), "decompress": set()}

    def recording(name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def record(*arguments: Any) -> Any:
            threads[name].add(threading.get_ident())
            return step(*arguments)

        return record

    for name in ("_join", "decompress"):
        monkeypatch.setattr(request_body, name, recording(name, getattr(request_body, name)))
    blank = b" " * 20_000 + b"\n"
    body = ndjson([row(number, number) for number in range(3)]) + 60 * blank
    for content, headers in ((body, {}), (gzip.compress(body, 0), {"Content-Encoding": "gzip"})):
        assert (await post(client, content, headers)).status_code == 200
    assert threads["_join"]
    assert threads["decompress"]
    assert threading.get_ident() not in threads["_join"] | threads["decompress"]


@pytest.mark.parametrize("shape", [array, bytes])
async def test_a_row_longer_than_a_piece_is_refused_alone_and_never_decoded(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, shape: Callable[[bytes], bytes]
) -> None:
    steps = Steps(monkeypatch)
    steps.record(service, "decode_readings", lambda rows, _bounds: max(map(len, rows)))
    long = row(1, equipmentId="x" * 2**20)
    rows = [*(row(number) for number in range(1000)), long, row(2000)]
    kind = "application/json" if shape is array else "application/x-ndjson"
    response = await post(client, shape(ndjson(rows)), {"Content-Type": kind}, mode="partial")
    assert counts(response) == {"inserted": 1001, "rejected": 1}
    assert [(error["index"], error["code"]) for error in response.json()["errors"]] == [
        (1000, "too_long")
    ]
    assert max(steps.rows["decode_readings"]) < PIECE_BYTES
