"""What the steps of a title hand to each other: references and counts, each well under 1 KB."""

from fractions import Fraction

from pydantic import Field

from domain.files import StoredFile
from domain.findings import Level, Override
from domain.inspection_policy import InspectionPolicy
from domain.ladder import Ladder
from domain.release import ReleaseReference, TitleReceipt
from domain.result import ResultTrials, StageCpu
from domain.tracks import EncodedAudio, TextTrack
from domain.values import Sha256, Value
from domain.video import Codec, Resolution, SourceDescription
from domain.work import WorkList


class SourceInspection(Value):
    """What inspection found: a document in the store."""

    description: SourceDescription
    frame_hashes: tuple[str, ...]
    """A hash of each decoded picture, in the pixel format of the mezzanine."""
    start_s: Fraction = Fraction(0)
    """Time of the first picture from the container's start."""


class AudioTracks(Value):
    """The encoded audio of a title: a document in the store."""

    tracks: tuple[EncodedAudio, ...]


class TextTracks(Value):
    """The subtitles of a title: a document in the store."""

    tracks: tuple[TextTrack, ...]
    notes: tuple[str, ...] = ()
    """What a person should know: tracks left out, cues cut."""


class LadderTask(Value):
    """Something to be done for all ladders of a mezzanine."""

    mezzanine: StoredFile
    ladders: StoredFile


class LadderSet(Value):
    """The ladders of a title: a document in the store; corrected once at most."""

    ladders: tuple[Ladder, ...]
    pictures: StoredFile
    """A ``PictureSet``: the measured points the ladders were chosen from, for the report."""
    is_measured: bool = True
    """Whether its encodes are measured; those of a provisional release are not."""
    sdr: LadderTask | None = Field(default=None, exclude_if=lambda task: task is None)
    """The SDR ladders beside those of an HDR title, and the tone-mapped mezzanine that they are made of."""


class BaselineEncode(Value):
    """One fixed rung, encoded and scored on every frame: a result document of the store."""

    codec: Codec
    resolution: Resolution
    target_bitrate_bps: int
    bitrate_bps: float
    frame_scores: tuple[float, ...]


class OpenedTitle(Value):
    """The source is there, and perhaps the work is done already."""

    source: StoredFile
    recipe: StoredFile
    title_key: Sha256
    """Digest of title id, source, recipe and tools."""
    finished: TitleReceipt | None = None
    is_settled: bool = Field(default=True, exclude_if=lambda is_so: is_so)
    """The finished title was inspected by the policy of this request; if not, only that is still to be done."""
    order: StoredFile | None = Field(default=None, exclude_if=lambda order: order is None)
    """An ``InspectionOrder`` that is too large for a payload."""
    heartbeat_timeout_s: float = Field(default=60.0, gt=0)
    """Silence after which a step counts as lost: of the worker that opened the title, kept for all of it."""


class InspectionOrder(Value):
    """What a request expects of its source."""

    policy: InspectionPolicy = InspectionPolicy()
    overrides: tuple[Override, ...] = ()
    document: StoredFile | None = Field(default=None, exclude_if=lambda document: document is None)
    """Where the order itself lies, if it is too large for a payload; nothing else counts then."""


class StoppingFinding(Value):
    """A code of inspection that stops the title: its worst place, and how many there are."""

    code: str
    level: Level
    message: str = Field(max_length=300)
    places: int = 1


class InspectedSource(Value):
    """A source that we can encode right."""

    inspection: StoredFile
    frames: int
    cpu_s: float
    report: StoredFile | None = None
    """An ``InspectionReport``."""
    stops: tuple[StoppingFinding, ...] = ()
    """What a person must decide about, or what ends the title."""


class SettledInspection(Value):
    """What inspection found, and what was waved through since; a payload beside the one of ``write_result``."""

    report: StoredFile | None = None
    """An ``InspectionReport``."""
    overrides: tuple[Override, ...] = Field(default=(), max_length=20)
    """By the people who decided while the title waited."""
    key: Sha256 | None = Field(default=None, exclude_if=lambda key: key is None)
    """Content key of the title and the policy by which it was inspected."""


class ShotTask(Value):
    """Find the shots of an inspected source."""

    inspection: StoredFile
    recipe: StoredFile


