from dataclasses import dataclass

from api.aggregates.finding import find
from api.aggregates.questions import Question
from api.aggregates.repository import AggregateRepository
from api.aggregates.resolutions import ROLLUPS, coarsened
from api.aggregates.schemas import Aggregates
from api.aggregates.telling import told
from api.entity_tags import entity_tag, is_known
from core.scopes import Scope

# Whoever may read readings may read all of them.
READERS = Scope.READINGS_READ


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and its entity tag; without a body the caller has it already."""

    tag: str
    body: Aggregates | None


class AggregateService:
    """Answers what dashboards ask."""

    def __init__(self, repository: AggregateRepository) -> None:
        self._repository = repository

    async def answer(self, question: Question, if_none_match: str | None) -> Answer:
        """The buckets that start in the question's range, or a page of them.

        Where nothing is stale, a caller that names the tag gets no body: nothing has changed.
        Raises InvalidRequestError if there are more buckets than can be filled.
        """
        async with self._repository.snapshot() as snapshot:
            if question.auto and question.resolution not in ROLLUPS:
                density = await snapshot.density(question)
                question = question.at(coarsened(question.resolution, density))
            states = [await snapshot.state(part) for part in question.parts]
            tag = entity_tag(READERS, question.identity, states)
            if is_known(tag, if_none_match) and not any(state.stale for state in states):
                return Answer(tag, None)
            return Answer(tag, told(question, states, await find(snapshot, question)))
