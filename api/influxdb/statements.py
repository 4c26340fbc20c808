"""The statements that clients of InfluxDB 1 send before they write; there is no InfluxQL else."""

import re
from collections.abc import Iterator

from api.influxdb.schemas import Result, Series
from core.errors import SensorFlowError

STATEMENT = re.compile(
    r'\s*(?:create\s+database\s+(?:"(?:[^"\\]|\\.)*"|\w+)(?:\s+with\s[^;]*)?'
    r"|(?P<show>show\s+databases))\s*(?:;\s*|\Z)",
    re.IGNORECASE | re.DOTALL,
)
# Some clients look whether there is any.
DATABASES = [Series("databases", ["name"], [["sensorflow"]])]


class UnsupportedQueryError(SensorFlowError):
    """The query asks for something other than databases."""

    code = "unsupported_query"

    def __init__(self) -> None:
        super().__init__(
            "Of InfluxQL only CREATE DATABASE and SHOW DATABASES are answered. Read by "
            "GET /sensor-data and GET /sensor-data/aggregated, or by SQL from the views in schema "
            "bi."
        )


def answer(query: str) -> list[Result]:
    """One result a statement; a database is not created. Raises UnsupportedQueryError."""
    return [
        Result(number, DATABASES) if match["show"] else Result(number)
        for number, match in enumerate(_statements(query))
    ]


def _statements(query: str) -> Iterator[re.Match[str]]:
    position = 0
    while position < len(query) or not position:
        match = STATEMENT.match(query, position)
        if match is None:
            raise UnsupportedQueryError
        yield match
        position = match.end()
