"""The errors of the embedded stack; each message carries its remedy."""

from pathlib import Path


class EmbeddedError(Exception):
    """The embedded stack failed."""


class NodeMissingError(EmbeddedError):
    """No Node that is new enough, neither on this machine nor in the virtual environment."""

    def __init__(self, minimum_version: tuple[int, int], reason: str) -> None:
        version = ".".join(map(str, minimum_version))
        super().__init__(
            f"Node {version} or newer with npm is needed; {reason}. Install it, or run `pip "
            "install --no-deps --require-hashes -r requirements-node.lock` in the virtual "
            "environment."
        )


class PackagesNotInstalledError(EmbeddedError):
    """npm could not install the packages of a lock file."""

    def __init__(self, folder: Path, output: str) -> None:
        super().__init__(
            f"npm could not install the packages of {folder / 'package-lock.json'}; check that "
            f"this machine reaches an npm registry, then try again. npm said:\n{output.strip()}"
        )


class StartFailedError(EmbeddedError):
    """A program did not start; `code` is the one that it reported, or `exited` or `timeout`."""

    def __init__(self, program: str, code: str, reason: str, log_path: Path, tail: str) -> None:
        last_lines = f":\n{tail}" if tail else " (empty)."
        super().__init__(f"{program} did not start: {reason} Its log is {log_path}{last_lines}")
        self.code = code
        self.log_path = log_path
