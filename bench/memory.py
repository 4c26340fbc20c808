"""The resident memory of the platform's own processes."""

import psutil

# Parts of their command lines.
NAMES = {"API": "cli.demo.child serve", "worker": "cli.demo.child worker"}


def resident_megabytes(part: str) -> float:
    """The resident memory of the API's or the worker's processes below this one."""
    descendants = psutil.Process().children(recursive=True)
    members = [process for process in descendants if NAMES[part] in " ".join(process.cmdline())]
    if not members:
        raise LookupError(f"the {part} is not running")
    return sum(process.memory_info().rss for process in members) / 2**20
