from collections.abc import Sequence
from dataclasses import dataclass

from api.aggregates.cache import ResultCache
from api.aggregates.encoding import (
    EncodedResult,
    StreamingEncoder,
    encode_page,
    encode_response,
)
from api.aggregates.execution import execute, single_page
from api.aggregates.metrics import AggregateMetrics, ResultSource
from api.aggregates.query import AggregateQuery
from api.aggregates.repository import AggregateRepository, DataState, Snapshot
from api.aggregates.resolutions import ROLLUPS, coarsen
from api.aggregates.route import Route, choose_route, choose_snapshot_route
from api.aggregates.single_flight import SingleFlight
from api.auth.visibility import Visibility
from api.http.etags import matches_if_none_match, opaque_tag, weak_etag


@dataclass(frozen=True, slots=True)
class AggregateResponse:
    """The JSON of `Aggregates` and its entity tag; without a body the client has it already."""

    tag: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class PreparedQuery:
    """A query with the states of its ranges, which are those of `query.with_comparison`.

    The cache key is the same for equivalent queries of callers that may see the same; the entity
    tag is, too, while the data stay the same.
    """

    query: AggregateQuery
    states: Sequence[DataState]
    cache_key: str
    tag: str

    def is_not_modified(self, if_none_match: str | None) -> bool:
        """Whether a client that sends the header has the response; never if a range is stale."""
        stale = any(state.stale for state in self.states)
        return not stale and matches_if_none_match(self.tag, if_none_match)

    @property
    def is_cacheable(self) -> bool:
        """Whether its result is valid as long as the tag is the same."""
        return all(state.is_cacheable for state in self.states)

    def response(self, result: EncodedResult) -> AggregateResponse:
        """The response with the result."""
        return AggregateResponse(self.tag, encode_response(self.query, self.states, result))


class AggregateService:
    """Answers queries for aggregates: from the database, the cache, or an execution in flight."""

    def __init__(
        self, repository: AggregateRepository, cache: ResultCache, metrics: AggregateMetrics
    ) -> None:
        self._repository = repository
        self._cache = cache
        self._metrics = metrics
        self._executions = SingleFlight[EncodedResult]()

    async def respond(
        self, query: AggregateQuery, visible: Visibility, if_none_match: str | None
    ) -> AggregateResponse:
        """The buckets that start in the query's range, or a page of them.

        No body if the client names the tag and nothing is stale: nothing has changed.
        Raises InvalidRequestError if there are more buckets than can be filled.
        """
        if choose_route(query) is Route.ONE_STATEMENT:
            return await self._respond_in_one_statement(query, visible, if_none_match)
        async with self._repository.snapshot() as snapshot:
            prepared = await _prepare(snapshot, query, visible)
            if prepared.is_not_modified(if_none_match):
                return self._not_modified(prepared)
            in_flight = self._executions.in_flight(prepared.tag)
            if in_flight is None:
                return prepared.response(await self._cached_or_executed(snapshot, prepared))
        result = await in_flight  # without holding a connection
        if result is None:  # the leader failed or was cancelled
            return await self.respond(query, visible, if_none_match)
        self._metrics.count_response(ResultSource.SHARED_EXECUTION)
        return prepared.response(result)

    async def _respond_in_one_statement(
        self, query: AggregateQuery, visible: Visibility, if_none_match: str | None
    ) -> AggregateResponse:
        """Without a look at the cache and executions in flight, which takes a transaction."""
        if if_none_match is not None:
            prepared = _prepared(query, [await self._repository.state(query)], visible)
            if prepared.is_not_modified(if_none_match):
                return self._not_modified(prepared)
        state, rows = await self._repository.state_and_hours(query)
        self._metrics.count_response(ResultSource.DATABASE)
        result = encode_page(query, single_page(rows))
        return _prepared(query, [state], visible).response(result)

    def _not_modified(self, prepared: PreparedQuery) -> AggregateResponse:
        self._metrics.count_response(ResultSource.CLIENT)
        return AggregateResponse(prepared.tag, None)

    async def _cached_or_executed(
        self, snapshot: Snapshot, prepared: PreparedQuery
    ) -> EncodedResult:
        if not prepared.is_cacheable:
            return await self._execute(snapshot, prepared.query)
        with self._executions.lead(prepared.tag) as future:
            cached = await self._cache.get(prepared.cache_key, prepared.tag)
            if cached is not None:
                self._metrics.count_response(ResultSource.CACHE)
            result = cached or await self._execute(snapshot, prepared.query)
            future.set_result(result)
        if cached is None:
            await self._cache.put(prepared.cache_key, prepared.tag, result)
        return result

    async def _execute(self, snapshot: Snapshot, query: AggregateQuery) -> EncodedResult:
        self._metrics.count_response(ResultSource.DATABASE)
        route = choose_snapshot_route(query)
        if route is Route.STREAMED_HOURS:
            encoder = StreamingEncoder(query)
            await snapshot.stream_hours(query, encoder.add)
            return encoder.result()
        return encode_page(query, await execute(snapshot, query, route))


async def _prepare(snapshot: Snapshot, query: AggregateQuery, visible: Visibility) -> PreparedQuery:
    """The query at the resolution that auto chooses by the density, and its states."""
    if query.auto and query.resolution not in ROLLUPS:
        density = await snapshot.density(query)
        query = query.at_resolution(coarsen(query.resolution, density))
    states = [await snapshot.state(part) for part in query.with_comparison]
    return _prepared(query, states, visible)


def _prepared(
    query: AggregateQuery, states: Sequence[DataState], visible: Visibility
) -> PreparedQuery:
    identity = visible, query.identity
    cache_key = opaque_tag(weak_etag(*identity))
    return PreparedQuery(query, states, cache_key, weak_etag(*identity, states))
