"""Each defect of the packager that shows in its files is found, in output that the real packager made."""

from pathlib import Path

import pytest

from domain.checks import CheckReport
from media.rules.check import check_folder

pytestmark = pytest.mark.slow

IN_RAW = {
    "MPD invalid: color before ContentProtection": ("MPD-001", "ContentProtection after SupplementalProperty"),
    "identity key beside systems": ("KEY-002", "an identity key skd://example/asset"),
    "one FairPlay address for all keys": ("KEY-003", "skd://example/asset for 3 KIDs"),
    "PSSH of all KIDs": ("ENC-010", "2 other KIDs for system edef8ba9"),
    "trick play as a variant": ("HLS-026", "frames per second"),
    "raw WebVTT segments in DASH": ("MPD-006", "text segments without initialization"),
    "no X-TIMESTAMP-MAP": ("HLS-011", "no X-TIMESTAMP-MAP"),
    "target durations": ("HLS-004", "target duration 3"),
    "discontinuities not in subtitles": ("HLS-009", "discontinuities at none"),
    "clear sample entry": ("ENC-002", "a clear sample entry avc1"),
    "clear lead": ("ENC-006", "a clear fragment of a protected track"),
    "few I-frames": ("HLS-029", "an I-frame each"),
    "no HDCP-LEVEL": ("KEY-007", "HDCP-LEVEL missing"),
    "no CMAF profile": ("MPD-015", "isoff-live"),
    "no startWithSAP": ("MPD-011", "no startWithSAP"),
    "no version": ("HLS-003", "no #EXT-X-VERSION"),
    "durations in milliseconds": ("HLS-007", "0.333 ms off"),
    "too low a BANDWIDTH of I-frames": ("HLS-023", "BANDWIDTH"),
}
IN_MISALIGNED = {
    "no key tags": ("KEY-001", "no EXT-X-KEY"),
    "misaligned renditions": ("BOX-004", "another start from segment 3 on"),
    "alignment not stated": ("MPD-007", "no segmentAlignment"),
}


@pytest.fixture(scope="module")
def raw_report(raw: Path) -> CheckReport:
    return check_folder(raw)


@pytest.fixture(scope="module")
def misaligned_report(raw_misaligned: Path) -> CheckReport:
    return check_folder(raw_misaligned)


def found_by(report: CheckReport, rule_id: str) -> list[str]:
    rule = next(rule for rule in report.rules if rule.rule == rule_id)
    assert rule.verdict == "broken"
    assert rule.fix
    assert all(item.where and item.expected for item in rule.findings)
    return [item.found for item in rule.findings]


@pytest.mark.parametrize("defect", IN_RAW)
def test_a_defect_of_raw_output_is_found(defect: str, raw_report: CheckReport) -> None:
    rule_id, words = IN_RAW[defect]
    assert any(words in found for found in found_by(raw_report, rule_id))


@pytest.mark.parametrize("defect", IN_MISALIGNED)
def test_a_defect_of_misaligned_output_is_found(defect: str, misaligned_report: CheckReport) -> None:
    rule_id, words = IN_MISALIGNED[defect]
    assert any(words in found for found in found_by(misaligned_report, rule_id))


def test_what_the_packager_does_right_breaks_no_rule(raw_report: CheckReport, misaligned_report: CheckReport) -> None:
    files = {"FILE-001", "FILE-002", "BOX-001", "BOX-002", "BOX-003"}
    protection = {"ENC-001", "ENC-003", "ENC-004", "ENC-005", "ENC-008", "ENC-009", "MPD-016", "KEY-004"}
    right = files | protection | {"MPD-004", "MPD-008", "MPD-009", "HLS-012", "HLS-021"}
    for report in (raw_report, misaligned_report):
        assert {rule.rule for rule in report.rules if rule.verdict == "broken"} & right == set()
