"""A real worker beside the server of the dashboard."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.auth.servers import ApiServer

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def worker_of(server: ApiServer) -> AsyncIterator[None]:
    """A worker process with the server's database and storage, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.jobs.worker_process",
        cwd=ROOT,
        env=os.environ
        | {
            "SENSORFLOW_DATABASE_URL": server.settings.database.url.get_secret_value(),
            "SENSORFLOW_STORAGE_URL": server.settings.storage.url,
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()
