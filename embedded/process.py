"""A Node program as a supervised child process, which never outlives its parent.

The protocol, whose other side is embedded/supervision.mjs: one line of JSON on stdout,
`{"event":"ready",...}` or `{"event":"error","code","message"}`; the log on stderr; the end of stdin
means that the parent has exited. That end comes even if the parent is killed.
"""

import json
import os
import queue
import signal
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from embedded.errors import StartFailedError
from embedded.node import find_node

_TAIL_LINES = 20
_TAIL_BYTES = 16_384


class NodeProgram:
    """A program that is ready; the end of a `with` block stops it.

    It leads a process group of its own, so Ctrl-C in a terminal reaches the parent alone, which
    then stops its children in its own order.
    """

    def __init__(self, process: subprocess.Popen[bytes], log_path: Path, log_start: int) -> None:
        self.log_path = log_path
        self.ready: dict[str, Any] = {}
        self._process = process
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._log_start = log_start
        self._reader = threading.Thread(target=self._drain_stdout, daemon=True)
        self._reader.start()

    @classmethod
    def start(
        cls, script: Path, *arguments: str, log_path: Path, ready_timeout_seconds: float = 60.0
    ) -> Self:
        """Start `script` and return once it is ready; `ready` is the event that it reported.

        Its stderr is appended to `log_path`. Raises NodeMissingError or StartFailedError, and then
        nothing is left running.
        """
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with log_path.open("ab") as log:
            log_start = log.tell()
            process = subprocess.Popen(
                [find_node().executable, script, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        program = cls(process, log_path, log_start)
        try:
            program._wait_until_ready(script.parent.name, ready_timeout_seconds)
        except BaseException:
            program.kill()
            raise
        return program

    @property
    def pid(self) -> int:
        """The process id, which is also its process group's."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._process.poll()

    def wait(self, timeout_seconds: float | None = None) -> int:
        """The exit status, once it has ended; raises TimeoutError if that takes longer."""
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{error}") from error

    def terminate(self, timeout_seconds: float = 10.0) -> int:
        """Send SIGTERM, kill it if it still runs after the timeout; its exit status."""
        self._process.terminate()
        with suppress(TimeoutError):
            self.wait(timeout_seconds)
        return self.kill()

    def close_stdin(self) -> None:
        """Close its stdin, as the exit of this process would; it then stops by itself."""
        _require_pipe(self._process.stdin).close()

    def kill(self) -> int:
        """Kill its process group, if it still runs; its exit status."""
        if self.exit_status is None:
            os.killpg(self.pid, signal.SIGKILL)
        status = self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            _require_pipe(pipe).close()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.terminate()

    def _wait_until_ready(self, name: str, timeout_seconds: float) -> None:
        try:
            event = self._events.get(timeout=timeout_seconds)
        except queue.Empty:
            event = {"code": "timeout", "message": f"not ready after {timeout_seconds:g} s."}
        if event is None:
            event = {"code": "exited", "message": f"it ended with status {self._process.wait()}."}
        if event.get("event") != "ready":
            raise StartFailedError(
                name, str(event.get("code")), str(event.get("message")), self.log_path, self._tail()
            )
        self.ready = event

    def _drain_stdout(self) -> None:
        """Queue the events, then None; a full pipe would block the program."""
        for line in _require_pipe(self._process.stdout):
            if (event := _parse_event(line)) is not None:
                self._events.put(event)
        self._events.put(None)

    def _tail(self) -> str:
        """The last lines of this run's log."""
        with self.log_path.open("rb") as log:
            log.seek(max(self._log_start, self.log_path.stat().st_size - _TAIL_BYTES))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])


def _require_pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    """The pipe, which Popen types as optional though both were requested."""
    if pipe is None:
        raise TypeError("the program was started without pipes")
    return pipe


def _parse_event(line: bytes) -> dict[str, Any] | None:
    """The event in a line of stdout; None for any other line."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None
