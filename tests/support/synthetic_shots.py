"""Shots that are formulas: an encoder whose rate and quality are known at every CRF.

The formulas are not those of the search's model: rate halves each six CRFs, and quality falls off exponentially from
the size's ceiling. What else encoders do to a search is a variation of that.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from domain.search import CRF_STEP, HIGHEST_CRF, LOWEST_CRF, SearchTask, SeenTrial, TrialAsk
from domain.video import Codec, Resolution

HEIGHTS_PX = (720, 540, 432, 360, 270)
SIZES = tuple(Resolution(width_px=2 * round(height * 8 / 9), height_px=height) for height in HEIGHTS_PX)
HALVINGS = 34 / 6
"""How often the rate halves over the CRF range."""

Bend = Callable[[float, float], float]
"""What a variation adds to a log rate, or to a VMAF, at (CRF as a part of the range, 0 to 1; octaves below the display
size)."""


def nothing(_part: float, _octaves: float) -> float:
    """Adds nothing."""
    return 0.0


@dataclass(frozen=True)
class SyntheticShot:
    """A shot of 24 fps that an encoder with known curves encodes."""

    name: str = "a shot"
    codec: Codec = Codec.H264
    complexity: float = 1.0
    """Rate at the display size and the lowest CRF, in units of 8 Mb/s."""
    softness: float = 0.5
    """How little quality is lost by a smaller size, 0 to 1."""
    fragility: float = 3.0
    """VMAF lost at the lowest CRF; everything else follows from it."""
    log_rate_bend: Bend = nothing
    vmaf_bend: Bend = nothing
    most_vmaf: float = 110.0
    """Where VMAF saturates."""
    noise: float = 0.0
    """Standard deviation of the measured log rate; the VMAF's, in VMAF, is twenty times that."""
    seed: int = 0
    sizes: tuple[Resolution, ...] = SIZES

    def __str__(self) -> str:
        return self.name

    @property
    def ceilings(self) -> tuple[float, ...]:
        """The best VMAF of each size."""
        return tuple(self._ceiling(size) for size in self.sizes)

    def truth(self, size: Resolution, crf: float) -> tuple[float, float]:
        """Returns (natural logarithm of bits per second, VMAF) without noise."""
        octaves = self.octaves(size)
        lowest, highest = LOWEST_CRF[self.codec], HIGHEST_CRF[self.codec]
        part = (crf - lowest) / (highest - lowest)
        log_rate = math.log(8e6 * self.complexity) - 1.5 * math.log(2) * octaves - HALVINGS * math.log(2) * part
        fall = self.fragility * (1 + 0.22 * octaves) * math.exp(3.05 * part)
        vmaf = self._ceiling(size) - fall + self.vmaf_bend(part, octaves)
        return log_rate + self.log_rate_bend(part, octaves), max(0.0, min(vmaf, self.most_vmaf))

    def trial(self, ask: TrialAsk) -> SeenTrial:
        """Returns what a trial would measure: always the same for the same ask."""
        log_rate, vmaf = self.truth(ask.resolution, ask.crf)
        chance = np.random.default_rng([self.seed, ask.resolution.height_px, round(100 * ask.crf)])
        log_rate += self.noise * chance.standard_normal()
        vmaf += 20 * self.noise * chance.standard_normal()
        return SeenTrial(
            resolution=ask.resolution,
            crf=ask.crf,
            bitrate_bps=math.exp(log_rate),
            vmaf=min(max(vmaf, 0.0), 100.0),
            cpu_s=0.5 + 2.0 * ask.resolution.pixels / self.sizes[0].pixels,
        )

    def task(self, **changes: object) -> SearchTask:
        """Returns a task with the pipeline's ranges and steps and a long search, but for ``changes``."""
        told: dict[str, object] = {
            "codec": self.codec,
            "sizes": self.sizes,
            "ceilings": self.ceilings,
            "lowest_crf": LOWEST_CRF[self.codec],
            "highest_crf": HIGHEST_CRF[self.codec],
            "crf_step": CRF_STEP[self.codec],
            "floor_vmaf": 30.0,
            "top_vmaf": 95.5,
            "max_trials": 26,
            "stop_regret": 0.004,
        }
        return SearchTask.model_validate({**told, **changes})

    def octaves(self, size: Resolution) -> float:
        """Returns how far a size lies below the display's, in halvings of its width."""
        return math.log2(self.sizes[0].width_px / size.width_px)

    def _ceiling(self, size: Resolution) -> float:
        return 99.5 - (12.0 - 9.0 * self.softness) * self.octaves(size)


def _step_down(height: float, place: float, width: float) -> Bend:
    """Returns a smooth step down at a part of the CRF range."""
    return lambda part, _octaves: -height / (1 + math.exp((place - part) / width))


def _hump(height: float, place: float, width: float) -> Bend:
    return lambda part, _octaves: height * math.exp(-(((part - place) / width) ** 2))


def _flat(part: float, _octaves: float) -> float:
    """Takes back what the CRF does to the log rate."""
    return HALVINGS * math.log(2) * part


SMOOTH = (
    SyntheticShot(name="smooth"),
    SyntheticShot(name="easy", complexity=0.2, softness=0.9, fragility=1.5),
    SyntheticShot(name="hard", complexity=4.0, softness=0.1, fragility=4.0),
    SyntheticShot(name="hevc", complexity=0.8, softness=0.3, fragility=2.5, codec=Codec.HEVC),
    SyntheticShot(name="av1", complexity=1.5, softness=0.7, fragility=2.0, codec=Codec.AV1),
)
NOISY = SyntheticShot(name="noisy", noise=0.03, seed=1)
GRAIN = SyntheticShot(name="grain", complexity=6.0, fragility=2.5, log_rate_bend=_step_down(2.2, 0.62, 0.03))
"""Between CRF 35 and 39 the encoder stops keeping the grain: nine tenths of the bits go, and hardly any VMAF."""
PLATEAU = SyntheticShot(name="plateau", complexity=0.3, fragility=0.8, most_vmaf=93.0)
"""Title cards: VMAF saturates at 93 while the rate rises on."""
BUMPY = SyntheticShot(name="bumpy", vmaf_bend=_hump(5.0, 0.6, 0.04))
"""Around CRF 36 quality rises with the CRF."""
BLACK = SyntheticShot(name="black", complexity=0.001, fragility=0.0, softness=1.0, log_rate_bend=_flat)
"""Every CRF of a size gives the same bits and the same quality."""
CLIFF = SyntheticShot(name="cliff", codec=Codec.AV1, fragility=1.0, vmaf_bend=_step_down(25.0, 0.93, 0.02))
"""As SVT-AV1 does: quality stays up nearly to the end of the CRF range, and falls off there."""
