"""The steps of the Dockerfile, executed without Docker, and the result as the container runs it.

Its stages' base, a Python of the same version, is a virtual environment here. What is installed is
mounted read-only, and runs as the image's user.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest

from tests.containers.files import ENV_DEMO, ROOT, instructions, variables_of
from tests.containers.keycloak import realm
from tests.support.ports import free_port

pytestmark = [
    pytest.mark.skipif(
        not os.environ.get("SENSORFLOW_TEST_IMAGE"),
        reason="takes minutes and the network; set SENSORFLOW_TEST_IMAGE=1",
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount and to become another user"),
    pytest.mark.timeout(1800),
]

START_SECONDS = 240
# Where the image has it; scripts name their interpreter by it, so it is mounted there. So are all
# folders of the build, whose names end up in files.
INSTALLED = Path("/opt/sensorflow")
BASE = Path("/opt/python-of-tests")
MOUNTED = (Path("/build"), Path("/wheel"), INSTALLED, BASE)


@dataclass(frozen=True)
class Image:
    """What the build made, to be mounted at INSTALLED, and the wheel."""

    installed: Path
    wheel: Path
    variables: dict[str, str]


def build_stage() -> list[tuple[str, str]]:
    starts = [i for i, (word, _) in enumerate(instructions()) if word == "FROM"]
    return instructions()[starts[0] + 1 : starts[1]]


def mounting(folders: Mapping[Path, Path], command: str, *, read_only: bool = False) -> list[str]:
    """The command with these folders at their places, in a mount namespace of its own."""
    steps = ["set -e"]
    for source, target in folders.items():
        steps.append(f"mkdir -p {target} && mount --bind {source} {target}")
        if read_only:
            steps.append(f"mount -o remount,ro,bind {target}")
    return ["unshare", "--mount", "sh", "-c", "\n".join([*steps, command])]


def build(folder: Path) -> Image:
    """Execute the build stage in this folder."""
    places = {path: folder / path.name for path in MOUNTED}
    for place in places.values():
        place.mkdir(parents=True)
    environment = {"PATH": f"{BASE}/bin:/usr/bin:/bin", "HOME": "/nowhere"}
    run(f"{sys.executable} -m venv {BASE}", places, environment)
    for word, rest in build_stage():
        match word:
            case "ARG" | "ENV":
                for setting in shlex.split(rest):
                    name, _, value = setting.partition("=")
                    environment[name] = re.sub(r"\$(\w+)", lambda m: environment[m[1]], value)
            case "COPY":
                copy(rest.split(), places[Path("/build")])
            case "RUN":
                run(rest, places, environment)
            case _:
                assert (word, rest) == ("WORKDIR", "/build")
    (wheel,) = places[Path("/wheel")].glob("*.whl")
    return Image(places[INSTALLED], wheel, environment)


def copy(paths: list[str], place: Path) -> None:
    *sources, target = paths
    for source in sources:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, place / target, ignore=docker_ignores)
        else:
            shutil.copy(ROOT / source, place / target)


def docker_ignores(folder: str, names: list[str]) -> set[str]:
    """Those below what .dockerignore includes that it leaves out again."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line for line in lines if not line.startswith(("#", "!")) and line != "*"]
    paths = {name: (Path(folder) / name).relative_to(ROOT) for name in names}
    return {
        name
        for name, path in paths.items()
        if any(path.match(each.removeprefix("**/")) for each in patterns)
    }


