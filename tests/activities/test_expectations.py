"""What a request expects stays a small payload, and who waved what through is sealed with the release."""

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.delivery import DeliveryActivities
from activities.expectations import (
    keep_expectations,
    overrides_of,
    read_expectations,
    read_settled,
    refuse_upload,
)
from domain.findings import CATALOGUE, Finding, InspectionReport, Override
from domain.inspection_policy import InspectionPolicy
from domain.request import TitleRequest, parse_title_request
from domain.steps import InspectionOrder, OpenedTitle, PublishTask, SettledInspection
from domain.values import canonical_json
from storage.release_reader import read_release
from tests.activities.conftest import StoredTitle
from tests.storage.releases import draft_of
from workflows.findings import order_of

pytestmark = pytest.mark.slow
KIM = Override(code="VID-102", by="Kim Lee", reason="an audio play")
LU = Override(code="CNT-101", by="Lu", reason="end credits without sound")

LENIENT = {"UPL-102": "warning"}


def finding(code: str, override: Override | None = None) -> Finding:
    kind = CATALOGUE[code]
    return Finding(
        code=code, level=kind.level, where="x", found="x", expected=kind.expected, fix=kind.fix, override=override
    )


def settled_in(title: StoredTitle) -> SettledInspection:
    findings = (finding("VID-102", KIM), finding("CNT-101"), finding("VID-103"))
    report = InspectionReport(file="a.mov", sha256="a" * 64, size_bytes=1, summary="", findings=findings)
    return SettledInspection(report=title.box.results.put_document(report), overrides=(LU,))


def request_with(overrides: int) -> TitleRequest:
    said = {"by": "Q" * 80, "reason": "R" * 200}
    codes = [f"VID-1{n:02d}" for n in range(overrides)]
    content = {"title_id": "many", "source": "s3://pertitle-incoming/a.mov"}
    return parse_title_request({**content, "overrides": [{"code": code, **said} for code in codes]})


@pytest.mark.parametrize("overrides", [0, 1, 20])
def test_twenty_overrides_reach_inspection_whole_and_no_payload_grows(
    overrides: int, stored_title: StoredTitle
) -> None:
    request, source = request_with(overrides), stored_title.mezzanine.source.file
    opened = keep_expectations(stored_title.box, request, OpenedTitle(source=source, recipe=source, title_key="a" * 64))
    order = order_of(request, opened)
    assert len(canonical_json(opened)) < 1024
    assert len(canonical_json(order)) < 1024
    assert (order.document is None) == (overrides < 20)
    read = read_expectations(stored_title.box, order)
    assert (read.policy, read.overrides) == (request.inspection, request.overrides)


def test_titles_of_before_there_were_findings_expect_nothing(stored_title: StoredTitle) -> None:
    assert read_expectations(stored_title.box, None) == InspectionOrder()
    assert overrides_of(read_settled(stored_title.box, None)) == ()


@pytest.mark.parametrize(
    ("policy", "code"),
    [({"size_bytes": 1}, "UPL-102"), ({"sha256": "f" * 64}, "UPL-101"), ({"size_bytes": 1, "levels": LENIENT}, "")],
)
def test_a_file_that_is_not_the_stated_one_ends_before_it_is_opened(
    policy: dict[str, object], code: str, stored_title: StoredTitle
) -> None:
    source = stored_title.mezzanine.source.file
    order = InspectionOrder(policy=InspectionPolicy.model_validate(policy))
    if not code:
        refuse_upload(source, order)
        return
    with pytest.raises(ApplicationError, match=f"{code} .* source: ") as failure:
        refuse_upload(source, order)
    assert (failure.value.type, failure.value.non_retryable) == (code, True)
    assert failure.value.details[0]["fix"] == CATALOGUE[code].fix


async def test_a_release_is_sealed_with_who_waved_what_through(
    stored_title: StoredTitle, environment: ActivityEnvironment
) -> None:
    store, title_id = stored_title.box.store, "waved-through"
    draft = draft_of(title_id, {"manifest.mpd": b"<MPD/>", "multivariant.m3u8": b"#EXTM3U\n"}, store)
    task = PublishTask(
        title_id=title_id,
        presentation=stored_title.box.results.put_document(draft.presentation),
        source_sha256="1" * 64,
        recipe_sha256="2" * 64,
    )
    publish = DeliveryActivities(stored_title.box).publish_title
    published = await environment.run(publish, task, settled_in(stored_title))
    assert read_release(store, published.release).waved_through == (KIM, LU)
    again = await environment.run(publish, task, None)
    assert again.release == published.release
    assert read_release(store, published.release).waved_through == (KIM, LU)


def test_a_reference_in_an_order_is_all_that_counts(stored_title: StoredTitle) -> None:
    kept = stored_title.box.results.put_document(InspectionOrder(overrides=(KIM,)))
    assert read_expectations(stored_title.box, InspectionOrder(document=kept)).overrides == (KIM,)
