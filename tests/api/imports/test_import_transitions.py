"""Every transition from every state, on the database: TRANSITIONS says which of them take place."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest

from core.database import Pool
from core.imports import (
    FINAL_STATES,
    RETRIABLE,
    TRANSITIONS,
    ImportFault,
    ImportOptions,
    ImportState,
    Transition,
)
from core.queries import SQL, queries
from core.storage import source_key
from core.time import utc_now
from jobs.csv_import.repository import Claim, ImportRepository
from jobs.errors import LeaseLostError
from jobs.maintenance.orphaned_objects import GRACE_PERIOD, expire_uploads
from tests.api.imports.test_rejects_resubmission import HEADER, send

CSV = b"equipmentId,timestamp,value\n"
ATTEMPT = 3
OLD = GRACE_PERIOD + timedelta(minutes=1)

STATE_IS_SET = re.compile(
    r"\b(?:UPDATE|INSERT INTO) imports\b(?:(?!\bWHERE\b|;).)*\bstate\b", re.DOTALL
)


@dataclass(frozen=True)
class Given:
    """An import in some state, and what may take it to another."""

    client: httpx2.AsyncClient
    pool: Pool
    import_id: UUID
    state: ImportState

    @property
    def jobs(self) -> ImportRepository:
        return ImportRepository(self.pool, idle_seconds=1)

    @property
    def claim(self) -> Claim:
        """That of the attempt which is the import's last."""
        return Claim(
            self.import_id,
            "k",
            self.state,
            ATTEMPT,
            tries=1,
            lines_done=0,
            rows_rejected=0,
            started_at=utc_now(),
            options=ImportOptions(),
        )

    async def row(self) -> asyncpg.Record:
        row = await self.pool.fetchrow("SELECT * FROM imports WHERE id = $1", self.import_id)
        assert row is not None
        return row

    async def post(self, action: str) -> str | None:
        return problem_code(await self.client.post(f"/imports/{self.import_id}/{action}"))


def problem_code(response: httpx2.Response) -> str | None:
    """The error code of the response; None if it is a success."""
    code: str | None = response.json().get("code")
    assert (response.status_code == 200) == (code is None)
    return code


async def given_import(
    client: httpx2.AsyncClient, pool: Pool, storage: Path, state: ImportState
) -> Given:
    """An old import of a file that lies in the storage."""
    import_id = uuid4()
    key = source_key(import_id, ".csv")
    (storage / key).parent.mkdir(parents=True)
    (storage / key).write_bytes(CSV)
    await pool.execute(
        """
        INSERT INTO imports (
            id, file_name, object_key, size_bytes, created_by, created_at, uploaded_at, state,
            attempt, tries, error_code, error_message
        )
        VALUES ($1, 'a.csv', $2, $3, 'tester', now() - $4::interval, $5, $6, $7, 1, $8, $8)
        """,
        import_id,
        key,
        len(CSV),
        OLD,
        None if state is ImportState.AWAITING_UPLOAD else utc_now(),
        state,
        ATTEMPT,
        ImportFault.NO_VALID_ROWS if state is ImportState.FAILED else None,
    )
    return Given(client, pool, import_id, state)


async def resubmit(given: Given) -> str | None:
    return problem_code(await send(given.client, given.import_id, HEADER))


async def claim(given: Given) -> str | None:
    return None if await given.jobs.claim(given.import_id) else "nothing_to_do"


async def expire(given: Given) -> str | None:
    await expire_uploads(given.pool)
    return None


def by_worker(
    write: Callable[[Given], Awaitable[None]],
) -> Callable[[Given], Awaitable[str | None]]:
    async def attempt(given: Given) -> str | None:
        try:
            await write(given)
        except LeaseLostError as error:
            return error.code
        return None

    return attempt


# What makes each transition, as a user or the worker does; it returns the error code.
ATTEMPTS: dict[Transition, Callable[[Given], Awaitable[str | None]]] = {
    Transition.COMPLETE_UPLOAD: lambda given: given.post("complete"),
    Transition.EXPIRE_UPLOADS: expire,
    Transition.CLAIM: claim,
    Transition.BEGIN_AGGREGATING: by_worker(
        lambda given: given.jobs.begin_aggregating(given.claim)
    ),
    Transition.FINISH: by_worker(lambda given: given.jobs.finish(given.claim)),
    Transition.FAIL: by_worker(lambda given: given.jobs.fail(given.claim, "code", "message")),
    Transition.CANCEL: lambda given: given.post("cancel"),
    Transition.RETRY: lambda given: given.post("retry"),
    Transition.RESUBMIT_REJECTS: resubmit,
}

ERROR_CODES: dict[Transition, str] = {
    Transition.COMPLETE_UPLOAD: "import_state",
    Transition.CLAIM: "nothing_to_do",
    Transition.BEGIN_AGGREGATING: "lease_lost",
    Transition.FINISH: "lease_lost",
    Transition.FAIL: "lease_lost",
    Transition.CANCEL: "import_state",
    Transition.RETRY: "import_state",
    Transition.RESUBMIT_REJECTS: "import_state",
}

# Repeated requests, which change nothing and are no error.
REPEATED = {
    *(
        (Transition.COMPLETE_UPLOAD, state)
        for state in set(ImportState) - {ImportState.AWAITING_UPLOAD} - RETRIABLE
    ),
    (Transition.CANCEL, ImportState.CANCELLED),
}

ENQUEUED = (Transition.COMPLETE_UPLOAD, Transition.RETRY, Transition.RESUBMIT_REJECTS)


@pytest.mark.parametrize("state", ImportState)
@pytest.mark.parametrize("transition", Transition)
async def test_a_transition_takes_place_from_the_states_of_the_table_and_from_no_other(
    client: httpx2.AsyncClient,
    pool: Pool,
    storage_folder: Path,
    transition: Transition,
    state: ImportState,
) -> None:
    given = await given_import(client, pool, storage_folder, state)
    before = await given.row()
    code = await ATTEMPTS[transition](given)
    after = await given.row()
    target = TRANSITIONS[transition].get(state)
    if target is None:
        assert after == before
        assert code == (None if (transition, state) in REPEATED else ERROR_CODES.get(transition))
    else:
        assert code is None
        assert after["state"] == target
        assert after != before
    enqueued = target is not None and transition in ENQUEUED
    assert await pool.fetchval("SELECT count(*) FROM queue.pgqueuer") == enqueued


@pytest.mark.parametrize("transition", ENQUEUED)
async def test_the_state_and_the_job_are_of_one_transaction(
    client: httpx2.AsyncClient, pool: Pool, storage_folder: Path, transition: Transition
) -> None:
    (state, *_) = TRANSITIONS[transition]
    await ATTEMPTS[transition](await given_import(client, pool, storage_folder, state))
    assert await pool.fetchval("SELECT imports.xmin = job.xmin FROM imports, queue.pgqueuer AS job")


def test_an_import_stays_in_a_final_state_until_a_user_reopens_it() -> None:
    assert {ImportState.DONE, ImportState.FAILED, ImportState.CANCELLED} == FINAL_STATES
    assert {ImportState.FAILED, ImportState.CANCELLED} == RETRIABLE


def test_no_statement_elsewhere_sets_the_state_of_an_import() -> None:
    setting = {path.name for path in SQL.rglob("*.sql") if STATE_IS_SET.search(path.read_text())}
    assert setting == {"import_transitions.sql"}
    assert set(Transition) <= set(queries().available_queries)
