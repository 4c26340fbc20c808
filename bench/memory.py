"""How much memory the platform's own processes hold."""

import psutil

# By what each calls itself: the API's processes are named by Granian.
NAMES = {"API": "granian asgi", "worker": "cli.demo.child worker"}


def resident_megabytes(part: str) -> float:
    """What the processes of the API or the worker, started below this one, have resident."""
    family = psutil.Process().children(recursive=True)
    members = [process for process in family if NAMES[part] in " ".join(process.cmdline())]
    if not members:
        raise LookupError(f"the {part} is not running")
    return sum(process.memory_info().rss for process in members) / 2**20
