"""The process that makes a preview: of the worker's code, without the server's secrets.

The API imports neither Polars nor the worker. It starts the program by its name, with nothing in
its environment but where the code is, and kills it when it takes too long.
"""

import asyncio
import os
import signal
import sys
from asyncio import to_thread
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import msgspec
import structlog

import core
from api.imports.errors import PreviewFailedError
from core.import_previews import PREVIEW_MODULE, Preview, PreviewRequest

TIMEOUT_SECONDS = 30
LOGGED_BYTES = 2000
CODE_FOLDER = Path(core.__file__).parents[1]
# -P: nothing is imported from the folder in which the process runs.
PROGRAM = (sys.executable, "-P", "-X", "utf8", "-m", PREVIEW_MODULE)

log = structlog.get_logger()


async def run_preview(request: PreviewRequest, folder: Path) -> Preview:
    """The preview; what the process writes is below the folder. Raises PreviewFailedError."""
    errors, output = folder / "errors", folder / "preview.json"
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            code = await _run(msgspec.json.encode(request), folder, output, errors)
        if code == 0:
            return msgspec.json.decode(await to_thread(output.read_bytes), type=Preview)
        reason = (await to_thread(errors.read_bytes))[-LOGGED_BYTES:].decode(errors="replace")
    except TimeoutError:
        code, reason = None, f"no preview within {TIMEOUT_SECONDS} s"
    except msgspec.DecodeError as error:
        reason = str(error)
    log.warning("preview_failed", exit_code=code, reason=reason)
    raise PreviewFailedError


async def _run(request: bytes, folder: Path, output: Path, errors: Path) -> int | None:
    """The exit code of the process, which is ended with all that it has started."""
    environment = {
        "PYTHONPATH": str(CODE_FOLDER),
        "TMPDIR": str(folder),
        "POLARS_MAX_THREADS": "1",
    }
    with output.open("wb") as stdout, errors.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *PROGRAM,
            stdin=PIPE,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
    try:
        await process.communicate(request)
    finally:
        await _end(process)
    return process.returncode


async def _end(process: Process) -> None:
    if process.returncode is None:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