class DetectedShotList(Value):
    """The shots as found."""

    shots: StoredFile
    count: int
    cpu_s: float


class SplitTask(Value):
    """Cut a source into mezzanine pieces."""

    inspection: StoredFile
    shots: StoredFile
    recipe: StoredFile


class MezzanineReference(Value):
    """The mezzanine document and what people want to know of it."""

    mezzanine: StoredFile
    shots: int
    frames: int
    duration_s: float
    cpu_s: float
    left_out: tuple[Codec, ...] = Field(default=(), exclude_if=lambda codecs: not codecs)
    """Codecs of the request that cannot carry the title (H.264 for HDR)."""


class CheckedPairing(Value):
    """What the pairing self-test saw (see ``media.measuring``)."""

    shot: int | None = None
    aligned_vmaf: float | None = None
    shifted_vmaf: float | None = None
    note: str = ""
    cpu_s: float = 0.0


class TextTask(Value):
    """Make the subtitles of a title."""

    mezzanine: StoredFile
    title_key: Sha256
    """The files that the request names are found under it."""


class EncodedTracks(Value):
    """Tracks of a title are in the store, under their content key."""

    count: int
    cpu_s: float


class SearchWave(Value):
    """One wave of searches to be planned: the shots of one codec that may learn from all waves before."""

    mezzanine: StoredFile
    codec: Codec
    wave: int = Field(ge=0)


class PlannedSearches(Value):
    """The searches of one wave, and how many waves there are."""

    work: WorkList
    waves: int = Field(ge=1)
    cpu_s: float = 0.0


class PlannedLadders(Value):
    """The ladders, and the production encodes they need."""

    ladders: StoredFile
    encodes: WorkList
    rungs: int
    cpu_s: float
    summary: str = Field(default="", max_length=600)
    """The ladders in a few words, for the Temporal UI."""


class ProvisionalTask(Value):
    """Plan the provisional release of a title."""

    title_id: str
    mezzanine: StoredFile
    first_s: float = Field(gt=0)


class PlannedProvisional(Value):
    """A provisional release: the first shots of the title as a title of its own."""

    mezzanine: StoredFile
    """The mezzanine document, cut behind its last shot."""
    ladders: StoredFile
    encodes: WorkList
    rungs: int
    duration_s: float


class TrimmedLadders(Value):
    """The ladders without the rungs that a person decided to skip."""

    ladders: StoredFile
    rungs: int
    """Rungs that are left."""
    dropped: int


class JudgedLadders(Value):
    """The ladders after the one correction, and the encodes that it needs (none, if every promise was kept)."""

    ladders: StoredFile
    encodes: WorkList
    corrected_rungs: int
    cpu_s: float


class CorrectedTask(Value):
    """Choose among the encodes of corrected rungs, when all are measured."""

    mezzanine: StoredFile
    planned: StoredFile
    """The ladders before the correction."""
    corrected: StoredFile


class SettledLadders(Value):
    """The ladders as they are delivered."""

    ladders: StoredFile
    mixed_rungs: int
    """Rungs whose correction overshot: some of their shots are as they were planned."""
    cpu_s: float


class PackageTask(Value):
    """Package all tracks."""

    mezzanine: StoredFile
    ladders: StoredFile
    title_key: Sha256
    """Subtitle files are found under it."""
    key_set: Sha256


class PackagedTitle(Value):
    """A presentation that passed its checks."""

    presentation: StoredFile
    files: int
    cpu_s: float


class PublishTask(Value):
    """Publish a presentation as a release."""

    title_id: str
    presentation: StoredFile
    source_sha256: Sha256
    recipe_sha256: Sha256
    provisional: bool = Field(default=False, exclude_if=lambda is_so: not is_so)


class PublishedTitle(Value):
    """A sealed release."""

    release: ReleaseReference
    cpu_s: float


class ResultTask(Value):
    """Write ``result.json`` and the report. What else they need is found by its content key."""

    title_key: Sha256
    title_id: str
    release_id: str
    mezzanine: StoredFile
    ladders: StoredFile
    trials: ResultTrials
    cpu_s: StageCpu
    wall_s: float


class FinishedTitle(Value):
    """The end of a title."""

    receipt: TitleReceipt
    report_url: str = ""
