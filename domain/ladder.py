"""Rate–quality points, rungs and ladders."""

from pydantic import Field

from domain.encodes import RateCap
from domain.values import Value
from domain.video import Codec, Resolution


class RateQualityPoint(Value):
    """One measured point of one shot (or title) at one resolution."""

    resolution: Resolution
    crf: float
    bitrate_bps: float = Field(gt=0)
    vmaf: float = Field(ge=0, le=110)
    """Pooled VMAF (mean over the scored frames)."""


class ShotPoints(Value):
    """All measured points of one shot and codec."""

    shot_index: int
    duration_s: float = Field(gt=0)
    points: tuple[RateQualityPoint, ...]


class Promise(Value):
    """The rate and quality a ladder states for a rung before it is encoded."""

    bitrate_bps: float = Field(gt=0)
    vmaf: float


class PromiseError(Value):
    """How far a promise may be off (one standard deviation), as the curves of its shots say.

    Two views of the same deviation: of VMAF at the promised rate, or of the rate at the promised VMAF.
    """

    vmaf: float = Field(ge=0)
    bitrate: float = Field(ge=0)
    """Part of the rate: 0.01 is 1 %."""


class ShotChoice(Value):
    """What one shot gets in one rung."""

    shot_index: int
    crf: float
    predicted: Promise
    rate_cap: RateCap | None = None
    """Set only where the cap can bind, so that an uncapped trial encode can serve as it is."""


class Rung(Value):
    """One rung of a ladder: one resolution, one operating point, a CRF for each shot."""

    resolution: Resolution
    promised: Promise
    rate_cap: RateCap
    """What the stitched rendition must fit."""
    shots: tuple[ShotChoice, ...]
    reason: str = ""
    """A sentence for people: why this rung stands in the ladder."""
    promise_error: PromiseError | None = None
    """``None`` where the curves know no error: the dense design of the ``grid`` method."""
    corrected: bool = False
    """The rung missed its promise or cap, and its guilty shots were encoded again."""
    spares: tuple[ShotChoice, ...] = ()
    """Further encodes of its longest shots, made and measured beside a correction until that is settled (0047)."""

    def ways(self) -> tuple["Rung", ...]:
        """Returns the rung without its spares, then as many more as have in each shot's place one of its spares."""
        bare = self.model_copy(update={"spares": ()})
        by_shot: dict[int, list[ShotChoice]] = {}
        for spare in self.spares:
            by_shot.setdefault(spare.shot_index, []).append(spare)
        ways = [bare]
        for number in range(max(map(len, by_shot.values()), default=0)):
            other = {shot: spares[number] for shot, spares in by_shot.items() if number < len(spares)}
            shots = tuple(other.get(choice.shot_index, choice) for choice in self.shots)
            ways.append(bare.model_copy(update={"shots": shots}))
        return tuple(ways)


class Ladder(Value):
    """The rungs of one title and codec in rising rate."""

    codec: Codec
    rungs: tuple[Rung, ...] = Field(min_length=1)


class FixedRung(Value):
    """One rung of a fixed ladder: the same for every title."""

    resolution: Resolution
    bitrate_bps: int = Field(gt=0)
