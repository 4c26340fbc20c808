"""The demo's own `sensorflow` processes: started with an environment, stopped by SIGTERM."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

STOP_TIMEOUT_SECONDS = 15


@contextmanager
def running(
    command: Sequence[str],
    environment: Mapping[str, str],
    log_path: Path,
    inherited: Sequence[int] = (),
    module: str = "cli.demo.child",
) -> Iterator[subprocess.Popen[bytes]]:
    """`sensorflow <command>` while the block runs; its output goes to `log_path`.

    It has the `inherited` file descriptors too. Another `module` is given the command instead; it
    ends at the end of its stdin, too.
    """
    with log_path.open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  # this interpreter, our own module
            [sys.executable, "-m", module, *command],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=inherited,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        process.stdin.close()
