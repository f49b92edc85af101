"""What the benchmark writes down of every shot, and of every setting."""

from benchmarks.search.hull_loss import HullLoss
from benchmarks.search.rungs import KeptRungs
from benchmarks.search.title_rates import TitleRates
from domain.cpu import CpuSplit
from domain.values import Value
from domain.video import Resolution


class ChosenPoint(Value):
    """One operating point that the search claims, as it was measured on every frame."""

    target_vmaf: float
    resolution: Resolution
    crf: float
    is_reached: bool
    bitrate_bps: float
    vmaf: float


class SearchRecord(Value):
    """The search of one shot, judged."""

    shot: str
    is_warm: bool
    """It was searched as part of its title, behind the shots of earlier waves; otherwise without knowledge of any."""
    priors: int
    """Finished shots that it heard of."""
    subsample: int
    trials: int
    rounds: int
    stop: str
    regret: float
    dense: bool
    loss: HullLoss
    loss_looked_up: float
    """Mean loss of the same decisions, looked up on the exhaustive curves as peers' are: without what the encoder
    happens to give between two CRFs of the grid."""
    cpu: CpuSplit
    """Of its trials."""
    encode_s_in_grid: float
    """What the grid's own encodes at the trials' sizes and CRFs took, between two of them in proportion. Encodes are
    the same work: where this is less than ``cpu.encode_s``, the machine was slower when the search ran."""
    deciding_cpu_s: float
    """Of choosing its trials."""
    ceilings_cpu_s: float
    detection_cpu_s: float
    chosen: tuple[ChosenPoint, ...]

    @property
    def cpu_s(self) -> float:
        """Everything that the search cost."""
        return self.cpu.total_s + self.deciding_cpu_s + self.ceilings_cpu_s + self.detection_cpu_s


class RuleRecord(Value):
    """A peer's rule on one shot."""

    rule: str
    loss: float
    refined_loss: float
    """Against the finer hull that the searches' ``refined_loss`` is against."""
    cpu_s: float


class ShotRecord(Value):
    """One shot at one setting."""

    shot: str
    clip: str
    grid_trials: int
    grid_cpu: CpuSplit
    noise_floor: float
    """Loss of exhaustive decisions that were made from scores subsampled as the search's are, without its anchor."""
    encoding_floor: float
    """Loss of the exhaustive hull's own decisions, re-encoded in its steps: what no search can get below for sure. It
    comes of the grid's step: between two of its CRFs the hull is interpolated, and an encoder is not smooth."""
    warm: SearchRecord
    cold: SearchRecord
    metric_ratio: float
    """CPU of metric and scaling per trial: live search over oracle."""
    refined_loss: float
    """Loss of the warm search against a finer hull: the grid's points and those encoded to judge the searches,
    each on the curve of its size. What an encoder's roughness between two CRFs of the grid adds to the loss, or takes
    from it, is gone here; a wrong size still costs what it costs."""
    refined_loss_cold: float
    rules: tuple[RuleRecord, ...]
    hull: tuple[tuple[float, float], ...]
    """The exhaustive envelope as (bits per second, VMAF), rising: for the pictures."""


class SettingRecord(Value):
    """Everything of one codec and preset."""

    setting: str
    shots: tuple[ShotRecord, ...]
    titles: tuple[TitleRates, ...]
    rungs: tuple[KeptRungs, ...]
