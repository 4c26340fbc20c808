from api.aggregates.cache import ResultCache
from api.aggregates.encoding import EncodedResult, StreamingEncoder, encode_page
from api.aggregates.execution import execute, single_page
from api.aggregates.metrics import AggregateMetrics, ResultSource
from api.aggregates.prepared_query import (
    AggregateResponse,
    PreparedQuery,
    prepare,
    prepared_query,
)
from api.aggregates.query import AggregateQuery
from api.aggregates.repository import AggregateRepository, Snapshot
from api.aggregates.route import Route, choose_route, choose_snapshot_route
from api.aggregates.single_flight import SingleFlight
from api.auth.visibility import Visibility


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
            prepared = await prepare(snapshot, query, visible)
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
            prepared = prepared_query(query, [await self._repository.state(query)], visible)
            if prepared.is_not_modified(if_none_match):
                return self._not_modified(prepared)
        state, rows = await self._repository.state_and_hours(query)
        self._metrics.count_response(ResultSource.DATABASE)
        result = encode_page(query, single_page(rows))
        return prepared_query(query, [state], visible).response(result)

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
