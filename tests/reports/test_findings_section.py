"""What inspection found, in the report."""

from domain.findings import CATALOGUE, Finding, Level, Override
from domain.result import ResultInspection
from reports.title_report import render_report
from tests.reports.made_up_title import make_pictures, make_result


def page_with(*findings: Finding) -> str:
    inspection = ResultInspection(findings=findings, checks=("black", "silence"))
    return render_report(make_result().model_copy(update={"inspection": inspection}), make_pictures())


def test_a_finding_stands_with_who_waved_it_through_and_hostile_text_stays_text() -> None:
    kind = CATALOGUE["VID-102"]
    page = page_with(
        Finding(
            code="VID-102",
            level=Level.OVERRIDABLE,
            where="video track 0",
            found="59.0 s of 60.0 s",
            expected=kind.expected,
            fix=kind.fix,
            override=Override(code="VID-102", by="Kim <Lee>", reason="an audio play"),
        )
    )
    assert 'href="#inspection"' in page
    assert "overridable, waved through by Kim &lt;Lee&gt;: an audio play" in page
    assert "Looked for: black, silence." in page


def test_a_clean_source_is_said_to_be_one_and_older_results_say_nothing() -> None:
    assert "Nothing was found." in page_with()
    assert 'id="inspection"' not in render_report(make_result(), make_pictures())
