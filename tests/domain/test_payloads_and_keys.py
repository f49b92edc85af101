"""Payloads stay small, content keys stay the same."""

from fractions import Fraction

import pytest
from pydantic import BaseModel

from domain.clients import ClientFilter, TrackFacts
from domain.encodes import EncodeRecipe, MetricRecipe, RateCap, encode_key, score_key
from domain.files import StoredFile
from domain.progress import BatchProgress, TitleProgress
from domain.recipe import Recipe
from domain.release import FirstPlayable, ReleaseReference, TitleReceipt
from domain.result import ResultLadder, ResultTrials, StageCpu, TitlePicture
from domain.steps import (
    CheckedPairing,
    CorrectedTask,
    DetectedShotList,
    EncodedTracks,
    FinishedTitle,
    InspectedSource,
    InspectionOrder,
    JudgedLadders,
    LadderSet,
    LadderTask,
    MezzanineReference,
    OpenedTitle,
    PackagedTitle,
    PackageTask,
    PlannedProvisional,
    PlannedSearches,
    ProvisionalTask,
    PublishedTitle,
    PublishTask,
    ResultTask,
    SearchWave,
    SettledInspection,
    SettledLadders,
    ShotTask,
    SplitTask,
    TextTask,
)
from domain.tracks import Rendition
from domain.values import canonical_json, digest_of
from domain.video import Codec, Color, Resolution
from domain.work import BatchOutcome, BatchTask, UnitFailure, UnitKind, UnitOutcome, UnitReference, WorkList

SHA = "0123456789abcdef" * 4
FILE = StoredFile(
    uri=f"s3://a-bucket-with-a-name-of-63-characters-which-is-the-most-that-s3-has/objects/sha256/01/{SHA}",
    sha256=SHA,
    size_bytes=987_654_321_012,
)
TITLE = "a-title-with-the-longest-name-that-is-allowed-s01e01-directors-c"
WORK = WorkList(kind=UnitKind.TRIAL, plan=FILE, count=43_200, encodes=43_200, longest_unit_s=1234.5678901234)
OUTCOME = UnitOutcome(
    made=8, reused=8, failed=8, trials=999, trials_reused=999, cpu_s=12345.678901234567, tool_s=12345.678901234567
)
RELEASE = ReleaseReference(title_id=TITLE, release_id=SHA, release_uri=f"s3://pertitle-releases/titles/{TITLE}/{SHA}")
PAYLOADS = [
    WORK,
    UnitReference(plan=FILE, index=43_199),
    OUTCOME,
    SearchWave(mezzanine=FILE, codec=Codec.AV1, wave=3),
    PlannedSearches(work=WORK, waves=4, cpu_s=1.23456789),
    BatchTask(title_id=TITLE, work=WORK, first=43_000, count=200),
    BatchOutcome(units=200, made=1600, first_failure=UnitFailure(code="TOOL-002", message="x" * 300)),
    MezzanineReference(mezzanine=FILE, shots=900, frames=200_000, duration_s=7200.123456789, cpu_s=1234.56789),
    OpenedTitle(source=FILE, recipe=FILE, title_key=SHA),
    OpenedTitle(source=FILE, recipe=FILE, title_key=SHA, order=FILE, is_settled=False),
    SettledInspection(report=FILE, key=SHA),
    InspectionOrder(document=FILE),
    InspectedSource(inspection=FILE, frames=200_000, cpu_s=1234.56789),
    DetectedShotList(shots=FILE, count=900, cpu_s=1234.56789),
    ShotTask(inspection=FILE, recipe=FILE),
    SplitTask(inspection=FILE, shots=FILE, recipe=FILE),
    CheckedPairing(shot=899, aligned_vmaf=99.123456789, shifted_vmaf=50.123456789, note="x" * 100),
    EncodedTracks(audio=FILE, count=16, cpu_s=1234.56789),
    ProvisionalTask(title_id=TITLE, mezzanine=FILE, first_s=120.0),
    PlannedProvisional(mezzanine=FILE, ladders=FILE, encodes=WORK, rungs=2, duration_s=123.456),
    LadderTask(mezzanine=FILE, ladders=FILE),
    JudgedLadders(ladders=FILE, encodes=WORK, corrected_rungs=24, cpu_s=1.5),
    CorrectedTask(mezzanine=FILE, planned=FILE, corrected=FILE),
    SettledLadders(ladders=FILE, mixed_rungs=24, cpu_s=1.5),
    PackageTask(mezzanine=FILE, ladders=FILE, title_key=SHA, key_set=SHA),
    TextTask(mezzanine=FILE, title_key=SHA),
    PackagedTitle(presentation=FILE, files=20_000, cpu_s=1234.56789),
    PublishTask(title_id=TITLE, presentation=FILE, source_sha256=SHA, recipe_sha256=SHA),
    PublishedTitle(release=RELEASE, cpu_s=1234.56789),
    FinishedTitle(
        receipt=TitleReceipt(title_id=TITLE, release=RELEASE, result=FILE, report=FILE), report_url="h" * 100
    ),
    BatchProgress(kind=UnitKind.TRIAL, done_units=200, units=200),
    TitleProgress(title_id=TITLE, stage="package", message="x" * 100),
    ResultTask(
        title_key=SHA,
        title_id=TITLE,
        release_id="r0123456789abcdef0123",
        mezzanine=FILE,
        ladders=FILE,
        trials=ResultTrials(count=43_200, reused=0, failed=0),
        cpu_s=StageCpu(**dict.fromkeys(StageCpu.model_fields, 12345.678)),
        wall_s=12345.678,
    ),
    FirstPlayable(after_s=12345.678, release_id="r0123456789abcdef0123", duration_s=123.456, provisional=True),
    ResultTrials(count=43_200, reused=43_200, failed=1),
    StageCpu(inspect=123456.789012, trials=123456.789012),
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: type(payload).__name__)
def test_a_payload_is_well_below_a_kilobyte(payload: BaseModel) -> None:
    limit = 1500 if isinstance(payload, FinishedTitle | JudgedLadders | ResultTask) else 1024
    assert len(canonical_json(payload)) < limit


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: type(payload).__name__)
def test_a_payload_survives_its_own_json(payload: BaseModel) -> None:
    assert type(payload).model_validate_json(payload.model_dump_json()) == payload


