"""``result.json``: what was made of a title. Everything in it was encoded, decoded and measured."""

from fractions import Fraction
from typing import Literal

from pydantic import Field

from domain.checks import CheckReport
from domain.cpu import CpuSplit
from domain.findings import Finding
from domain.hdr import ToneMapping
from domain.ladder import PromiseError
from domain.release import FirstPlayable
from domain.values import Sha256, Value
from domain.video import AudioRole, Codec, FrameRange, TextRole


class ResultManifests(Value):
    """Addresses of the two manifests."""

    dash: str
    hls: str
    scheme: Literal["cbcs", "cenc", "clear"] = "cbcs"
    """How the segments are encrypted; ``clear``: not at all."""


class ResultSource(Value):
    """The source in short."""

    uri: str
    sha256: Sha256
    frames: int
    frame_rate: Fraction
    width_px: int
    height_px: int
    duration_s: float


class ResultTrials(Value):
    """Trial encodes of this run."""

    count: int
    """Trial encodes the ladder rests on."""
    reused: int
    """Those of ``count`` that were found in the store."""
    failed: int


class PromisedPoint(Value):
    """What the ladder promised."""

    bitrate_bps: float
    vmaf: float


class DeliveredPoint(Value):
    """What was measured on the published rendition, on every frame."""

    bitrate_bps: float
    peak_bitrate_bps: float
    """Largest rate of any window of one second."""
    vmaf_mean: float
    vmaf_harmonic: float
    vmaf_p5: float
    """Fifth percentile of the frame scores."""
    vmaf_min: float


class ResultShotPoint(Value):
    """One shot of a rung, as delivered."""

    crf: float
    bitrate_bps: float
    vmaf: float


class ResultSearch(Value):
    """How the trial encodes of one codec were chosen, and what they cost when they were made."""

    shots: int
    trials: int
    """Trial encodes of all shots."""
    rounds: int
    """Steps of all searches: how often trials were asked for."""
    cpu: CpuSplit
    """CPU seconds of trials and ceilings, also of those found in the store."""
    regret_mean: float
    """Expected loss in rate over the quality window when a shot's search ended, weighted by duration; 0.01 is 1 %."""
    regret_max: float
    dense_shots: tuple[int, ...] = ()
    """Shots that broke the model and got the dense design."""
    limited_shots: tuple[int, ...] = ()
    """Shots whose search was ended by its budget or its largest number of trials."""
    stops: dict[str, int] = {}
    """Why searches ended → shots."""
    crossovers: int = 0
    """Places where the best size changes, over all shots."""
    certified: int = 0
    """Those of ``crossovers`` with both sizes measured near them."""


class ResultRung(Value):
    """One rung: promise, delivery, and each shot."""

    name: str
    width_px: int
    height_px: int
    promised: PromisedPoint
    promise_error: PromiseError | None = None
    """Expected deviation from the promise (one standard deviation); ``None`` where nothing tells it."""
    delivered: DeliveredPoint
    cap_bps: float | None = None
    """Largest rate that the rung's leaky bucket allows."""
    corrected: bool = False
    """The rung missed its promise or cap at first, and guilty shots were encoded again (once)."""
    reason: str = ""
    shots: tuple[ResultShotPoint, ...]


class BaselineRung(Value):
    """One rung of the fixed ladder, really encoded and measured."""

    width_px: int
    height_px: int
    target_bitrate_bps: int
    bitrate_bps: float
    vmaf_mean: float
    vmaf_harmonic: float


class ResultBaseline(Value):
    """The fixed ladder beside ours."""

    name: str
    bd_rate: float | None
    """Mean rate difference at equal VMAF mean, ours against the fixed ladder, as a fraction (-0.3 = 30 % less);
    ``None`` where the two ladders share no quality range."""
    scored_every: int = 1
    """Every n-th frame of the fixed ladder was scored; ours is scored on every frame."""
    rungs: tuple[BaselineRung, ...]


def ladder_name(codec: Codec, *, tone_mapped: bool) -> str:
    """Returns the name of a ladder in its title: ``hevc``, or ``sdr-hevc`` beside an HDR one."""
    return f"sdr-{codec.value}" if tone_mapped else codec.value


