"""Which equipment a request is about: ids, and prefixes with a trailing mark."""

from dataclasses import dataclass

from api.http.query_parameters import Parameters, equipment_id, refusal

PREFIX_MARK = "*"
MAX_EQUIPMENT = 1_000


@dataclass(frozen=True, slots=True)
class EquipmentChoice:
    """The equipment with one of the ids or one of the prefixes; `""` is a prefix of every id."""

    ids: tuple[str, ...]
    prefixes: tuple[str, ...]

    def holds(self, equipment_id: str) -> bool:
        """Whether it is chosen."""
        return equipment_id in self.ids or equipment_id.startswith(self.prefixes)

    @property
    def patterns(self) -> list[str]:
        """What the ids with one of the prefixes are LIKE."""
        return [like_pattern(prefix) for prefix in self.prefixes]

    @property
    def ids_without_prefix(self) -> list[str]:
        """The ids that none of the prefixes begins: one that is asked for twice counts once."""
        return [name for name in dict.fromkeys(self.ids) if not name.startswith(self.prefixes)]


EVERY_EQUIPMENT = EquipmentChoice((), ("",))


def chosen_equipment(given: Parameters) -> EquipmentChoice:
    """What the parameters equipmentId say, all if there are none. Raises InvalidRequestError."""
    texts = [equipment_id("equipmentId", text) for text in given.all("equipmentId")]
    if not texts:
        return EVERY_EQUIPMENT
    if len(texts) > MAX_EQUIPMENT:
        raise refusal("equipmentId", f"may be given at most {MAX_EQUIPMENT} times")
    return EquipmentChoice(
        ids=tuple(text for text in texts if not text.endswith(PREFIX_MARK)),
        prefixes=tuple(text[:-1] for text in texts if text.endswith(PREFIX_MARK)),
    )


def like_pattern(prefix: str) -> str:
    """The pattern for LIKE that matches what begins with `prefix`."""
    for special in "\\%_":
        prefix = prefix.replace(special, f"\\{special}")
    return f"{prefix}%"