RECIPE = EncodeRecipe(
    codec=Codec.H264,
    preset="medium",
    resolution=Resolution(width_px=1280, height_px=720),
    crf=23.5,
    frame_rate=Fraction(24000, 1001),
    idr_frames=(0, 48),
    color=Color(),
)
CAPPED = RECIPE.model_copy(update={"rate_cap": RateCap(maxrate_bps=4_000_000, buffer_bits=8_000_000)})
METRIC = MetricRecipe(display=Resolution(width_px=1920, height_px=1080), subsample=5)


def test_what_is_not_tone_mapped_says_nothing_of_it() -> None:
    """Documents, catalogs and keys of titles without SDR ladders are those that they always were."""
    size = Resolution(width_px=320, height_px=180)
    rendition = Rendition(
        file=FILE, name="v", codec=Codec.H264, resolution=size, frame_rate=Fraction(24), frames=1, bitrate_bps=1.0,
        peak_bitrate_bps=1.0,
    )  # fmt: skip
    values = [
        rendition,
        TrackFacts(name="v", kind="video"),
        ClientFilter(),
        LadderSet(ladders=(), pictures=FILE),
        StageCpu(),
        TitlePicture(codec=Codec.H264, title_hulls={}, shot_points=()),
        ResultLadder(codec=Codec.H264, rungs=()),
        Recipe(),
    ]
    fields = {name for value in values for name in value.model_dump(mode="json")}
    assert not fields & {"tone_mapped", "tone_mapping", "dynamic_range", "dynamic_ranges", "sdr", "hdr"}


def test_content_keys_do_not_change_by_accident() -> None:
    """A change here makes every encode in every store worthless: raise ``version`` in the key and say why."""
    key = encode_key("a" * 64, RECIPE, "b" * 64)
    assert key == "28c1cb28e1bce1f633e46b3af025dfbacc210093426090f32ba8e301670a7312"
    assert encode_key("a" * 64, CAPPED, "b" * 64) == "fcc4ebfa2403a940bc6d99ff2834c69aa09e3035afd86f3ed4287740caefd5ee"
    assert score_key(key, METRIC, "b" * 64) == "8c67337d95baf35126080d359212c4c56d1fec3d022a1f9ae51c14e8f1a6cd05"


@pytest.mark.parametrize(
    "change",
    [{"crf": 23.0}, {"preset": "slow"}, {"idr_frames": (0,)}, {"frame_rate": Fraction(24)}, {"codec": Codec.HEVC},
     {"resolution": Resolution(width_px=1280, height_px=718)}, {"color": Color(matrix="smpte170m")},
     {"rate_cap": RateCap(maxrate_bps=1, buffer_bits=1)}],
)  # fmt: skip
def test_everything_that_changes_bits_changes_the_key(change: dict[str, object]) -> None:
    changed = RECIPE.model_copy(update=change)
    assert encode_key("a" * 64, changed, "b" * 64) != encode_key("a" * 64, RECIPE, "b" * 64)


def test_pictures_and_build_are_part_of_the_key() -> None:
    keys = {encode_key(pictures * 64, RECIPE, build * 64) for pictures in "ab" for build in "cd"}
    assert len(keys) == 4


def test_canonical_json_has_one_order_and_no_spaces() -> None:
    assert canonical_json({"b": 1, "a": [1.5, None, "ü"]}) == '{"a":[1.5,null,"ü"],"b":1}'.encode()
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})
