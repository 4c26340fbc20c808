import json
import os
import stat
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from embedded import node as node_module
from embedded.errors import NodeMissingError, PackagesNotInstalledError
from embedded.node import EMBEDDED_FOLDER, find_node, install_packages, main

NO_WHEEL = Path("/nonexistent")


def put_command(folder: Path, name: str, script: str) -> Path:
    command = folder / name
    command.parent.mkdir(parents=True, exist_ok=True)
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return command


def put_machine(folder: Path, version: str, *, npm: bool = True) -> str:
    """A folder with the commands of a machine, as a search path."""
    put_command(folder, "node", f"echo {version}")
    if npm:
        put_command(folder, "npm", "true")
    return str(folder)


def put_wheel(folder: Path) -> Path:
    put_command(folder / "bin", "node", "echo v24.19.0")
    put_command(folder / "lib/node_modules/npm/bin", "npm-cli.js", "true")
    return folder


@pytest.mark.parametrize("version", ["v20.19.0", "v20.20.2", "v24.19.0", "v100.1.0"])
def test_the_machines_node_is_used_when_it_is_new_enough(tmp_path: Path, version: str) -> None:
    machine = put_machine(tmp_path / "machine", version)

    node = find_node(machine, put_wheel(tmp_path / "wheel"))

    assert node.executable == tmp_path / "machine" / "node"
    assert node.npm == (str(tmp_path / "machine" / "npm"),)


@pytest.mark.parametrize(
    ("version", "npm"),
    [
        ("v18.20.4", True),
        ("v20.18.3", True),
        ("v0.12.18", True),
        ("nonsense", True),
        ("v20.20.2", False),
    ],
    ids=["too old", "a little too old", "ancient", "not Node", "without npm"],
)
def test_the_wheels_node_is_used_when_the_machines_is_unsuitable(
    tmp_path: Path, version: str, npm: bool
) -> None:
    machine = put_machine(tmp_path / "machine", version, npm=npm)
    wheel = put_wheel(tmp_path / "wheel")

    node = find_node(machine, wheel)

    assert node.executable == wheel / "bin" / "node"
    assert node.npm == (
        str(wheel / "bin" / "node"),
        str(wheel / "lib/node_modules/npm/bin/npm-cli.js"),
    )


def test_the_wheels_node_is_used_when_the_machine_has_none(tmp_path: Path) -> None:
    wheel = put_wheel(tmp_path / "wheel")
    assert find_node(str(tmp_path / "empty"), wheel).executable == wheel / "bin" / "node"


def test_a_node_that_cannot_be_executed_is_ignored(tmp_path: Path) -> None:
    machine = put_machine(tmp_path / "machine", "v24.0.0")
    (tmp_path / "machine" / "node").write_bytes(b"\x7fELF")
    wheel = put_wheel(tmp_path / "wheel")

    assert find_node(machine, wheel).executable == wheel / "bin" / "node"


@pytest.mark.parametrize(
    ("version", "npm", "reason"),
    [
        (None, False, "this machine has none"),
        ("v18.20.4", True, r"this machine has Node 18\.20"),
        ("v20.20.2", False, "this machine has Node without npm"),
    ],
)
def test_without_any_node_the_error_has_the_reason_and_a_remedy(
    tmp_path: Path, version: str | None, npm: bool, reason: str
) -> None:
    machine = put_machine(tmp_path, version, npm=npm) if version else str(tmp_path)
    with pytest.raises(NodeMissingError, match=reason) as caught:
        find_node(machine, NO_WHEEL)
    assert "requirements-node.lock" in str(caught.value)


def test_a_script_of_npm_runs_with_the_chosen_node(tmp_path: Path) -> None:
    node = find_node(put_machine(tmp_path, "v24.0.0"))
    assert node.environment()["PATH"].split(os.pathsep)[0] == str(tmp_path)


def test_the_exit_status_shows_whether_node_is_available(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main("available") == 0

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(node_module, "_wheel_folder", lambda: None)
    assert main("available") == 1
    assert "Node 20.19 or newer" in capsys.readouterr().err


def test_an_unknown_action_prints_the_known_ones(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main("dance") == 2
    assert "available|install|check-types" in capsys.readouterr().err


def test_a_script_of_a_folder_is_run_after_its_packages_are_installed(
    npm_runs: Path, project: Path
) -> None:
    assert main("run", str(project), "build") == 0
    assert [line.split()[0] for line in lines(npm_runs)] == ["ci", "run"]
    assert lines(npm_runs)[1] == "run --silent build"


@pytest.fixture
def npm_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with one line of arguments per run of npm, which deletes node_modules first."""
    log = tmp_path / "npm-runs"
    machine = put_machine(tmp_path / "machine", "v24.0.0")
    put_command(
        tmp_path / "machine",
        "npm",
        f'rm -rf node_modules; sleep 0.1; mkdir node_modules; echo "$@" >> {log}',
    )
    monkeypatch.setenv("PATH", machine, prepend=os.pathsep)
    return log


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "package-lock.json").write_text("{}")
    return folder


def lines(path: Path) -> Sequence[str]:
    return path.read_text().splitlines()


def test_packages_are_installed_from_the_lock_file_without_scripts(
    npm_runs: Path, project: Path
) -> None:
    install_packages(project)
    assert lines(npm_runs)[0].startswith("ci ")
    assert "--ignore-scripts" in lines(npm_runs)[0]


def test_packages_of_the_same_lock_file_are_not_installed_again(
    npm_runs: Path, project: Path
) -> None:
    install_packages(project)
    install_packages(project)
    assert len(lines(npm_runs)) == 1


def test_a_changed_lock_file_is_installed_anew(npm_runs: Path, project: Path) -> None:
    install_packages(project)
    (project / "package-lock.json").write_text('{"lockfileVersion": 3}')
    install_packages(project)
    assert len(lines(npm_runs)) == 2


def test_callers_at_the_same_time_share_one_installation(npm_runs: Path, project: Path) -> None:
    with ThreadPoolExecutor(4) as callers:
        list(callers.map(install_packages, [project] * 4))
    assert len(lines(npm_runs)) == 1


def test_a_failed_installation_raises_with_the_output_of_npm_and_is_retried(
    npm_runs: Path, project: Path, tmp_path: Path
) -> None:
    npm = tmp_path / "machine" / "npm"
    working = npm.read_text()
    npm.write_text("#!/bin/sh\necho no route to the registry >&2\nexit 1\n")
    with pytest.raises(PackagesNotInstalledError, match="no route to the registry"):
        install_packages(project)

    npm.write_text(working)
    install_packages(project)
    assert len(lines(npm_runs)) == 1


def test_the_lock_file_names_an_integrity_for_every_package_and_no_registry() -> None:
    packages = json.loads((EMBEDDED_FOLDER / "package-lock.json").read_text())["packages"]
    del packages[""]
    assert packages
    assert all("integrity" in package for package in packages.values())
    assert not [name for name, package in packages.items() if "resolved" in package]


def test_every_direct_package_is_pinned_to_one_version() -> None:
    manifest = json.loads((EMBEDDED_FOLDER / "package.json").read_text())
    versions = [*manifest["dependencies"].values(), *manifest["devDependencies"].values()]
    assert all(version[0].isdigit() and " " not in version for version in versions)
