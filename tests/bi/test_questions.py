"""The answers in docs/bi/questions.md are what the statements return on the demo's sample."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from core.database import Pool
from tests.bi.sample import load_year

PAGE = Path(__file__).parents[2] / "docs" / "bi" / "questions.md"
QUESTION = re.compile(
    r"^## (.+?)$.*?^```sql\n(.*?)^```\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)
SERIES = ("EWR-TEMP", "JFK-TEMP", "JFK-WIND", "LGA-TEMP")


def table(names: Iterable[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    names = list(names)
    lines = [names, ["---"] * len(names), *([str(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


async def test_the_ten_questions_have_their_answers(pool: Pool) -> None:
    await load_year(pool, SERIES)
    questions = QUESTION.findall(PAGE.read_text())
    assert len(questions) == 10
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL ROLE sensorflow_bi; SET LOCAL search_path = bi")
        for title, statement, answer in questions:
            prepared = await connection.prepare(statement)
            names = [attribute.name for attribute in prepared.get_attributes()]
            rows = [tuple(row) for row in await prepared.fetch()]
            assert table(names, rows) == answer.strip(), title
