"""What the columns of files are called, in the languages of those who name them."""

import re

from core.imports import EQUIPMENT_ID, TIMESTAMP, VALUE
from jobs.csv_import.layout import COLUMN_ALIASES

WORDS = {
    EQUIPMENT_ID: (
        r"ids?|tag(name)?|equipment.*|sensor.*|device.*|station.*|probe.*|meter.*|point.*|channel"
        r"|name|location|site|asset|unit|ger(ä|ae)t.*|messstelle.*|z(ä|ae)hler.*|anlage.*|pumpe.*"
        r"|capteur.*|appareil.*|dispositivo.*|equipo.*|bezeichnung|room"
    ),
    TIMESTAMP: (
        r".*time.*|.*date.*|ts|.*stamp.*|.*zeit.*|.*datum.*|.*fecha.*|.*hora.*|.*heure.*|uhr.*"
    ),
    VALUE: r"val(ue|eur|or)?s?|.*wert|.*reading.*|measure.*|mesure.*|result.*|data|medida.*",
}
# Columns that count rows, as those of loggers and programs do.
COUNTER = re.compile(r"record|recnbr|rn|nr?\.?|no\.?|#|index|row|line|seq.*|lfd.*|unnamed.*")
PATTERNS = {column: re.compile(words) for column, words in WORDS.items()}


def is_alias(column: str, name: str) -> bool:
    """Whether imports know the name as that of the column."""
    return name.casefold() in {alias.casefold() for alias in COLUMN_ALIASES[column]}


def looks_like(column: str, name: str) -> bool:
    """Whether the name may be that of the column."""
    return is_alias(column, name) or PATTERNS[column].fullmatch(name.casefold()) is not None


def is_counter(name: str) -> bool:
    """Whether the name is usual for a number of the row, which is no reading."""
    return COUNTER.fullmatch(name.casefold()) is not None
