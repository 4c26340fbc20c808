"""Codes and sentences of core/readings.py: complete, documented, and the same for every text."""

import re
from pathlib import Path

import msgspec
import pytest

from api.equipment.description import MAX_CHARACTERS, parse_changes
from api.http.parsers import parse_equipment_id
from api.http.problem_details import FieldProblem, InvalidRequestError
from api.readings.validation import validate_equipment_id
from core.errors import ReadingRejectedError
from core.readings import MAX_EQUIPMENT_ID_CHARACTERS, SENTENCES, RejectCode

DOCS = Path(__file__).parents[3] / "docs"
PAGES = ("api.md", "imports.md")

# Texts that no rule accepts, however long a text may be.
UNSTORABLE = ["a\x00b", "a\tb", "a\x7f", "a\x9f", "a\ufffd", "x" * 501]


def test_every_code_has_a_sentence() -> None:
    assert SENTENCES.keys() == set(RejectCode)


@pytest.mark.parametrize("code", RejectCode)
def test_every_code_is_documented(code: RejectCode) -> None:
    documented = [re.findall(r"`([a-z_]+)`", (DOCS / page).read_text()) for page in PAGES]
    assert any(code in codes for codes in documented)


@pytest.mark.parametrize("text", UNSTORABLE)
def test_a_text_is_rejected_alike_in_readings_parameters_and_descriptions(text: str) -> None:
    with pytest.raises(ReadingRejectedError) as reading:
        validate_equipment_id(text)
    with pytest.raises(InvalidRequestError) as parameter:
        parse_equipment_id("id", text)
    expected = FieldProblem("id", reading.value.code, f"id {reading.value.message}")
    assert parameter.value.problems == [expected]
    with pytest.raises(InvalidRequestError) as description:
        parse_changes(msgspec.json.encode({"location": text}))
    (problem,) = description.value.problems
    bound = str(MAX_EQUIPMENT_ID_CHARACTERS), str(MAX_CHARACTERS["location"])
    assert problem.code == reading.value.code
    assert problem.message == f"location {reading.value.message.replace(*bound)}"
