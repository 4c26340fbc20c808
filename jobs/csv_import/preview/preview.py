"""The preview of a file: its first rows, read and validated by the code that imports."""

from pathlib import Path

from msgspec import to_builtins

from core.import_previews import (
    ColumnHint,
    Preview,
    PreviewCounts,
    PreviewedLine,
    PreviewFault,
    PreviewRequest,
    ProposedOptions,
)
from core.imports import ImportOptions
from core.readings import TimeBounds
from core.row_warnings import reported
from core.time import utc_now
from jobs.csv_import.detection.proposals import Proposal, propose_options
from jobs.csv_import.detection.sample import FilePart
from jobs.csv_import.preview.outcomes import (
    accepted,
    counts_of,
    outcomes_by_line,
    rejects_by_code,
)
from jobs.csv_import.preview.sampled_file import (
    UNREADABLE,
    SampledFile,
    sampled_parquet,
    sampled_text,
)
from jobs.csv_import.reject_reasons import NEARLY_ALL, column_hints
from jobs.errors import FileFaultError

PREVIEWED_LINES = 20
PREVIEWED_READINGS = 3


def preview_file(request: PreviewRequest) -> Preview:
    """The preview, whose `fault` says so if the file cannot be read with the options."""
    source = FilePart(Path(request.path), request.is_cut)
    earliest = request.options.earliest or request.earliest
    bounds = TimeBounds.at(utc_now(), request.max_future, earliest, None)
    is_parquet = source.path.suffix.lower() == ".parquet"
    sampled = sampled_parquet if is_parquet else sampled_text
    try:
        detects = request.detects and not is_parquet  # which says itself how it is written
        proposals = propose_options(source, request.options, bounds) if detects else []
        options = proposals[0].options if proposals else request.options
        return _preview(sampled(source, options, bounds), proposals, options, bounds)
    except FileFaultError as fault:  # it cannot be unpacked
        return _preview(SampledFile(UNREADABLE, {}, fault=fault), [], request.options, bounds)


def _preview(
    file: SampledFile, proposals: list[Proposal], options: ImportOptions, bounds: TimeBounds
) -> Preview:
    trial = file.trial
    outcomes = outcomes_by_line(trial, PREVIEWED_LINES, bounds) if trial else {}
    first = outcomes if trial else sorted(file.texts)[:PREVIEWED_LINES]
    above = [number for number in sorted(file.texts) if number <= file.lines_above]
    return Preview(
        options=options,
        proposals=[_proposed(proposal) for proposal in proposals],
        ambiguous=_differing([proposal.options for proposal in proposals]),
        fault=_fault(file.fault),
        sample=file.sample,
        table=file.table,
        above=[PreviewedLine(*file.line(number), []) for number in above[:PREVIEWED_LINES]],
        lines=[PreviewedLine(*file.line(number), outcomes.get(number, [])) for number in first],
        counts=counts_of(trial.batch) if trial else PreviewCounts(0, 0, 0, 0),
        rejects=rejects_by_code(trial) if trial else [],
        column_hints=_column_hints(file),
        warnings=reported(trial.batch.warnings) if trial else [],
        assumes_utc=trial is not None and trial.assumes_utc,
    )


def _fault(error: FileFaultError | None) -> PreviewFault | None:
    return None if error is None else PreviewFault(error.code, error.message, error.remedies)


def _proposed(proposal: Proposal) -> ProposedOptions:
    readings = proposal.first_readings(PREVIEWED_READINGS)
    return ProposedOptions(
        options=proposal.options,
        mapping=dict(proposal.columns),
        counts=counts_of(proposal.trial.batch),
        readings=[accepted(*reading) for reading in readings],
        first_rejects=proposal.first_rejects,
        assumes_utc=proposal.assumes_utc,
    )


def _differing(alternatives: list[ImportOptions]) -> list[str]:
    """The names of the options in which the alternatives differ."""
    documents = [to_builtins(options) for options in alternatives]
    first = documents[0] if documents else {}
    return [name for name in first if any(each[name] != first[name] for each in documents)]


def _column_hints(file: SampledFile) -> list[ColumnHint]:
    trial = file.trial
    if trial is None or trial.batch.rejects.height < NEARLY_ALL * trial.batch.rows_read:
        return []
    hints = column_hints(trial.batch.rejects, trial.source)
    return [ColumnHint(column, hint.text, list(hint.remedies)) for column, hint in hints.items()]
