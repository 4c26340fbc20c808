"""A worker as a program, for tests that kill it: settings from the environment, batches small."""

import asyncio
import sys

from core.settings import DatabaseSettings, ReadingSettings, StorageSettings, WorkerSettings
from jobs.worker import BATCH_LINES, run_worker

if __name__ == "__main__":
    asyncio.run(
        run_worker(
            DatabaseSettings(),
            StorageSettings(),
            WorkerSettings(),
            ReadingSettings(),
            batch_lines=int(sys.argv[1]) if len(sys.argv) > 1 else BATCH_LINES,
        )
    )
