"""A made-up title with the shapes of real ones: VMAF saturates with bits per pixel, below a ceiling for each size."""

import math
from fractions import Fraction

from domain.checks import CheckReport, RuleFinding, RuleVerdict
from domain.cpu import CpuSplit
from domain.ladder import PromiseError
from domain.result import (
    BaselineRung,
    DeliveredPoint,
    PicturePoint,
    PromisedPoint,
    ResultAudio,
    ResultBaseline,
    ResultLadder,
    ResultManifests,
    ResultRung,
    ResultSearch,
    ResultShotPoint,
    ResultSource,
    ResultTrials,
    StageCpu,
    TitlePicture,
    TitleResult,
)
from domain.video import Codec, FrameRange

SIZES = ((480, 270), (640, 360), (960, 540), (1280, 720))
RUNG_SIZES = ((480, 270), (640, 360), (960, 540), (1280, 720), (1280, 720))
CEILINGS = {270: 68.0, 360: 80.0, 540: 92.0, 720: 98.5}
TRIAL_CRFS = {Codec.H264: (16.0, 25.0, 34.0, 43.0), Codec.AV1: (20.0, 34.0, 48.0, 62.0)}
RUNG_CRFS = {Codec.H264: (30.0, 29.5, 29.0, 28.0, 22.5), Codec.AV1: (41.0, 40.0, 39.0, 37.0, 27.0)}
DIFFICULTIES = (0.35, 1.0, 2.6, 0.7, 1.6)
LENGTHS = (72, 96, 60, 108, 48)
FIXED = ((480, 270, 400_000), (640, 360, 750_000), (960, 540, 1_750_000), (1280, 720, 3_000_000))


def rate_and_score(codec: Codec, height_px: int, crf: float, difficulty: float) -> tuple[float, float]:
    """Returns (bitrate_bps, VMAF) of a made-up encode."""
    pixels = height_px * height_px * 16 / 9
    halving, saving = (6.0, 1.0) if codec is Codec.H264 else (9.0, 0.68)
    center = 25.0 if codec is Codec.H264 else 34.0
    bits_per_pixel = 0.075 * difficulty * 2 ** ((center - crf) / halving)
    effect = (bits_per_pixel / (0.012 * difficulty**0.85)) ** 0.62
    score = CEILINGS[height_px] * (1 - math.exp(-effect * 1.1)) - 2.2 * difficulty
    return bits_per_pixel * pixels * 24 * saving, max(0.0, score)


def make_shots(count: int) -> tuple[FrameRange, ...]:
    """Returns contiguous shots of uneven lengths."""
    start, shots = 0, []
    for index in range(count):
        end = start + LENGTHS[index % 5]
        shots.append(FrameRange(start_frame=start, end_frame=end))
        start = end
    return tuple(shots)


def difficulty_of(index: int) -> float:
    """Returns how hard a shot is, 1 = usual."""
    return DIFFICULTIES[index % 5] * (1 + 0.3 * math.sin(index))


def make_rung(codec: Codec, number: int, shots: tuple[FrameRange, ...]) -> ResultRung:
    """Returns rung ``number`` (from 0); rung 2 of AV1 misses its promise, rung 3 of H.264 was corrected."""
    width, height = RUNG_SIZES[number]
    crf = RUNG_CRFS[codec][number]
    points = []
    for index in range(len(shots)):
        own = crf + round(2.5 * math.log2(difficulty_of(index)), 1)
        bitrate, score = rate_and_score(codec, height, own, difficulty_of(index))
        points.append(ResultShotPoint(crf=own, bitrate_bps=bitrate, vmaf=score))
    frames = [shot.frames for shot in shots]
    bitrate = sum(n * p.bitrate_bps for n, p in zip(frames, points, strict=True)) / sum(frames)
    score = sum(n * p.vmaf for n, p in zip(frames, points, strict=True)) / sum(frames)
    miss = 0.83 if (codec, number) == (Codec.AV1, 2) else 0.12 * (-1) ** number
    return ResultRung(
        name=f"video_{codec.value}_{height}p_{bitrate / 1e3:.0f}k",
        width_px=width,
        height_px=height,
        promise_error=PromiseError(vmaf=0.21 + 0.05 * number, bitrate=0.012) if codec is Codec.AV1 else None,
        promised=PromisedPoint(bitrate_bps=bitrate * (1.03 if number % 2 else 0.98), vmaf=score + miss),
        delivered=DeliveredPoint(
            bitrate_bps=bitrate,
            peak_bitrate_bps=bitrate * 1.8,
            vmaf_mean=score,
            vmaf_harmonic=score - 0.35,
            vmaf_p5=min(p.vmaf for p in points) + 0.4,
            vmaf_min=min(p.vmaf for p in points) - 3.1,
        ),
        corrected=(codec, number) == (Codec.H264, 3),
        reason="Largest step in rate that the hull allows; 1.9 times the rung below."
        if number
        else "Lowest rung above the floor.",
        shots=tuple(points),
    )


def make_ladder(codec: Codec, shots: tuple[FrameRange, ...], bd_rate: float | None) -> ResultLadder:
    """Returns a ladder of five rungs with its baseline."""
    fixed = tuple(
        BaselineRung(
            width_px=width,
            height_px=height,
            target_bitrate_bps=target,
            bitrate_bps=target * 0.97,
            vmaf_mean=CEILINGS[height] * 0.93 - 6 + (3 if codec is Codec.AV1 else 0),
            vmaf_harmonic=CEILINGS[height] * 0.93 - 6.9 + (3 if codec is Codec.AV1 else 0),
        )
        for width, height, target in FIXED
    )
    rungs = tuple(make_rung(codec, number, shots) for number in range(5))
    baseline = ResultBaseline(name="netflix-2015", bd_rate=bd_rate, rungs=fixed)
    search = make_search(len(shots)) if codec is Codec.AV1 else None
    return ResultLadder(codec=codec, rungs=rungs, search=search, baseline=baseline)