class ResultLadder(Value):
    """One codec's ladder."""

    codec: Codec
    tone_mapping: ToneMapping | None = Field(default=None, exclude_if=lambda done: done is None)
    """How the SDR pictures of an HDR title were made, against which its rungs are measured. Left out for all others."""
    rungs: tuple[ResultRung, ...]
    search: ResultSearch | None = None
    """``None`` where the trials were a grid."""
    baseline: ResultBaseline | None = None

    @property
    def name(self) -> str:
        """Tells it from the title's other ladders: ``hevc``, ``sdr-hevc``."""
        return ladder_name(self.codec, tone_mapped=self.tone_mapping is not None)


class ResultAudio(Value):
    """One audio track of the release."""

    name: str
    language: str
    channels: int
    codec: Literal["aac", "eac3"] = "aac"
    role: AudioRole | None = None
    bitrate_bps: int
    loudness_lufs: float | None


class ResultText(Value):
    """One subtitle track of the release."""

    name: str
    language: str
    role: TextRole
    cues: int


class ResultThumbnails(Value):
    """The still pictures for seeking."""

    name: str
    width_px: int
    """Width of one still."""
    height_px: int
    stills: int
    interval_s: Fraction


class StageCpu(Value):
    """CPU seconds (user and system, all children) by stage, of this run; reused results cost nothing."""

    inspect: float = 0.0
    shots: float = 0.0
    trials: float = 0.0
    plan: float = 0.0
    encode: float = 0.0
    measure: float = 0.0
    package: float = 0.0
    publish: float = 0.0
    audio: float = 0.0
    """Sound and subtitles; thumbnails count as packaging."""
    baseline: float = 0.0
    tone_mapping: float = Field(default=0.0, exclude_if=lambda seconds: not seconds)
    """SDR pictures of an HDR title; left out where none were asked for."""
    provisional: float = Field(default=0.0, exclude_if=lambda seconds: not seconds)
    """Left out where no provisional release was asked for."""


class ResultInspection(Value):
    """What inspection found in the source, and who waved what through."""

    findings: tuple[Finding, ...] = ()
    checks: tuple[str, ...] = ()
    """What was looked for, in words."""


class TitleResult(Value):
    """The document that ``pertitle result`` prints and the report shows."""

    schema_name: Literal["pertitle/result/v1"] = Field(default="pertitle/result/v1", alias="schema")
    title_id: str
    release_id: str
    release_uri: str
    manifests: ResultManifests
    source: ResultSource
    shots: tuple[FrameRange, ...]
    trials: ResultTrials
    ladders: tuple[ResultLadder, ...]
    audio: tuple[ResultAudio, ...] = ()
    checks: CheckReport | None = None
    """How the release keeps the rules for presentations (docs/checks.md); ``None`` in results of older versions."""
    texts: tuple[ResultText, ...] = ()
    thumbnails: ResultThumbnails | None = None
    notes: tuple[str, ...] = ()
    inspection: ResultInspection = ResultInspection()
    metric: str = "vmaf_v1.0.16_3d0h"
    """The VMAF model of every score."""
    presets: dict[str, str] = {}
    """Codec → encoder preset."""
    cpu_s: StageCpu
    wall_s: float
    first_playable: FirstPlayable | None = None
    """Time to the first playable segment; ``None`` in results of older versions."""
    tools: dict[str, str]
    """Program → version."""


class TitlePicture(Value):
    """What the report draws beside the result: measured points and hulls; a document in the store."""

    codec: Codec
    tone_mapped: bool = Field(default=False, exclude_if=lambda is_so: not is_so)
    """It belongs to the SDR ladder of an HDR title."""
    title_hulls: dict[str, tuple[tuple[float, float], ...]]
    """Resolution → (bitrate_bps, vmaf) of the whole title at equal slope, as predicted from the trial encodes."""
    shot_points: tuple[tuple["PicturePoint", ...], ...]
    """For each shot, every trial encode."""

    @property
    def name(self) -> str:
        """The ladder that it belongs to (``ResultLadder.name``)."""
        return ladder_name(self.codec, tone_mapped=self.tone_mapped)


class PicturePoint(Value):
    """One trial encode as a dot."""

    height_px: int
    crf: float
    bitrate_bps: float
    vmaf: float
    on_hull: bool


class PictureSet(Value):
    """What the report draws, codec by codec: a document in the store."""

    pictures: tuple[TitlePicture, ...]
