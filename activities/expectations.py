"""What a request expects of its source, and what was waved through: from payloads and documents alike."""

from temporalio.exceptions import ApplicationError

from activities.toolbox import Toolbox
from domain.files import StoredFile
from domain.findings import CATALOGUE, InspectionReport, Level, Override, wave_through
from domain.request import TitleRequest
from domain.result import ResultInspection
from domain.steps import InspectionOrder, OpenedTitle, SettledInspection, StoppingFinding
from domain.values import Sha256, canonical_json, digest_of
from media.findings import judge_upload, stops_of

LARGEST_ORDER_BYTES = 700
"""A larger order goes by a document: with the source's reference beside it, a payload stays below 1 KB."""


def keep_expectations(toolbox: Toolbox, request: TitleRequest, opened: OpenedTitle) -> OpenedTitle:
    """Returns an opened title with its inspection order in the store, if that is too large for a payload."""
    order = InspectionOrder(policy=request.inspection, overrides=request.overrides)
    if (opened.finished is not None and opened.is_settled) or len(canonical_json(order)) <= LARGEST_ORDER_BYTES:
        return opened
    return opened.model_copy(update={"order": toolbox.results.put_document(order)})


def read_expectations(toolbox: Toolbox, order: InspectionOrder | None) -> InspectionOrder:
    """Returns the order itself; titles that were begun before there were findings give none."""
    if order is None:
        return InspectionOrder()
    return order if order.document is None else toolbox.results.read_document(order.document, InspectionOrder)


def settled_key(title_key: Sha256, request: TitleRequest) -> Sha256:
    """Returns the content key of what was settled about a title's source: the title, and what was expected of it."""
    return digest_of({"title": title_key, "policy": request.inspection.model_dump(mode="json"), "version": 1})


def keep_settled(toolbox: Toolbox, settled: SettledInspection | None) -> None:
    """Remembers that a source passed a policy, so that a finished title is not inspected by it again."""
    if settled is not None and settled.key is not None:
        toolbox.results.keep("settled", settled.key, settled)


def refuse_upload(source: StoredFile, order: InspectionOrder) -> None:
    """Ends a title whose file is another one than the request states, before anybody wonders why it does not decode.

    Raises:
        ApplicationError: with the code of the first fatal finding.
    """
    fatal = [stop for stop in stops_of(judge_upload(source, order.policy)) if stop.level is Level.FATAL]
    if fatal:
        raise failure_of(fatal[0])


def failure_of(stop: StoppingFinding) -> ApplicationError:
    """Returns the failure of a title that a finding ends; its type is the finding's code."""
    message = f"{stop.code} {CATALOGUE[stop.code].meaning} {stop.message}"
    return ApplicationError(message, record_of(stop), type=stop.code, non_retryable=True)


def record_of(stop: StoppingFinding) -> dict[str, str]:
    """Returns code, where, found, expected and fix."""
    kind = CATALOGUE[stop.code]
    where, _, found = stop.message.partition(": ")
    return {"code": stop.code, "where": where, "found": found, "expected": kind.expected, "fix": kind.fix}


def read_settled(toolbox: Toolbox, settled: SettledInspection | None) -> ResultInspection:
    """Returns what inspection found, with what was waved through since."""
    if settled is None or settled.report is None:
        return ResultInspection()
    report = toolbox.results.read_document(settled.report, InspectionReport)
    return ResultInspection(findings=wave_through(report.findings, settled.overrides), checks=report.checks)


def overrides_of(inspection: ResultInspection) -> tuple[Override, ...]:
    """Returns who waved what through, each once, in the order of the findings."""
    return tuple(dict.fromkeys(finding.override for finding in inspection.findings if finding.override is not None))