def make_search(shots: int) -> ResultSearch:
    """Returns what searches of a codec may have come to: one shot broke the model, one ran out of trials."""
    return ResultSearch(
        shots=shots,
        trials=14 * shots,
        rounds=4 * shots,
        cpu=CpuSplit(decode_s=8.1, scale_s=6.3, encode_s=41.0, metric_s=20.5, other_s=4.2),
        regret_mean=0.0031,
        regret_max=0.0074,
        dense_shots=(2,),
        limited_shots=(1,),
        stops={"regret": shots - 1, "max-trials": 1},
        crossovers=3 * shots,
        certified=3 * shots - 1,
    )


def make_checks() -> CheckReport:
    """Returns three rules: one kept, one that does not apply, one that is not kept in four places."""
    findings = tuple(
        RuleFinding(where=f"video_{number}/init.mp4", found="a clear <entry>", expected="none") for number in range(4)
    )
    facts = {"source": "ISO/IEC 23001-7, 4.2", "fix": "package again"}
    return CheckReport(
        rules=(
            RuleVerdict(rule="BOX-001", title="headers are CMAF", severity="must", verdict="passed", **facts),
            RuleVerdict(rule="HLS-001", title="tags are there", severity="must", verdict="not applicable", **facts),
            RuleVerdict(
                rule="ENC-002",
                title="entries are protected",
                severity="should",
                verdict="broken",
                findings=findings,
                count=len(findings),
                **facts,
            ),
        ),
        files=40,
        segments=36,
    )


def make_result(shot_count: int = 5) -> TitleResult:
    """Returns a title with two codecs, five rungs each, and a baseline."""
    shots = make_shots(shot_count)
    frames = shots[-1].end_frame
    trials = shot_count * 2 * len(SIZES) * 4
    return TitleResult(
        title_id="sample-five-shots",
        release_id="r-3f9c2a7be01d",
        release_uri="s3://pertitle/titles/sample-five-shots/releases/r-3f9c2a7be01d",
        manifests=ResultManifests(
            dash="s3://pertitle/titles/sample-five-shots/releases/r-3f9c2a7be01d/manifest.mpd",
            hls="s3://pertitle/titles/sample-five-shots/releases/r-3f9c2a7be01d/main.m3u8",
        ),
        source=ResultSource(
            uri="s3://pertitle-work/sources/sample-five-shots.mp4",
            sha256="ab" * 32,
            frames=frames,
            frame_rate=Fraction(24),
            width_px=1280,
            height_px=720,
            duration_s=frames / 24,
        ),
        shots=shots,
        trials=ResultTrials(count=trials, reused=trials // 4, failed=0),
        ladders=(make_ladder(Codec.H264, shots, -0.312), make_ladder(Codec.AV1, shots, -0.478)),
        audio=(
            ResultAudio(
                name="audio_1_eng_stereo", language="eng", channels=2, bitrate_bps=128_000, loudness_lufs=-23.1
            ),
        ),
        checks=make_checks(),
        notes=("The source does not say its colors; bt709 is assumed.",),
        cpu_s=StageCpu(
            inspect=1.9,
            shots=6.2,
            trials=131.4,
            plan=0.6,
            encode=41.7,
            measure=38.2,
            package=2.4,
            publish=0.9,
            audio=1.1,
            baseline=52.3,
        ),
        wall_s=163.4,
        tools={"ffmpeg": "9.0", "libvmaf": "3.1.0", "packager": "v3.8.0", "SVT-AV1": "4.2.0", "x264": "165 r3222"},
    )


def make_pictures(shot_count: int = 5) -> tuple[TitlePicture, ...]:
    """Returns the trial encodes and hulls beside :func:`make_result`."""
    return tuple(make_picture(codec, shot_count) for codec in (Codec.H264, Codec.AV1))


def make_picture(codec: Codec, shot_count: int) -> TitlePicture:
    """Returns trial encodes of all shots, and hulls on a fine grid of CRF."""
    hulls = {}
    for width, height in SIZES:
        curve = []
        for crf in range(14, 52 if codec is Codec.H264 else 64, 2):
            encodes = [rate_and_score(codec, height, crf, difficulty_of(index)) for index in range(min(shot_count, 5))]
            curve.append((sum(r for r, _ in encodes) / len(encodes), sum(v for _, v in encodes) / len(encodes)))
        hulls[f"{width}x{height}"] = tuple(sorted(curve))
    return TitlePicture(
        codec=codec, title_hulls=hulls, shot_points=tuple(make_shot_points(codec, index) for index in range(shot_count))
    )


def make_shot_points(codec: Codec, index: int) -> tuple[PicturePoint, ...]:
    """Returns every trial encode of a shot; on the hull is what no other beats in both rate and VMAF."""
    encodes = [
        (height, crf, *rate_and_score(codec, height, crf, difficulty_of(index)))
        for _, height in SIZES
        for crf in TRIAL_CRFS[codec]
    ]
    return tuple(
        PicturePoint(
            height_px=height,
            crf=crf,
            bitrate_bps=bitrate,
            vmaf=score,
            on_hull=not any(other[2] <= bitrate and other[3] > score for other in encodes),
        )
        for height, crf, bitrate, score in encodes
    )
