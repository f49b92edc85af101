"""Units of work: what one activity does, planned as a document so that payloads stay small."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from domain.encodes import EncodeRecipe
from domain.files import StoredFile
from domain.ladder import FixedRung
from domain.values import Sha256, Value
from domain.video import Codec, Resolution


class UnitKind(StrEnum):
    """The kinds of units, each with a task queue of its own."""

    TONE_MAP = "tone-map"
    TRIAL = "trial"
    SEARCH = "search"
    ENCODE = "encode"
    BASELINE = "baseline"
    MEASURE = "measure"
    ASSEMBLE = "assemble"


class ToneMapUnit(Value):
    """SDR pictures of one HDR shot: a piece of the second mezzanine."""

    kind: Literal["tone-map"] = "tone-map"
    shot: int


class TrialUnit(Value):
    """All trial CRFs of one or several short shots at one resolution: one decode per shot."""

    kind: Literal["trial"] = "trial"
    codec: Codec
    resolution: Resolution
    shots: tuple[int, ...]
    crfs: tuple[float, ...]


class SearchUnit(Value):
    """The search of one or several shots in one codec: all rounds of trial encodes, one shot after the other."""

    kind: Literal["search"] = "search"
    codec: Codec
    shots: tuple[int, ...]
    wave: int = Field(ge=0)
    """What these shots may know of others: the finished shots of all waves before."""


class EncodeUnit(Value):
    """Production encodes of one shot in one codec: all its rungs from one decode."""

    kind: Literal["encode"] = "encode"
    shot: int
    recipes: tuple[EncodeRecipe, ...]


class BaselineUnit(Value):
    """One fixed rung, encoded over the whole title as a fixed ladder would be."""

    kind: Literal["baseline"] = "baseline"
    codec: Codec
    preset: str
    rung: FixedRung


class MeasureUnit(Value):
    """Full-rate scores of several encodes of one shot against one decode of the reference."""

    kind: Literal["measure"] = "measure"
    shot: int
    encode_keys: tuple[Sha256, ...]


class AssembleUnit(Value):
    """One rendition: its shot encodes joined without re-encoding, then checked."""

    kind: Literal["assemble"] = "assemble"
    name: str
    encode_keys: tuple[Sha256, ...]


Unit = Annotated[
    ToneMapUnit | TrialUnit | SearchUnit | EncodeUnit | BaselineUnit | MeasureUnit | AssembleUnit,
    Field(discriminator="kind"),
]


class WorkPlan(Value):
    """A list of units over one mezzanine: a document in the store."""

    mezzanine: StoredFile
    units: tuple[Unit, ...]
    prior: StoredFile | None = None
    """For searches: a ``PriorSet``, the finished shots of the waves before."""


class WorkList(Value):
    """A reference to a work plan, small enough for a payload."""

    kind: UnitKind
    plan: StoredFile
    count: int = Field(ge=0)
    encodes: int = Field(default=0, ge=0)
    """How many encodes (or renditions, or searches of a shot) all units together make."""
    longest_unit_s: float = Field(default=60.0, gt=0)
    """Estimate of the longest unit's wall time, for time-outs."""


class UnitReference(Value):
    """One unit of a plan: the payload of a unit activity."""

    plan: StoredFile
    index: int = Field(ge=0)


class UnitOutcome(Value):
    """What a unit activity says when it has ended; its results lie in the store under their content keys."""

    made: int = Field(default=0, ge=0)
    """Encodes (or measurements, renditions, searches of a shot) made now."""
    reused: int = Field(default=0, ge=0)
    """Those found in the store."""
    failed: int = Field(default=0, ge=0)
    trials: int = Field(default=0, ge=0)
    """Trial encodes that searches rest on."""
    trials_reused: int = Field(default=0, ge=0)
    """Those of ``trials`` that were found in the store."""
    cpu_s: float = Field(default=0.0, ge=0)
    """User and system seconds of all processes, and of our own thread."""
    tool_s: float = Field(default=0.0, ge=0)
    """Wall seconds in which programs encoded or measured; the rest of the activity's time kept its slot idle."""


class UnitFailure(Value):
    """Why a unit failed after all tries: code, message, and where, found, expected and fix."""

    code: str
    message: str
    record: dict[str, str] = {}


MOST_LISTED = 40
"""Failed units listed by number: a payload stays small also when all of a batch fail."""


class BatchOutcome(Value):
    """The sum of the units of a batch."""

    units: int = 0
    made: int = 0
    reused: int = 0
    failed: int = 0
    trials: int = 0
    trials_reused: int = 0
    cpu_s: float = 0.0
    first_failure: UnitFailure | None = None
    failed_units: tuple[int, ...] = ()
    """Numbers of failed units in their work list, at most ``MOST_LISTED``; ``failed`` counts all."""

    def plus(self, other: "BatchOutcome") -> "BatchOutcome":
        """Returns the sum of two batches."""
        return BatchOutcome(
            units=self.units + other.units,
            made=self.made + other.made,
            reused=self.reused + other.reused,
            failed=self.failed + other.failed,
            trials=self.trials + other.trials,
            trials_reused=self.trials_reused + other.trials_reused,
            cpu_s=self.cpu_s + other.cpu_s,
            first_failure=self.first_failure or other.first_failure,
            failed_units=(self.failed_units + other.failed_units)[:MOST_LISTED],
        )


class BatchTask(Value):
    """A slice of a work list, the units ``[first, first + count)``: the input of one ``ShotBatch``."""

    title_id: str
    work: WorkList
    first: int = Field(ge=0)
    count: int = Field(ge=1)
    units: tuple[int, ...] = ()
    """The units to run, ``count`` of them, where they are no range: failed ones that are tried again."""
    priority_key: int = Field(default=3, ge=1, le=5)
    fairness_key: str = ""
    """Who shares the workers in turns; empty (as in tasks of older titles): the title."""
    shortest_silence_s: float = Field(default=20.0, gt=0)
    """Seconds without heartbeat after which the shortest unit counts as lost."""

    @property
    def indices(self) -> tuple[int, ...]:
        """Numbers of the units to run."""
        return self.units or tuple(range(self.first, self.first + self.count))

    @property
    def words(self) -> str:
        """The units as people count them: ``1 to 200``, or ``17, 23`` where single ones are tried again."""
        if self.units:
            return ", ".join(str(index + 1) for index in self.units)
        return f"{self.first + 1} to {self.first + self.count}"
