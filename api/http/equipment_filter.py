"""The equipment that a request selects: by ids, and by prefixes with a trailing wildcard."""

from dataclasses import dataclass

from api.http.parsers import invalid_parameter, parse_equipment_id
from api.http.query_parameters import TEXT_SCHEMA, Parameters, QueryParameter, array_schema

WILDCARD = "*"
MAX_EQUIPMENT_IDS = 1_000

EQUIPMENT_ID: QueryParameter[tuple[str, ...]] = QueryParameter(
    name="equipmentId",
    parse=parse_equipment_id,
    default=(WILDCARD,),
    schema=array_schema(TEXT_SCHEMA, MAX_EQUIPMENT_IDS),
    description=f"May be repeated; a trailing {WILDCARD} makes it a prefix. None: all.",
    repeatable=True,
)


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
    """The filter by the parameters EQUIPMENT_ID. Raises InvalidRequestError."""
    given = parameters.read_all(EQUIPMENT_ID)
    if len(given) > MAX_EQUIPMENT_IDS:
        message = f"may be given at most {MAX_EQUIPMENT_IDS} times"
        raise invalid_parameter(EQUIPMENT_ID.name, message)
    texts = [text for as_given_and_stored in given for text in as_given_and_stored]
    return EquipmentFilter(
        ids=tuple(text for text in texts if not text.endswith(WILDCARD)),
        prefixes=tuple(text[:-1] for text in texts if text.endswith(WILDCARD)),
    )


def _like_pattern(prefix: str) -> str:
    for special in "\\%_":
        prefix = prefix.replace(special, f"\\{special}")
    return f"{prefix}%"
