"""A query with the state of its data, which the entity tag is made of."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.aggregates.encoding import EncodedResult, encode_response
from api.aggregates.query import AggregateQuery
from api.aggregates.repository import DataState, Snapshot
from api.aggregates.resolutions import ROLLUPS, coarsen
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


async def prepare(snapshot: Snapshot, query: AggregateQuery, visible: Visibility) -> PreparedQuery:
    """The query at the resolution that auto chooses by the density, and its states."""
    if query.auto and query.resolution not in ROLLUPS:
        density = await snapshot.density(query)
        query = query.at_resolution(coarsen(query.resolution, density))
    states = [await snapshot.state(part) for part in query.with_comparison]
    return prepared_query(query, states, visible)


def prepared_query(
    query: AggregateQuery, states: Sequence[DataState], visible: Visibility
) -> PreparedQuery:
    """The query with the states of its ranges."""
    identity = visible, query.identity
    cache_key = opaque_tag(weak_etag(*identity))
    return PreparedQuery(query, states, cache_key, weak_etag(*identity, states))
