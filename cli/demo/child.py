"""Run one `sensorflow` command as a child of the demo, which ends with the demo.

The demo holds the other end of stdin, which is closed even when the demo is killed.
"""

import os
import signal
import threading

from cli.main import run


def stop_with_parent() -> None:
    """Send SIGTERM to this process once stdin ends; returns at once."""
    threading.Thread(target=_wait_for_end_of_stdin, daemon=True).start()


def _wait_for_end_of_stdin() -> None:
    # Not through sys.stdin: its lock would be held here when the server forks.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    stop_with_parent()
    run()