def run(command: str, places: dict[Path, Path], environment: dict[str, str]) -> None:
    mounts = {source: target for target, source in places.items()}
    result = subprocess.run(
        mounting(mounts, f"cd /build\n{command}"),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """One that every user may enter, as those of pytest are not."""
    folder = Path("/tmp/sensorflow-image-of-tests")  # noqa: S108  # removed before and after
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def image(folder: Path) -> Image:
    return build(folder / "first")


@contextmanager
def container(
    image: Image, folder: Path, command: str, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """`sensorflow ...` as the image's user, whose only writable folders are `folder` and /tmp."""
    (user,) = [rest for word, rest in instructions() if word == "USER"]
    uid, _, gid = user.partition(":")
    become = (
        f"setpriv --reuid={uid} --regid={gid} --clear-groups --bounding-set=-all --no-new-privs"
    )
    os.chown(folder, int(uid), int(gid))
    script = f"cd {folder} && exec {become} {INSTALLED}/bin/sensorflow {command}"
    mounts = mounting({image.installed: INSTALLED}, script, read_only=True)
    with subprocess.Popen(
        mounts,
        env={"PATH": f"{INSTALLED}/bin:/usr/bin:/bin", "TMPDIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def output_of(image: Image, folder: Path, command: str, environment: Mapping[str, str]) -> str:
    with container(image, folder, command, environment) as process:
        output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return output


def contents(image: Image) -> dict[str, str]:
    """The digest of every file of what is installed."""
    return {
        str(path.relative_to(image.installed)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(image.installed.rglob("*"))
        if path.is_file()
    }


def test_the_program_of_the_image_has_its_commands(image: Image, folder: Path) -> None:
    workplace = folder / "help"
    workplace.mkdir()
    assert "migrate" in output_of(image, workplace, "--help", {})


def test_it_serves_and_works_as_another_user_on_a_read_only_tree(
    image: Image, folder: Path, database_url: str
) -> None:
    workplace, before = folder / "run", contents(image)
    workplace.mkdir()
    port, metrics = free_port(), free_port()
    environment = {
        "SENSORFLOW_DATABASE_URL": database_url,
        "SENSORFLOW_STORAGE_URL": str(workplace / "storage"),
        "SENSORFLOW_API_PORT": str(port),
        "SENSORFLOW_API_UPLOAD_SECRET": variables_of(ENV_DEMO)["UPLOAD_SECRET"],
        "SENSORFLOW_AUTH_ISSUER": f"http://127.0.0.1:9/realms/{realm().realm}",
        "SENSORFLOW_AUTH_AUDIENCE": "sensorflow-api",
        "SENSORFLOW_WORKER_METRICS_ADDRESS": f"127.0.0.1:{metrics}",
    }
    assert "revision" in output_of(image, workplace, "migrate", environment)
    with ExitStack() as running:
        server, worker = (
            running.enter_context(container(image, workplace, command, environment))
            for command in ("serve", "worker")
        )
        ready = answer(server, f"http://127.0.0.1:{port}/health/ready")
        assert ready.json()["status"] == "ready"
        assert "sensorflow_worker" in answer(worker, f"http://127.0.0.1:{metrics}/metrics").text
        assert "<html" in answer(server, f"http://127.0.0.1:{port}/ui").text
        health = dict(instructions())["HEALTHCHECK"].partition("CMD ")[2]
        _, *arguments = json.loads(health)
        asked = [str(image.installed / "bin/python"), *arguments]
        subprocess.run(asked, env={"SENSORFLOW_API_PORT": str(port)}, check=True)
    assert contents(image) == before


def answer(process: subprocess.Popen[str], url: str) -> httpx2.Response:
    """The first that is no failure."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, process.communicate()[0]
        try:
            response = httpx2.get(url, follow_redirects=True)
        except httpx2.TransportError:
            response = None
        if response is not None and response.is_success:
            return response
        assert time.monotonic() < deadline, response
        time.sleep(0.1)


def test_the_bills_of_materials_name_what_the_lock_files_do(image: Image) -> None:
    python, dashboard = (
        json.loads((image.installed / "sbom" / f"{name}.cdx.json").read_text())
        for name in ("python", "dashboard")
    )
    named = {f"{each['name'].lower()}=={each['version']}" for each in python["components"]}
    locked = set(re.findall(r"^(\S+==\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert {each.replace("_", "-") for each in named} - {"sensorflow==0.1.0"} <= locked
    assert {"litestar", "polars"} <= {each["name"] for each in python["components"]}
    scopes = {each["name"]: each["scope"] for each in dashboard["components"]}
    assert (scopes["svelte"], scopes["vite"]) == ("required", "optional")
    assert "serialNumber" not in dashboard


def test_a_second_build_makes_the_same_files(image: Image, folder: Path) -> None:
    again = build(folder / "second")
    assert sha256(again.wheel.read_bytes()).digest() == sha256(image.wheel.read_bytes()).digest()
    first, second = contents(image), contents(again)
    assert set(first) == set(second)
    assert [name for name, digest in first.items() if second[name] != digest] == []
