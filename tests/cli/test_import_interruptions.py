"""`sensorflow import` when something fails: expired tokens, restarting servers, Ctrl-C."""

import asyncio
import os
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import create_autospec
from uuid import UUID

import pytest
from pydantic import SecretStr

from cli.imports.client_auth import BearerAuth
from cli.imports.display import ProgressLines
from cli.imports.errors import ServerUnreachableError
from cli.imports.server_importer import ServerImporter
from core.database import Pool
from embedded.identity import read_accounts
from tests.api.imports.test_imports import set_state
from tests.api.test_server_process import server_process
from tests.jobs.support import HEADER
from tests.support.ports import free_port
from tests.support.stub_provider import StubProvider


@pytest.fixture(scope="module")
def server_url(
    migrated_url: str, stub_provider: StubProvider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A server without a worker."""
    folder = tmp_path_factory.mktemp("server")
    with server_process(migrated_url, stub_provider.issuer, folder) as (server, url):
        yield url
        stop(server)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "readings.csv"
    path.write_text(f"{HEADER}a,2024-01-01T00:00:00Z,1\n")
    return path


def token(stub_provider: StubProvider, **changes: Any) -> str:
    """An access token for the server."""
    return stub_provider.token(aud=read_accounts().audience, **changes)


async def started(url: str, bearer: str, *files: Path) -> Process:
    """The running command, its imports waiting for a worker that is not there."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "cli", "import", "--server", url, *map(str, files)),
        env=os.environ | {"SENSORFLOW_CLIENT_TOKEN": bearer},
        stdout=PIPE,
        stderr=PIPE,
    )


async def wait_for_output(process: Process, words: str) -> None:
    """Return when the command has printed this on standard error."""
    assert process.stderr
    while words not in (await process.stderr.readline()).decode():
        assert not process.stderr.at_eof()


async def ended(process: Process) -> tuple[int | None, str, str]:
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    server.wait(20)


async def the_import(pool: Pool) -> UUID:
    import_id: UUID = await pool.fetchval("SELECT id FROM imports")
    return import_id


async def test_an_expired_token_is_refused_before_a_byte_is_sent(
    server_url: str, stub_provider: StubProvider, file: Path
) -> None:
    code, out, err = await ended(await started(server_url, token(stub_provider, exp=1), file))
    assert code == 4
    assert "access_refused: The server refuses the token" in out
    assert "expired" in out
    assert "sending" not in err


async def test_without_the_scope_the_error_names_it(
    server_url: str, stub_provider: StubProvider, file: Path
) -> None:
    reader = token(stub_provider, scope="imports:read")
    code, out, _ = await ended(await started(server_url, reader, file))
    assert code == 4
    assert "imports:write" in out


async def test_an_import_is_followed_through_a_restart_of_the_server(
    migrated_url: str, pool: Pool, stub_provider: StubProvider, file: Path, tmp_path: Path
) -> None:
    serve = partial(server_process, migrated_url, stub_provider.issuer, tmp_path, free_port())
    with serve() as (server, url):
        process = await started(url, token(stub_provider), file)
        await wait_for_output(process, "waiting for a worker")
        stop(server)
    await wait_for_output(process, "does not answer")
    await set_state(pool, await the_import(pool), "done")
    with serve():
        code, out, _ = await ended(process)
    assert code == 1, out
    assert "10 rows: 4 inserted, 3 replaced, 2 unchanged, 1 rejected" in out


async def test_after_the_retry_timeout_the_error_names_the_import(
    migrated_url: str, pool: Pool, stub_provider: StubProvider, file: Path, tmp_path: Path
) -> None:
    auth = BearerAuth(SecretStr(token(stub_provider)))
    display, waiting = create_autospec(ProgressLines, instance=True), asyncio.Event()
    display.show_import.side_effect = lambda _: waiting.set()
    with server_process(migrated_url, stub_provider.issuer, tmp_path) as (server, url):
        async with ServerImporter.open(url, auth, {}, retry_timeout_seconds=0) as importer:
            importing = asyncio.create_task(importer.import_file(file, display))
            await waiting.wait()
            stop(server)
            with pytest.raises(ServerUnreachableError, match=f"{await the_import(pool)} goes on"):
                await importing


async def test_a_cancelled_import_is_a_failed_file(
    server_url: str, pool: Pool, stub_provider: StubProvider, file: Path
) -> None:
    process = await started(server_url, token(stub_provider), file)
    await wait_for_output(process, "waiting for a worker")
    await set_state(pool, await the_import(pool), "cancelled")
    code, out, _ = await ended(process)
    assert code == 3
    assert "cancelled in " in out


async def test_ctrl_c_reports_what_goes_on_at_the_server_and_what_was_not_begun(
    server_url: str, pool: Pool, stub_provider: StubProvider, file: Path
) -> None:
    other = file.with_name("other.csv")
    other.touch()
    process = await started(server_url, token(stub_provider), file, other)
    await wait_for_output(process, "waiting for a worker")
    process.send_signal(signal.SIGINT)
    code, _, err = await ended(process)
    assert code == 130
    address = f"{server_url}/imports/{await the_import(pool)}"
    assert f"follow it: GET {address}?wait=visible" in err
    assert f"stop it:   POST {address}/cancel" in err
    assert f"Not begun: {other}" in err
    assert "Traceback" not in err
