from typing import Any

from litestar import Controller, Request, post
from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.auth.access import access
from api.batches.parameters import MODE, ON_CONFLICT, PARAMETERS
from api.batches.schemas import JSON, NDJSON, SaveBatchOperation
from api.batches.service import BatchService
from api.http.problem_details import UnsupportedMediaTypeError
from api.http.query_parameters import Parameters
from api.http.request_body import MAX_BODY_BYTES, media_type, read_body
from api.readings.batch_writer import BatchOptions, BatchWriter
from api.readings.body_rows import split_lines
from api.readings.idempotency import keyed_request
from api.readings.json_array import split_array
from api.readings.schemas import Account
from core.scopes import Scope

AnyRequest = Request[Any, Any, Any]
Service = NamedDependency[SkipValidation[BatchService]]
Writer = NamedDependency[SkipValidation[BatchWriter]]

SPLITTERS = {JSON: split_array, NDJSON: split_lines}


class BatchController(Controller):
    """Many readings in."""

    tags = ("Readings",)

    @post(
        "/sensor-data/batch",
        operation_id="saveBatch",
        operation_class=SaveBatchOperation,
        summary="Store many readings in one transaction",
        description="A JSON array or NDJSON, as it is or compressed with gzip or zstd. "
        "Acknowledged after its commit. Sending it again is harmless, as for one reading.",
        status_code=200,
        request_max_body_size=MAX_BODY_BYTES,
        **access(Scope.READINGS_WRITE, 400, 409, 413, 415, 422, 429),
    )
    async def save_batch(
        self, request: AnyRequest, batches: Service, batch_writer: Writer
    ) -> Account:
        """Store the readings and return their counts."""
        options = parse_batch_options(request)
        split = SPLITTERS.get(media_type(request))
        if split is None:
            raise UnsupportedMediaTypeError(
                f"Send the readings as Content-Type: {JSON} or {NDJSON}."
            )
        with batch_writer.admitted():
            body = await read_body(request)
            return await batches.save(split(body), options, await keyed_request(request))


def parse_batch_options(request: AnyRequest) -> BatchOptions:
    """How to store the batch; raises InvalidRequestError that names every wrong parameter."""
    parameters = Parameters(list(request.query_params.multi_items()), PARAMETERS)
    options = BatchOptions(parameters.read(MODE), parameters.read(ON_CONFLICT))
    parameters.check()
    return options
