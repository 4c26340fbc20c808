"""`sensorflow demo`: start everything, import the sample as a user would, keep it live."""

import signal
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from cli.demo.client import DemoClient
from cli.demo.report import print_import, print_invitation, print_windows
from cli.demo.sample import SAMPLE, LiveSource, SampleRow, as_csv, read_sample, replay_until
from cli.demo.stack import running_stack
from core.settings import ApiSettings, EmbeddedSettings

TRICKLE_SECONDS = 10


def run_demo() -> None:
    """Everything the demo does, until SIGINT or SIGTERM; then it stops what it started."""
    console = Console(highlight=False, soft_wrap=True)
    stop = _stop_requested()
    with (
        running_stack(console, EmbeddedSettings(), ApiSettings().port) as stack,
        DemoClient(stack.api_url, stack.issuer) as client,
    ):
        client.sign_in()
        replay = load_sample(console, client)
        print_windows(console, client)
        print_invitation(console, stack)
        trickle(client, LiveSource(replay), stop)
        console.print("Stopping.")
    console.print("Stopped. The data is kept for the next run; `make clean` removes it.")


def load_sample(console: Console, client: DemoClient) -> Sequence[SampleRow]:
    """Import the sample and its replay, each until visible; the rows of the replay."""
    replay = replay_until(datetime.now(UTC), read_sample())
    _import(console, client, SAMPLE.name, SAMPLE.read_bytes())
    _import(console, client, "nyc-weather-replay.csv", as_csv(replay))
    return replay


def trickle(client: DemoClient, source: LiveSource, stop: threading.Event) -> None:
    """Post one reading a series every few seconds until `stop` is set."""
    while not stop.wait(TRICKLE_SECONDS):
        for row in source.at(datetime.now(UTC).replace(microsecond=0)):
            client.post_reading(row.equipment_id, row.ts, row.value)


def _import(console: Console, client: DemoClient, name: str, content: bytes) -> None:
    with _progress(console) as progress:
        task = progress.add_task(f"Importing {name}", total=1.0)

        def show(state: Mapping[str, Any]) -> None:
            told = f"{name}: {state['state']}"
            progress.update(task, completed=state["progress"], description=told)

        outcome = client.import_csv(name, content, show)
    print_import(console, outcome)


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def _stop_requested() -> threading.Event:
    """Set at the first SIGINT or SIGTERM; a second SIGINT interrupts at once, as usual."""
    stop = threading.Event()

    def request(_number: int, _frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, request)
    signal.signal(signal.SIGTERM, request)
    return stop
