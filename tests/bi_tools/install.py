"""`python -m tests.bi_tools.install [TOOL]...`: virtual environments of the tools that are Python.

Each has one of its own, since they need other releases of libraries than this project does.
Superset takes 1 GB and three minutes.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parents[1] / ".cache" / "bi-tools"
TOOLS = ("odbc", "dbt", "superset")
LOCK = "requirements.lock"  # a copy in each environment says what it was made of


def program(tool: str, name: str) -> Path:
    """A program of the tool's environment, whether it is there or not."""
    return ENVIRONMENTS / tool / "bin" / name


def is_installed(tool: str) -> bool:
    """Whether the environment is what the lock file says."""
    installed = ENVIRONMENTS / tool / LOCK
    return installed.is_file() and installed.read_bytes() == _lock(tool).read_bytes()


def install(tool: str) -> None:
    """Make the environment. Raises CalledProcessError with what pip printed on the screen."""
    folder = ENVIRONMENTS / tool
    subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
    pip = [str(program(tool, "python")), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    options = ["--no-deps", "--require-hashes", "--requirement", str(_lock(tool))]
    subprocess.run([*pip, "install", *options], check=True)
    (folder / LOCK).write_bytes(_lock(tool).read_bytes())


def _lock(tool: str) -> Path:
    return HERE / "requirements" / f"{tool}.lock"


if __name__ == "__main__":
    for wanted in sys.argv[1:] or TOOLS:
        if not is_installed(wanted):
            sys.stdout.write(f"Installing {wanted} into {ENVIRONMENTS / wanted}\n")
            sys.stdout.flush()
            try:
                install(wanted)
            except subprocess.CalledProcessError as error:
                sys.stderr.write(f"{wanted} is left out: {error}\n")
