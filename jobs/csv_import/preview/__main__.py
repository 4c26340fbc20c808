"""The program that makes a preview: request on standard input, preview on standard output.

A process of its own, which the API starts: the file is hostile, and a preview must not hold up
the requests of others. It needs no settings, no database and no storage.
"""

import os
import resource
import sys

import msgspec

from core.import_previews import PreviewRequest
from jobs.csv_import.preview.preview import preview_file

MAX_MEMORY_BYTES = 2 * 2**30  # that of the reader of workbooks, which this process starts
MAX_CPU_SECONDS = 30
MAX_FILE_BYTES = 2**26
NICENESS = 10


def main() -> None:
    """Make the preview."""
    limit_process()
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=PreviewRequest)
    sys.stdout.buffer.write(msgspec.json.encode(preview_file(request)))


def limit_process() -> None:
    """Bound what the process takes of memory, time and disk, and prefer others to it."""
    _, most_seconds = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, most_seconds))
    # Not the address space: allocators reserve several times what they use.
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICENESS)


if __name__ == "__main__":
    main()
