"""Run one `sensorflow` command as a child of the demo: when the demo is gone, so is the child.

The demo holds the other end of stdin. Its end of file comes even when the demo is killed.
"""

import os
import signal
import threading

from cli.main import run


def stop_with_parent() -> None:
    """Ask this process to stop once stdin ends; returns at once."""
    threading.Thread(target=_wait_for_end_of_stdin, daemon=True).start()


def _wait_for_end_of_stdin() -> None:
    # Not through sys.stdin: its lock would be held here when the server forks.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    stop_with_parent()
    run()
