from core.errors import ReadingRejectedError
from core.readings import validate_id


def is_stored_unchanged(text: str) -> bool:
    """Whether new readings can have this equipment id, letter for letter."""
    try:
        return validate_id(text) == text
    except ReadingRejectedError:
        return False
