"""Superset as a process with a metadata database of its own, and a client of its REST API."""

import io
import json
import os
import secrets
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import yaml

from tests.bi_tools.install import program
from tests.support.ports import free_port

BUNDLE = Path(__file__).parents[2] / "deploy" / "superset" / "sensor_flow"
DATABASE_FILE = "databases/Sensor_Flow.yaml"
START_SECONDS = 300
IMPORT_ATTEMPTS = 10
USER, PASSWORD = "admin", "admin of the tests"
CONFIG = """
SECRET_KEY = {secret!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
TALISMAN_ENABLED = False
"""


@contextmanager
def superset(folder: Path) -> Iterator[str]:
    """The URL of a Superset of the tests, until the block ends."""
    config = folder / "superset_config.py"
    config.write_text(CONFIG.format(secret=secrets.token_hex(), folder=folder))
    environment = os.environ | {
        "FLASK_APP": "superset",
        "SUPERSET_CONFIG_PATH": str(config),
        "SUPERSET_HOME": str(folder),
        "PYTHONWARNINGS": "ignore",
    }
    command = str(program("superset", "superset"))
    names = ["--username", USER, "--firstname", "The", "--lastname", "Administrator"]
    secret = ["--email", "admin@example.org", "--password", PASSWORD]
    port = str(free_port())
    with (folder / "superset.log").open("wb") as log:
        start = partial(subprocess.Popen, stdout=log, stderr=log, env=environment, cwd=folder)
        for preparation in (
            ["db", "upgrade"],
            ["fab", "create-admin", *names, *secret],
            ["init"],
        ):
            assert start([command, *preparation]).wait() == 0, preparation
        server = start([command, "run", "--with-threads", "--port", port])
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}", server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def _wait_until_healthy(url: str, server: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx2.get(f"{url}/health", timeout=5).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.2)
    raise TimeoutError("Superset does not answer; its log is in superset.log")


def bundle(database_uri: str) -> bytes:
    """deploy/superset/sensor_flow as the archive that Superset imports, for this database."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        for path in sorted(BUNDLE.rglob("*.yaml")):
            name = path.relative_to(BUNDLE)
            content = yaml.safe_load(path.read_text())
            if name.as_posix() == DATABASE_FILE:
                content["sqlalchemy_uri"] = database_uri
            files.writestr(f"sensor_flow/{name}", yaml.safe_dump(content))
    return archive.getvalue()


@dataclass(frozen=True)
class SupersetClient:
    """What the tests ask of its REST API, as its administrator."""

    http: httpx2.Client

    @classmethod
    @contextmanager
    def signed_in(cls, url: str) -> Iterator["SupersetClient"]:
        """A client with a token, until the block ends."""
        with httpx2.Client(base_url=f"{url}/api/v1", timeout=60) as http:
            credentials = {"username": USER, "password": PASSWORD, "provider": "db"}
            token = http.post("/security/login", json=credentials).json()["access_token"]
            http.headers["Authorization"] = f"Bearer {token}"
            csrf = http.get("/security/csrf_token/").json()["result"]
            http.headers["X-CSRFToken"] = csrf
            http.headers["Referer"] = url
            yield cls(http)

    def import_dashboard(self, archive: bytes, database_password: str) -> None:
        """Import the archive.

        Superset looks into every database of the server, and fails where one goes away meanwhile.
        """
        for _ in range(IMPORT_ATTEMPTS):
            response = self.http.post(
                "/dashboard/import/",
                files={"formData": ("sensor_flow.zip", archive, "application/zip")},
                data={"passwords": json.dumps({DATABASE_FILE: database_password})},
            )
            if response.status_code == httpx2.codes.OK:
                return
        raise AssertionError(response.text)

    def all(self, kind: str) -> list[dict[str, Any]]:
        """All charts, datasets and so on."""
        result: list[dict[str, Any]] = self._result(f"/{kind}/")
        return result

    def dataset(self, name: str) -> dict[str, Any]:
        """A dataset with its columns and metrics."""
        (found,) = (one for one in self.all("dataset") if one["table_name"] == name)
        result: dict[str, Any] = self._result(f"/dataset/{found['id']}")
        return result

    def rows(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        """What a chart's query returns, not from a cache."""
        response = self.http.post("/chart/data", json=query | {"force": True})
        assert response.status_code == 200, response.text
        (answer,) = response.json()["result"]
        assert answer["error"] is None
        rows: list[dict[str, Any]] = answer["data"]
        return rows

    def _result(self, path: str) -> Any:
        response = self.http.get(path)
        assert response.status_code == 200, response.text
        return response.json()["result"]
