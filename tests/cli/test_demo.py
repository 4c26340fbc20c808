"""`make demo`, as a newcomer runs it: real processes, the printed lines pasted into a shell."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
START_TIMEOUT_SECONDS = 180
STOP_TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class RunningDemo:
    process: subprocess.Popen[str]
    ports: dict[str, int]
    output: str

    @property
    def lines_to_try(self) -> list[str]:
        return self.output[self.output.index("TOKEN=") :].splitlines()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    ports = {name: free_port() for name in ("API", "DATABASE", "IDP")}
    settings = {f"SENSORFLOW_{name}_PORT": str(port) for name, port in ports.items()}
    settings["SENSORFLOW_DATA_DIR"] = str(tmp_path_factory.mktemp("demo"))
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "cli", "demo"],
        cwd=ROOT,
        env=os.environ | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield RunningDemo(process, ports, read_invitation(process))
        finally:
            process.kill()


def read_invitation(process: subprocess.Popen[str]) -> str:
    """What the demo prints up to its last line, the one for psql."""
    output = ""
    assert process.stdout
    for line in process.stdout:
        output += line
        if line.startswith("psql "):
            return output
    pytest.fail(f"the demo ended early:\n{output}")


@pytest.mark.timeout(START_TIMEOUT_SECONDS)
def test_the_sample_arrives_whole_and_every_window_shows_data(demo: RunningDemo) -> None:
    counts = "153,954 read, 153,954 inserted, 0 replaced, 0 unchanged, 0 rejected"
    assert f"nyc-weather-2013.csv.gz: {counts}" in demo.output
    windows = re.findall(r"last .*: ([\d,]+) readings in ([\d,]+) hourly buckets", demo.output)
    assert len(windows) == 4
    assert all(int(count.replace(",", "")) > 300 for window in windows for count in window)


def test_addresses_and_accounts_are_printed(demo: RunningDemo) -> None:
    for port in demo.ports.values():
        assert f"127.0.0.1:{port}" in demo.output
    for account in ("test-user / test-1234", "radix / Radix2024@", "sensor-gateway-secret"):
        assert account in demo.output


def test_every_printed_line_works_when_pasted(demo: RunningDemo) -> None:
    lines = [line for line in demo.lines_to_try if shutil.which(line.split()[0].split("=$(")[-1])]
    script = "set -euo pipefail\n" + "\n".join(
        line.replace("curl -s", "curl -sf") for line in lines
    )
    outcome = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stderr
    assert '"message":"Data saved successfully"' in outcome.stdout
    assert '"message":"File uploaded successfully"' in outcome.stdout
    assert '"status":"ready"' in outcome.stdout


def test_the_printed_accounts_sign_in_at_the_printed_address(demo: RunningDemo) -> None:
    api = f"http://127.0.0.1:{demo.ports['API']}"
    assert f"dashboard, API      {api}\n" in demo.output
    shown = httpx.get(f"{api}/auth/sign-in-options").json()["accounts"]
    assert shown
    assert all(f"{each['username']} / {each['password']}" in demo.output for each in shown)
    response = httpx.get(f"{api}/auth/login?next=/docs")
    assert response.headers["location"].startswith(f"http://127.0.0.1:{demo.ports['IDP']}/")
    assert httpx.get(response.headers["location"]).status_code == 303  # to its sign-in page
    with httpx.Client(base_url=api) as http:
        answer = http.post("/auth/login", auth=("radix", "Radix2024@"))
        assert answer.json() == {"message": "Login successful"}
        assert http.get("/docs").status_code == 200
        sensor = http.get("/equipment/LIVE-JFK-TEMP").json()
        assert (sensor["name"], sensor["unit"]) == ("Kennedy temperature", "°F")


def test_without_a_token_nothing_is_reported(demo: RunningDemo) -> None:
    answer = httpx.get(f"http://127.0.0.1:{demo.ports['API']}/imports")
    assert answer.status_code == 401


def test_ctrl_c_stops_everything_cleanly(demo: RunningDemo) -> None:
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.stdout
    last_words = demo.process.stdout.read()
    assert demo.process.wait(STOP_TIMEOUT_SECONDS) == 0
    assert "Stopped." in last_words
    assert "Traceback" not in last_words
    assert not any(is_listening(port) for port in demo.ports.values())


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
