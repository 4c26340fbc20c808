import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.containers.files import DOCKERFILE, ROOT, instructions


def final_stage() -> list[tuple[str, str]]:
    starts = [i for i, (word, _) in enumerate(instructions()) if word == "FROM"]
    return instructions()[starts[-1] :]


def test_the_linter_reports_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    result = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "")


def test_every_stage_starts_from_the_same_pinned_image() -> None:
    bases = {rest.split(" AS ")[0] for word, rest in instructions() if word == "FROM"}
    (base,) = bases
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+@sha256:[0-9a-f]{64}", base)


def test_the_image_runs_as_a_numbered_user_that_is_not_root() -> None:
    users = [rest for word, rest in final_stage() if word == "USER"]
    assert users == ["10001:10001"]


def test_the_image_starts_the_projects_command() -> None:
    assert ("ENTRYPOINT", '["sensorflow"]') in final_stage()
    assert ("CMD", '["serve"]') in final_stage()


def test_the_image_writes_to_a_volume_of_its_user_only() -> None:
    folders = [rest for word, rest in final_stage() if word in {"VOLUME", "WORKDIR"}]
    assert set(folders) == {"/var/lib/sensorflow"}
    (made,) = [rest for word, rest in final_stage() if word == "RUN"]
    assert f"install --directory --owner=sensorflow --group=sensorflow {folders[0]}" in made
    # Docker copies owner and content of what is there when the volume is declared.
    words = [word for word, _ in final_stage()]
    assert words.index("VOLUME") > words.index("RUN")


def test_the_labels_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (labels,) = [rest for word, rest in final_stage() if word == "LABEL"]
    given = dict(label.split("=", 1) for label in shlex.split(labels))
    prefix = "org.opencontainers.image."
    assert given[f"{prefix}version"] == project["version"]
    assert given[f"{prefix}licenses"] == project["license"]
    assert given[f"{prefix}description"] == project["description"]
    assert given[f"{prefix}revision"] == "$REVISION"
    (base,) = {rest.split(" AS ")[0] for word, rest in instructions() if word == "FROM"}
    assert given[f"{prefix}base.name"] == f"docker.io/library/{base.partition('@')[0]}"


def test_the_image_asks_the_server_for_its_health_at_the_port_that_it_listens_on() -> None:
    _, _, command = dict(final_stage())["HEALTHCHECK"].partition("CMD ")
    program, _, text = json.loads(command)
    assert program == "python"
    compile(text, "<HEALTHCHECK>", "exec")
    assert "SENSORFLOW_API_PORT" in text
    assert "/health/ready" in text


@pytest.mark.parametrize(("file", "count"), [("Dockerfile", 3), ("Makefile", 6)])
def test_packages_are_installed_from_the_lock_files(file: str, count: int) -> None:
    lines = (ROOT / file).read_text().replace("\\\n", "")
    installs = re.findall(r"\bpip (?:-\S+ \S+ )?install [^&|\n]*", lines)
    assert len(installs) == count
    for step in installs:
        assert "--no-deps" in step
        assert re.search(r"--require-hashes -r requirements|--no-index|--no-build-isolation", step)


def test_the_final_stage_installs_and_compiles_nothing() -> None:
    commands = " ".join(rest for word, rest in final_stage() if word == "RUN")
    assert not re.search(r"\b(pip|apt-get|gcc|uv)\b", commands)


@pytest.mark.parametrize("source", ["requirements.lock", "requirements-build.lock", "sql", "api"])
def test_dockerignore_includes_what_the_image_needs(source: str) -> None:
    assert f"!{source}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_the_build_copies_exactly_what_dockerignore_includes() -> None:
    included = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copies = [rest.split()[:-1] for word, rest in instructions() if word == "COPY"]
    copied = {source for sources in copies if "--from=build" not in sources for source in sources}
    assert copied == included
    assert all((ROOT / source).exists() for source in copied)
