from collections.abc import Sequence
from dataclasses import dataclass

from api.aggregates.cache import Keep
from api.aggregates.encoding import Finding, Telling, finding, told
from api.aggregates.execution import find, whole
from api.aggregates.metrics import AnswerMetrics
from api.aggregates.query import Question
from api.aggregates.repository import AggregateRepository, Snapshot, State, is_in_order
from api.aggregates.resolutions import ROLLUPS, coarsened
from api.aggregates.single_flight import Shared
from api.auth.visibility import Visibility
from api.http.etags import matches_if_none_match, opaque_tag, weak_etag


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as JSON of `Aggregates`, and its entity tag; without a body the caller has it."""

    tag: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and the states of its parts, named for those who would be told the same.

    The name is that of the question, the tag that of its answer.
    """

    question: Question
    states: Sequence[State]
    name: str
    tag: str

    def is_known(self, if_none_match: str | None) -> bool:
        """Whether who sends the header has the answer."""
        stale = any(state.stale for state in self.states)
        return not stale and matches_if_none_match(self.tag, if_none_match)

    @property
    def is_settled(self) -> bool:
        """Whether whatever is found holds as long as the tag is the same."""
        return all(state.is_settled for state in self.states)

    def answer(self, finding: Finding) -> Answer:
        """The answer."""
        return Answer(self.tag, told(self.question, self.states, finding))


class AggregateService:
    """Answers what dashboards ask."""

    def __init__(self, repository: AggregateRepository, keep: Keep, metrics: AnswerMetrics) -> None:
        self._repository = repository
        self._keep = keep
        self._metrics = metrics
        self._shared = Shared[Finding]()

    async def answer(
        self, question: Question, visible: Visibility, if_none_match: str | None
    ) -> Answer:
        """The buckets that start in the question's range, or a page of them.

        Where nothing is stale, a caller that names the tag gets no body: nothing has changed.
        Raises InvalidRequestError if there are more buckets than can be filled.
        """
        if question.is_small:
            return await self._at_once(question, visible, if_none_match)
        async with self._repository.snapshot() as snapshot:
            asked = await _asked(snapshot, question, visible)
            if asked.is_known(if_none_match):
                return self._not_modified(asked)
            under_way = self._shared.under_way(asked.tag)
            if under_way is None:
                return asked.answer(await self._found(snapshot, asked))
        shared = await under_way
        if shared is None:  # who was at it failed, or went away
            return await self.answer(question, visible, if_none_match)
        self._metrics.count("shared")
        return asked.answer(shared)

    async def _at_once(
        self, question: Question, visible: Visibility, if_none_match: str | None
    ) -> Answer:
        """Without looking for it among what is kept or under way, which takes a transaction."""
        if if_none_match is not None:
            asked = _named(question, [await self._repository.state(question)], visible)
            if asked.is_known(if_none_match):
                return self._not_modified(asked)
        state, rows = await self._repository.state_and_hours(question)
        self._metrics.count("found")
        return _named(question, [state], visible).answer(finding(question, whole(rows)))

    def _not_modified(self, asked: Asked) -> Answer:
        self._metrics.count("not_modified")
        return Answer(asked.tag, None)

    async def _found(self, snapshot: Snapshot, asked: Asked) -> Finding:
        if not asked.is_settled:
            return await self._find(snapshot, asked.question)
        with self._shared.finding(asked.tag) as shared:
            kept = await self._keep.get(asked.name, asked.tag)
            if kept is not None:
                self._metrics.count("kept")
            found = kept or await self._find(snapshot, asked.question)
            shared.set_result(found)
        if kept is None:
            await self._keep.put(asked.name, asked.tag, found)
        return found

    async def _find(self, snapshot: Snapshot, question: Question) -> Finding:
        self._metrics.count("found")
        if question.limit is None and question.is_plain and is_in_order(question):
            telling = Telling(question)
            await snapshot.tell_hours(question, telling.take)
            return telling.finding()
        return finding(question, await find(snapshot, question))


async def _asked(snapshot: Snapshot, question: Question, visible: Visibility) -> Asked:
    if question.auto and question.resolution not in ROLLUPS:
        density = await snapshot.density(question)
        question = question.at(coarsened(question.resolution, density))
    return _named(question, [await snapshot.state(part) for part in question.parts], visible)


def _named(question: Question, states: Sequence[State], visible: Visibility) -> Asked:
    name = visible, question.identity
    return Asked(question, states, opaque_tag(weak_etag(*name)), weak_etag(*name, states))
