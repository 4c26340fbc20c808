"""The equipment id of a field of a series, by the template in the settings."""

import re
from functools import lru_cache

from api.line_protocol.grammar import parse_head
from core.errors import ReadingRejectedError
from core.readings import RejectCode
from core.setting_types import PLACEHOLDER

CACHED_SERIES = 10_000

SPECIAL = re.compile(r"[,= ]")


class EquipmentIds:
    """Makes equipment ids of measurement, tags and field; `get` caches the last ones."""

    def __init__(self, template: str) -> None:
        self._template = template
        self.get = lru_cache(CACHED_SERIES)(self._render)

    def _render(self, head: str, field: str) -> str:
        """The id of a field, given the point's measurement and tags as written.

        Raises ReadingRejectedError when a tag that the template needs is missing.
        """
        measurement, tags = parse_head(head)
        parts = {"measurement": measurement, "field": field, "series": _series(measurement, tags)}
        parts |= {f"tags.{name}": value for name, value in tags.items()}
        for name in PLACEHOLDER.findall(self._template):
            if name not in parts:
                message = f"{name} is missing, and the equipment id is {self._template}"
                raise ReadingRejectedError(RejectCode.MISSING_VALUE, message)
        return PLACEHOLDER.sub(lambda match: parts[match[1]], self._template)


def _series(measurement: str, tags: dict[str, str]) -> str:
    """Measurement and tags in canonical form: ordered by name, escaped."""
    pairs = [f"{_escape(name)}={_escape(tags[name])}" for name in sorted(tags)]
    return ",".join([_escape(measurement), *pairs])


def _escape(name: str) -> str:
    return SPECIAL.sub(r"\\\g<0>", name)
