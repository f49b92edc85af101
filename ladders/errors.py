"""What can go wrong in the maths.

LadderError
├── TooFewPoints          LAD-001  a curve, a score or a resolution lacks measured points
├── NoQualityOverlap      LAD-002  two curves share no quality range
├── PolicyUnsatisfiable   LAD-003  no rung fits the ladder policy
├── OutsideMeasuredRange  LAD-004  a curve was asked beyond its measured points
├── UnknownFixedLadder    LAD-005  no fixed ladder has this name
├── MismatchedShots       LAD-006  delivered shots are not the shots of the rung
└── UnplaceableRung       LAD-007  a fixed rung of the policy cannot stand in the ladder
"""

from domain.errors import PertitleError


class LadderError(PertitleError):
    """The root of the maths' errors. None gets better by trying again."""

    code = "LAD-000"


class TooFewPoints(LadderError):
    """A curve, a pooled score or a resolution lacks measured points."""

    code = "LAD-001"


class NoQualityOverlap(LadderError):
    """Two rate–quality curves share no quality range, so no rate can be compared at equal quality."""

    code = "LAD-002"


class PolicyUnsatisfiable(LadderError):
    """No rung fits the ladder policy."""

    code = "LAD-003"


class OutsideMeasuredRange(LadderError):
    """A curve was asked beyond its measured points; it never extrapolates."""

    code = "LAD-004"


class UnknownFixedLadder(LadderError):
    """No fixed ladder has this name."""

    code = "LAD-005"


class MismatchedShots(LadderError):
    """The delivered shots are not the shots of the rung."""

    code = "LAD-006"


class UnplaceableRung(LadderError):
    """A fixed rung of the ladder policy cannot stand in the ladder."""

    code = "LAD-007"
