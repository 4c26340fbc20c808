"""The equipment that a request selects: by ids, and by prefixes with a trailing wildcard."""

from dataclasses import dataclass

from api.http.query_parameters import Parameters, invalid_parameter, parse_equipment_id

WILDCARD = "*"
MAX_EQUIPMENT_IDS = 1_000


@dataclass(frozen=True, slots=True)
class EquipmentFilter:
    """Equipment with one of the ids or one of the prefixes; `""` is a prefix of every id."""

    ids: tuple[str, ...]
    prefixes: tuple[str, ...]

    def matches(self, equipment_id: str) -> bool:
        """Whether the equipment is selected."""
        return equipment_id in self.ids or equipment_id.startswith(self.prefixes)

    @property
    def like_patterns(self) -> list[str]:
        """The prefixes as patterns for LIKE."""
        return [_like_pattern(prefix) for prefix in self.prefixes]

    @property
    def ids_without_prefix(self) -> list[str]:
        """The distinct ids that no prefix matches, so that none is selected twice."""
        return [name for name in dict.fromkeys(self.ids) if not name.startswith(self.prefixes)]


ALL_EQUIPMENT = EquipmentFilter((), ("",))


def parse_equipment_filter(parameters: Parameters) -> EquipmentFilter:
    """The filter by the parameters equipmentId; without any it is ALL_EQUIPMENT.

    Raises InvalidRequestError.
    """
    given = parameters.all("equipmentId")
    if not given:
        return ALL_EQUIPMENT
    if len(given) > MAX_EQUIPMENT_IDS:
        raise invalid_parameter("equipmentId", f"may be given at most {MAX_EQUIPMENT_IDS} times")
    texts = [name for text in given for name in parse_equipment_id("equipmentId", text)]
    return EquipmentFilter(
        ids=tuple(text for text in texts if not text.endswith(WILDCARD)),
        prefixes=tuple(text[:-1] for text in texts if text.endswith(WILDCARD)),
    )


def _like_pattern(prefix: str) -> str:
    for special in "\\%_":
        prefix = prefix.replace(special, f"\\{special}")
    return f"{prefix}%"
