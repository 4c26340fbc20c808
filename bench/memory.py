"""The platform's own processes, and their resident memory."""

import psutil

# Parts of their command lines.
NAMES = {"API": "cli.demo.child serve", "worker": "cli.demo.child worker"}


def resident_megabytes(part: str) -> float:
    """The resident memory of the API's or the worker's processes below this one."""
    return sum(process.memory_info().rss for process in processes(part)) / 2**20


def processes(part: str) -> list[psutil.Process]:
    """The API's or the worker's processes below this one; raises LookupError without any."""
    descendants = psutil.Process().children(recursive=True)
    members = [process for process in descendants if NAMES[part] in " ".join(process.cmdline())]
    if not members:
        raise LookupError(f"the {part} is not running")
    return members
