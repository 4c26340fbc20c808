from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _restored_logging() -> Iterator[None]:
    """The command silences the logs of its process, which may be that of the tests."""
    configuration = structlog.get_config()
    yield
    structlog.configure(**configuration)
