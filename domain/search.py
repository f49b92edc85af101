"""The search for a shot's hull: what is asked, what was seen, and how it ended."""

from enum import StrEnum

from pydantic import Field

from domain.cpu import CpuSplit
from domain.search_recipe import Patience
from domain.values import Sha256, Value
from domain.video import Codec, Resolution

CRF_STEP = {Codec.H264: 0.5, Codec.HEVC: 0.5, Codec.AV1: 0.25}
"""Step of the CRFs of trials and of planned rungs (x264 and x265 take any CRF, SVT-AV1 quarters)."""
FINEST_CRF_STEP = {Codec.H264: 0.125, Codec.HEVC: 0.125, Codec.AV1: 0.25}
"""For corrections of a shot that is a large part of its title (decision 0047)."""
LOWEST_CRF = {Codec.H264: 16.0, Codec.HEVC: 16.0, Codec.AV1: 20.0}
"""The search never asks for better: VMAF saturates, rate does not."""
HIGHEST_CRF = {Codec.H264: 50.0, Codec.HEVC: 50.0, Codec.AV1: 63.0}
"""The search never asks for worse: one below the encoder's own end for h264 and hevc."""
LOWEST_FLOOR_VMAF = 30.0
"""The search looks down to this quality at least, whatever the policy's floor: a ladder's low end moves with it."""
TOP_MARGIN_VMAF = 1.5
"""The search looks this far above the policy's top quality: where a title stands at its top, its easy shots stand above
it (decision 0043)."""


class TrialAsk(Value):
    """One trial encode that the search asks for."""

    resolution: Resolution
    crf: float


class CeilingsFound(Value):
    """What each size of a shot can reach without encoding anything: a result document of the store."""

    vmafs: tuple[float, ...]
    """In the order of the sizes, largest first."""
    cpu_s: float = 0.0


class SeenTrial(Value):
    """One trial encode as it was measured."""

    resolution: Resolution
    crf: float
    bitrate_bps: float = Field(gt=0)
    vmaf: float = Field(ge=0, le=110)
    """Mean over the shot, estimated from the scored frames (``ladders.pooling.estimate_mean``)."""
    cpu_s: float = Field(default=0.0, ge=0)
    """Its own encoding and its share of the process that made it."""


class SearchTask(Value):
    """One shot, one codec: where to search, and when it is enough."""

    codec: Codec
    sizes: tuple[Resolution, ...] = Field(min_length=1)
    """Candidate sizes, largest first."""
    ceilings: tuple[float, ...]
    """The best VMAF that each size can have, in the order of the sizes."""
    lowest_crf: float
    highest_crf: float
    crf_step: float
    """Step of the trials' CRFs."""
    floor_vmaf: float
    """Below this quality nobody looks: the window's lower end."""
    top_vmaf: float
    """The window's upper end."""
    max_trials: int = Field(ge=3)
    patience: tuple[Patience, ...] = ()
    """When the search has gone on for long enough, in rising numbers of trials and of expected loss."""
    more_if_dense: int = Field(default=0, ge=0, exclude_if=lambda more: more == 0)
    """So many more, of all these numbers, for a shot that breaks the model and is searched by the dense design."""
    stop_regret: float = Field(gt=0)
    """Expected loss in rate over the window below which the search ends: 0.004 is 0.4 %."""
    cpu_budget_s: float | None = None
    """CPU seconds of this shot's trial encodes after which no further round begins: the first round is always made, and
    the last one may go beyond."""
    min_saved_bits_per_cpu_s: float = 0.0
    """A further trial must promise to save as many delivered bits for each CPU second; 0 asks for nothing."""
    delivered_s: float = 0.0
    """Expected views times the length of the shot: the seconds over which saved bits count."""
    difficulty: float = 0.0
    """Natural logarithm of the lossless bits a pixel: how alike two shots are is told by it."""
    is_alone: bool = False
    """The title has three shots or fewer: none learns from another."""


class PriorShot(Value):
    """A finished shot of the same title, size list and codec: what a new shot may expect."""

    difficulty: float
    ceilings: tuple[float, ...]
    seen: tuple[SeenTrial, ...]


class PriorSet(Value):
    """The finished shots of all waves before one, in the order of their index: a document in the store."""

    shots: tuple[PriorShot, ...]


class TitlePrior(Value):
    """What the finished shots of a title tell the next ones."""

    shots: tuple[PriorShot, ...] = ()


class StopReason(StrEnum):
    """Why a search ended."""

    REGRET = "regret"
    """The expected loss is below the limit, and every crossover is certified."""
    PATIENCE = "patience"
    """So many trials were made that the expected loss is small enough (:class:`~domain.search_recipe.Patience`)."""
    MAX_TRIALS = "max-trials"
    """All trials that it may have were made, and more than patience accepts is still expected to be lost."""
    BUDGET = "budget"
    """The CPU seconds are spent."""
    NOT_WORTH = "not-worth"
    """Another trial would cost more than it is expected to save."""
    EXHAUSTED = "exhausted"
    """Nothing useful is left to be tried."""


class Crossover(Value):
    """Where one size hands over to the next larger one."""

    smaller: Resolution
    larger: Resolution
    vmaf: float
    certified: bool
    """Both sizes were measured near it."""


class SearchStep(Value):
    """What to do next: trials to make together, or the end."""

    trials: tuple[TrialAsk, ...] = ()
    stop: StopReason | None = None
    """Set when there is nothing more to make."""
    regret: float = 0.0
    """Expected loss in rate over the window, if it ended here (0.01 = 1 %)."""
    dense: bool = False
    """The shot breaks the model: it gets the dense design."""
    why: str = ""
    """For people."""


class ShotSearch(Value):
    """A finished search: a result document of the store. The decisions are history; better maths never changes them."""

    key: Sha256
    task: SearchTask
    seen: tuple[SeenTrial, ...]
    """In the order in which they were asked for."""
    rounds: int
    stop: StopReason
    regret: float
    dense: bool
    crossovers: tuple[Crossover, ...] = ()
    cpu: CpuSplit = CpuSplit()
    """All trials, and the codec's share of the ceilings."""
