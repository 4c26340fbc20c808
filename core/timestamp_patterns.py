"""Declared patterns of timestamps in the words of strptime, as regular expressions.

They match what Python's strptime does, with three exceptions: a fraction may have more than six
digits, %Z is UTC or GMT alone, and numbers that no sign separates have all their digits.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from core.readings import OFFSET

MAX_PATTERN_CHARACTERS = 100
EXAMPLES = "%d.%m.%Y %H:%M:%S or %m/%d/%Y %I:%M:%S %p"

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
SHORT_MONTHS = tuple(month[:3] for month in MONTHS)


class Directive(NamedTuple):
    """What a directive tells, and what it matches; `digits` where a digit is its neighbour."""

    tells: str
    matches: str
    digits: str = ""


DIRECTIVES: Mapping[str, Directive] = MappingProxyType(
    {
        "Y": Directive("year", "[0-9]{4}", "[0-9]{4}"),
        "y": Directive("year", "[0-9]{2}", "[0-9]{2}"),
        "m": Directive("month", "1[0-2]|0?[1-9]", "1[0-2]|0[1-9]"),
        "b": Directive("month", "|".join(SHORT_MONTHS)),
        "B": Directive("month", "|".join(MONTHS)),
        "d": Directive("day", "3[01]|[12][0-9]|0?[1-9]", "3[01]|[12][0-9]|0[1-9]"),
        "H": Directive("hour", "2[0-3]|[01]?[0-9]", "2[0-3]|[01][0-9]"),
        "I": Directive("hour", "1[0-2]|0?[1-9]", "1[0-2]|0[1-9]"),
        "p": Directive("half of the day", "am|pm"),
        "M": Directive("minute", "[0-5]?[0-9]", "[0-5][0-9]"),
        "S": Directive("second", "[0-5]?[0-9]", "[0-5][0-9]"),
        "f": Directive("fraction", "[0-9]+", "[0-9]+"),
        "z": Directive("offset", f"z|{OFFSET}"),
        "Z": Directive("offset", "z|utc|gmt"),
    }
)
ALLOWED = ", ".join(f"%{letter}" for letter in DIRECTIVES)
REQUIRED = ("year", "month", "day", "hour")
FINER = {"fraction": "second", "second": "minute"}

TOKEN = re.compile(r"%(?P<letter>.?)|(?P<blank>\s+)|(?P<literal>.)", re.DOTALL)

# Numbers for day, month and year in some order, then a time of day.
USUAL = re.compile(
    r"(?P<first>[0-9]{4}|[0-9]{1,2})(?P<mark>[./-])(?P<second>[0-9]{1,2})(?P=mark)"
    r"(?P<third>[0-9]{4}|[0-9]{1,2})(?P<gap>,? |T)[0-9]{1,2}:[0-9]{2}(?P<seconds>:[0-9]{2})?"
    r"(?P<fraction>[.,])?(?(fraction)[0-9]+)(?P<half> ?[AaPp][Mm])?"
    r"(?P<offset> ?(?:[Uu][Tt][Cc]|[Gg][Mm][Tt]|[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?))?"
)


class TimestampPattern(NamedTuple):
    """A regular expression for a whole text, whatever the case of its letters.

    Its groups are the `letters` of the directives; an offset is in sign, hours and minutes.
    """

    regex: str
    letters: frozenset[str]

    @property
    def tells_offset(self) -> bool:
        """Whether every timestamp says what its offset is."""
        return not self.letters.isdisjoint("zZ")


@cache
def parse_pattern(text: str, *, hour_24: bool = False) -> TimestampPattern:
    """The pattern, in which with `hour_24` an hour may be 24.

    Raises ValueError, whose message is to be read after the name of an option.
    """
    if len(text) > MAX_PATTERN_CHARACTERS or not text.isprintable():
        raise ValueError(f"must be at most {MAX_PATTERN_CHARACTERS} printable characters")
    tokens = list(TOKEN.finditer(text.strip()))
    letters = [letter for token in tokens if (letter := _directive(token))]
    _require_complete(letters)
    regex = "".join(_regex(tokens, hour_24=hour_24))
    return TimestampPattern(regex, frozenset(letters))


def _directive(token: re.Match[str]) -> str | None:
    """The letter of the directive, if the token is one. Raises ValueError if there is none such."""
    letter = token["letter"]
    if letter in {None, "%"}:
        return None
    if letter not in DIRECTIVES:
        raise ValueError(f"has %{letter}; the directives that it may have are {ALLOWED}")
    return letter


def _require_complete(letters: list[str]) -> None:
    """Raise ValueError unless the directives tell a date and an hour, each part once."""
    told = Counter(DIRECTIVES[letter].tells for letter in letters)
    for part, times in told.items():
        if times > 1:
            raise ValueError(f"tells the {part} twice")
    missing = [part for part in REQUIRED if part not in told]
    missing += [
        coarser for finer, coarser in FINER.items() if finer in told and coarser not in told
    ]
    if missing:
        raise ValueError(f"must tell the {missing[0]}, as {EXAMPLES} do; it may have {ALLOWED}")
    if ("I" in letters) != ("p" in letters):
        raise ValueError("must have %I and %p together: hours to 12 with AM or PM, or %H alone")


def _regex(tokens: list[re.Match[str]], *, hour_24: bool) -> Iterator[str]:
    for token, before, after in zip(tokens, [None, *tokens], [*tokens[1:], None], strict=False):
        if letter := _directive(token):
            directive = DIRECTIVES[letter]
            exact = directive.digits and (_is_digit(before) or _is_digit(after))
            matches = directive.digits if exact else directive.matches
            if letter == "H" and hour_24:
                matches = matches.replace("2[0-3]", "2[0-4]")
            yield f"(?P<{letter}>{matches})"
        else:
            yield r"\s+" if token["blank"] else re.escape(token["literal"] or "%")


def _is_digit(token: re.Match[str] | None) -> bool:
    """Whether the token matches digits."""
    if token is None:
        return False
    letter = token["letter"]
    if letter in DIRECTIVES:
        return bool(DIRECTIVES[letter].digits)
    return (token["literal"] or "").isdigit()


def suggested_patterns(text: str) -> list[str]:
    """The usual patterns that match the text; several if its day and month may be either."""
    found = USUAL.fullmatch(text)
    if found is None:
        return []
    time = _time(found)
    patterns = (f"{found['mark'].join(order)}{found['gap']}{time}" for order in _orders(found))
    return [
        pattern
        for pattern in patterns
        if re.fullmatch(parse_pattern(pattern).regex, text, re.IGNORECASE)
    ]


def _orders(found: re.Match[str]) -> list[tuple[str, str, str]]:
    if len(found["first"]) == 4:  # noqa: PLR2004  # digits of a year
        return [("%Y", "%m", "%d")]
    year = "%Y" if len(found["third"]) == 4 else "%y"  # noqa: PLR2004  # as above
    return [("%d", "%m", year), ("%m", "%d", year)]


def _time(found: re.Match[str]) -> str:
    half, offset = found["half"] or "", found["offset"] or ""
    parts = (
        "%I:%M" if half else "%H:%M",
        ":%S" if found["seconds"] else "",
        f"{found['fraction']}%f" if found["fraction"] else "",
        _after_blank(half, "%p"),
        _after_blank(offset, "%Z" if offset.strip().isalpha() else "%z"),
    )
    return "".join(parts)


def _after_blank(found: str, directive: str) -> str:
    """The directive for what was found, with the blank before it."""
    return (" " if found.startswith(" ") else "") + directive if found else ""
