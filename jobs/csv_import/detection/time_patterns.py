"""Patterns in the words of strptime that may be those of a timestamp."""

import re
from collections.abc import Iterator

from core.timestamp_patterns import parse_pattern, suggested_patterns

COMPACT = ("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d %H%M%S", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%S%z")
NAMED_MONTH = re.compile(
    r"(?P<day>[0-9]{1,2})(?P<mark>[-./ ])(?P<month>[A-Za-z]{3,9})(?P=mark)(?P<rest>[0-9].*)"
)
SHORT_NAME = 3


def patterns_of(text: str) -> Iterator[str]:
    """Every usual pattern of the text; two where day and month may be either."""
    yield from suggested_patterns(text)
    yield from _with_named_month(text)
    yield from (pattern for pattern in COMPACT if _matches(pattern, text))


def _with_named_month(text: str) -> Iterator[str]:
    """The pattern of a text such as 01-Nov-2026 00:00, by that of the same with a number."""
    found = NAMED_MONTH.fullmatch(text)
    if found is None:
        return
    word = "%b" if len(found["month"]) == SHORT_NAME else "%B"
    for pattern in suggested_patterns(f"{found['day']}-12-{found['rest']}"):
        if pattern.startswith("%d-%m-"):
            yield pattern.replace("%d-%m-", f"%d{found['mark']}{word}{found['mark']}", 1)


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(parse_pattern(pattern).regex, text, re.IGNORECASE) is not None
