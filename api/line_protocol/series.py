"""Which equipment a field of a series is, as the setting's template says."""

import re
from functools import lru_cache

from api.line_protocol.grammar import parse_head
from core.errors import ReadingRefusedError
from core.readings import RejectCode
from core.setting_types import PLACEHOLDER

KNOWN_SERIES = 10_000

SPECIAL = re.compile(r"[,= ]")


class EquipmentIds:
    """Makes equipment ids from what points say, remembering those of late."""

    def __init__(self, template: str) -> None:
        self._template = template
        self.of = lru_cache(KNOWN_SERIES)(self._made)

    def _made(self, head: str, field: str) -> str:
        """The id of a field, given the point's measurement and tags as written.

        Raises ReadingRefusedError when a tag that the template needs is missing.
        """
        measurement, tags = parse_head(head)
        parts = {"measurement": measurement, "field": field, "series": _series(measurement, tags)}
        parts |= {f"tags.{name}": value for name, value in tags.items()}
        for name in PLACEHOLDER.findall(self._template):
            if name not in parts:
                message = f"{name} is missing, and the equipment id is {self._template}"
                raise ReadingRefusedError(RejectCode.MISSING_VALUE, message)
        return PLACEHOLDER.sub(lambda match: parts[match[1]], self._template)


def _series(measurement: str, tags: dict[str, str]) -> str:
    """Measurement and tags in one order and one way of writing."""
    pairs = [f"{_escaped(name)}={_escaped(tags[name])}" for name in sorted(tags)]
    return ",".join([_escaped(measurement), *pairs])


def _escaped(name: str) -> str:
    return SPECIAL.sub(r"\\\g<0>", name)
