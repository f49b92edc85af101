"""What the pipeline packages breaks no MUST, and is read fast."""

import pytest

from media.rules.check import RULES, check_folder
from media.rules.model import PresentationOnDisk
from tests.media.packaging.conftest import Packaged

pytestmark = pytest.mark.slow


def test_our_cbcs_presentation_breaks_no_must(cbcs: Packaged) -> None:
    report = check_folder(cbcs.folder)
    assert [(rule.rule, rule.findings) for rule in report.broken("must")] == []
    assert report.segments >= 36
    assert len(report.passed()) > 60


def test_our_cenc_presentation_breaks_no_must_but_plays_on_no_apple_device(cenc: Packaged) -> None:
    report = check_folder(cenc.folder)
    assert [(rule.rule, rule.findings) for rule in report.broken("must")] == []
    assert "KEY-008" in {rule.rule for rule in report.broken("should")}


def test_two_checks_say_the_same(cbcs: Packaged) -> None:
    assert check_folder(cbcs.folder) == check_folder(cbcs.folder)


def test_ids_and_titles_of_rules_are_unique() -> None:
    assert len({rule.rule_id for rule in RULES}) == len(RULES)
    assert all(rule.title and rule.source and rule.fix for rule in RULES)


def test_the_model_is_what_was_packaged(ours: PresentationOnDisk, cbcs: Packaged) -> None:
    tracks = {track.name.partition("/")[0]: track for track in ours.tracks}
    assert set(tracks) - set(cbcs.plan.trick_tracks) == {item.name for item in cbcs.plan.tracks}
    assert ours.trick == {f"{name}/init.mp4" for name in cbcs.plan.trick_tracks}
    for item in cbcs.plan.tracks:
        protection = tracks[item.name].init.protection
        assert protection is not None
        assert protection.kid == cbcs.plan.key_of(item).kid
        assert protection.constant_iv == cbcs.plan.iv_of(item)
    assert {track.end_s for track in ours.video} == {250 / cbcs.plan.frame_rate}
    assert {track.frame_rate for track in ours.video} == {cbcs.plan.frame_rate}
