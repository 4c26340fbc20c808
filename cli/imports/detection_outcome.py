"""The options that are proposed for a file, for people and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from cli.imports.command_line import command_line
from cli.imports.outcomes import ExitCode, warning_lines
from core.row_warnings import reported
from jobs.csv_import.detection.proposals import Proposal

PREVIEWED = 3
NOTHING_FOUND = (
    "no options are found with which its first lines are readings: each needs a timestamp and a "
    "number, in columns. See docs/imports.md."
)


@dataclass(frozen=True, slots=True)
class DetectionOutcome:
    """The proposals for a file; several, where it does not tell which is meant."""

    path: Path
    proposals: Sequence[Proposal]

    @property
    def exit_code(self) -> ExitCode:
        """Done, if the only proposal rejects nothing; failed, if there is none."""
        if not self.proposals:
            return ExitCode.FAILED
        (first, *others) = self.proposals
        return ExitCode.REJECTS if others or first.rejected else ExitCode.DONE

    def lines(self) -> Iterator[str]:
        """Each command with the first readings that it makes."""
        if not self.proposals:
            yield NOTHING_FOUND
        if len(self.proposals) > 1:
            yield f"{len(self.proposals)} ways to read it; choose the one that is meant:"
        for proposal in self.proposals:
            yield command_line(proposal.options, self.path)
            yield from (f"  {line}" for line in _proposal_lines(proposal))

    def as_json(self) -> str:
        """The proposals on one line."""
        document: dict[str, Any] = {
            "file": str(self.path),
            "exitCode": self.exit_code.value,
            "proposals": [self._as_document(proposal) for proposal in self.proposals],
        }
        return msgspec.json.encode(document).decode()

    def _as_document(self, proposal: Proposal) -> dict[str, Any]:
        return {
            "command": command_line(proposal.options, self.path),
            "options": proposal.options,
            "columns": proposal.columns,
            "rows": proposal.rows,
            "skipped": proposal.skipped,
            "rejected": proposal.rejected,
            "firstRejects": proposal.first_rejects,
            "warnings": reported(proposal.warnings),
            "preview": [
                {"equipmentId": name, "timestamp": ts, "value": value}
                for name, ts, value in proposal.first_readings(PREVIEWED)
            ],
        }


def _proposal_lines(proposal: Proposal) -> Iterator[str]:
    skipped = f"{proposal.skipped:,} would be skipped and " if proposal.skipped else ""
    kind = "cells" if proposal.options.is_wide else "rows"
    yield f"of the first {proposal.rows:,} {kind} {skipped}{proposal.rejected:,} would be rejected"
    for name, ts, value in proposal.first_readings(PREVIEWED):
        yield f"  {name}  {ts.isoformat(sep=' ').removesuffix('+00:00')}Z  {value!r}"
    if proposal.rejected:
        yield "the first rejected: " + "; ".join(proposal.first_rejects)
    yield from warning_lines(reported(proposal.warnings))
    if proposal.assumes_utc:
        yield "timestamps have no offset and are read as UTC: if they are not, add --time-zone"
