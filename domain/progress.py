"""How far a title is: what queries answer and people watch."""

from pydantic import Field

from domain.release import FirstPlayable
from domain.values import Value
from domain.work import UnitKind

STAGE_SHARES: dict[str, float] = {
    "inspect": 3.0,
    "shots": 5.0,
    "trials": 52.0,
    "plan": 1.0,
    "encode": 14.0,
    "measure": 17.0,
    "package": 6.0,
    "publish": 2.0,
}
"""The stages of a title as people see them, in order, each with its rough share of the work in percent (measured on
the demo title; it need not be exact, only rise)."""
STAGES: tuple[str, ...] = tuple(STAGE_SHARES)


class BatchProgress(Value):
    """How far one ``ShotBatch`` is: the answer to its query ``batch_progress``."""

    kind: UnitKind
    done_units: int = Field(default=0, ge=0)
    """Units that have ended, well or not."""
    units: int = Field(default=0, ge=0)
    """Units of the batch."""
    made: int = Field(default=0, ge=0)
    """Encodes (or measurements, renditions) made by the units that have ended."""
    reused: int = Field(default=0, ge=0)
    """Those found in the store."""
    failed: int = Field(default=0, ge=0)
    trials: int = Field(default=0, ge=0)
    """Trial encodes of the searches that have ended."""


class TitleProgress(Value):
    """How far a title is: the answer to the query ``progress`` of ``EncodeTitle``.

    Counts cover batches that have closed; open ones answer for themselves (``open_children``).
    """

    title_id: str
    stage: str = ""
    """The stage that runs now; the furthest one if several run."""
    stages_done: tuple[str, ...] = ()
    percent: float = Field(default=0.0, ge=0, le=100)
    """Estimate of the whole, from the counts below and weights of the stages."""
    trials_done: int = Field(default=0, ge=0)
    trials_total: int = Field(default=0, ge=0)
    """0 where shots are searched: how many trials a search needs is known when it has ended."""
    searches_done: int = Field(default=0, ge=0)
    """Shots searched, in each codec."""
    searches_total: int = Field(default=0, ge=0)
    encodes_done: int = Field(default=0, ge=0)
    """Production and baseline encodes of shots."""
    encodes_total: int = Field(default=0, ge=0)
    rungs_done: int = Field(default=0, ge=0)
    """Renditions assembled and checked."""
    rungs_total: int = Field(default=0, ge=0)
    made: int = Field(default=0, ge=0)
    """Encodes, measurements and renditions made by this run."""
    reused: int = Field(default=0, ge=0)
    """Those found in the store."""
    failed: int = Field(default=0, ge=0)
    open_children: tuple[str, ...] = ()
    """Workflow ids of the batches that run now; at most 16, with SDR ladders 32."""
    waiting: int = Field(default=0, ge=0)
    """Items that wait for a person's decision."""
    first_playable: FirstPlayable | None = None
    """Set as soon as something of the title can be played."""
    message: str = ""
    """One sentence for people."""
