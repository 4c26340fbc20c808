"""`sensorflow demo`: start everything, import the sample as a user would, post live readings."""

import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NoReturn

import httpx2
from rich.console import Console

from cli.demo.client import DemoClient
from cli.demo.descriptions import describe_equipment
from cli.demo.report import print_import, print_invitation, print_windows
from cli.demo.sample import (
    LIVE_PREFIX,
    SAMPLE,
    LiveSource,
    SampleRow,
    as_csv,
    read_sample,
    replay_until,
)
from cli.demo.stack import running_stack
from core.setting_errors import Overrides, require_valid
from core.settings import (
    ApiSettings,
    AuthSettings,
    CacheSettings,
    DatabaseSettings,
    EmbeddedSettings,
    IngestSettings,
    LineProtocolSettings,
    ReadingSettings,
    SessionSettings,
    StorageSettings,
    WorkerSettings,
)

# Its own, and those of the processes that it starts, some of which it sets itself.
SETTINGS = (
    EmbeddedSettings,
    ApiSettings,
    AuthSettings,
    CacheSettings,
    DatabaseSettings,
    IngestSettings,
    LineProtocolSettings,
    ReadingSettings,
    SessionSettings,
    StorageSettings,
    WorkerSettings,
)
OVERRIDES: Overrides = {
    ApiSettings: {"public_url": "http://127.0.0.1", "upload_secret": None},
    AuthSettings: {"issuer": "http://127.0.0.1", "audience": "demo"},
    DatabaseSettings: {"url": "postgresql://127.0.0.1"},
    StorageSettings: {"url": "data"},
}

POST_INTERVAL_SECONDS = 10


def run_demo() -> None:
    """Run the demo until SIGINT or SIGTERM, then stop what it started."""
    require_valid(*SETTINGS, overrides=OVERRIDES)
    console = Console(highlight=False, soft_wrap=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        suppress(KeyboardInterrupt),
        running_stack(console, EmbeddedSettings(), ApiSettings()) as stack,
        DemoClient(stack.api_url, stack.issuer) as client,
    ):
        client.sign_in()
        replay = load_sample(console, client)
        describe_equipment(stack.api_url, equipment_ids(replay))
        print_windows(console, client)
        print_invitation(console, stack)
        post_live_readings(console, client, LiveSource(replay))
    console.print("Stopped. The data is kept for the next run; `make clean` removes it.")


def load_sample(console: Console, client: DemoClient) -> Sequence[SampleRow]:
    """Import the sample and its replay, each until visible; returns the rows of the replay."""
    replay = replay_until(datetime.now(UTC), read_sample())
    _import(console, client, SAMPLE.name, SAMPLE.read_bytes())
    _import(console, client, "nyc-weather-replay.csv", as_csv(replay))
    return replay


def equipment_ids(replay: Sequence[SampleRow]) -> list[str]:
    """The ids of the replay and, without its prefix, of the sample that it repeats."""
    replayed = sorted({row.equipment_id for row in replay})
    return replayed + [equipment_id.removeprefix(LIVE_PREFIX) for equipment_id in replayed]


def post_live_readings(console: Console, client: DemoClient, source: LiveSource) -> NoReturn:
    """Post one reading per series every few seconds, forever; an outage is printed and survived."""
    while True:
        time.sleep(POST_INTERVAL_SECONDS)
        try:
            for row in source.at(datetime.now(UTC).replace(microsecond=0)):
                client.post_reading(row.equipment_id, row.ts, row.value)
        except httpx2.HTTPError as error:
            console.print(f"  The live readings did not arrive, and go on: {error}", markup=False)


def _import(console: Console, client: DemoClient, name: str, content: bytes) -> None:
    with console.status(f"  Importing {name}") as status:

        def show(state: Mapping[str, Any]) -> None:
            lines = state["progress"]["linesDone"]
            status.update(f"  Importing {name}: {state['state']}, {lines:,} lines")

        outcome = client.import_csv(name, content, show)
    print_import(console, outcome)
