"""How trial encodes are chosen: what a request may say about the search."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from domain.values import StrictValue

BITS_PER_GIGABYTE = 8e9
SECONDS_PER_HOUR = 3600.0
_FEW_SIZES = 6


class SearchStart(StrEnum):
    """What a shot's search has to go by."""

    ALONE = "alone"
    """No other shot, before or after it."""
    FIRST = "first"
    """No other shot yet; the title's others will learn from it."""
    WARM = "warm"
    """Finished shots of the same title."""


_TRIALS = {SearchStart.ALONE: (22, 2), SearchStart.FIRST: (12, 2), SearchStart.WARM: (10, 1)}
"""Most trials of a shot, and how many more for each candidate size above six: decisions 0041, 0043 and 0045."""


class SearchRecipe(StrictValue):
    """How the trial encodes of a title are chosen, and when they are enough."""

    method: Literal["adaptive", "grid"] = "adaptive"
    """``adaptive``: each shot's next trials follow from those before. ``grid``: every size at the codec's
    ``trial_crfs``, which only this method looks at."""
    stop_regret: float = Field(default=0.005, gt=0.0, le=0.5)
    """A shot's search ends when the expected loss in rate is below this: 0.005 is 0.5 %."""
    max_trials: int | None = Field(default=None, ge=3, le=400)
    """Most trial encodes of a shot that can learn from no other. Default: 12 where others learn from it, 22 in a
    title of three shots or fewer, and 2 more for each candidate size above six."""
    max_trials_warm: int | None = Field(default=None, ge=3, le=400)
    """Most trial encodes of a shot that starts from finished shots of the same title. Default: 10,
    and 1 more for each candidate size above six."""
    cpu_budget_s: float | None = Field(default=None, gt=0.0)
    """CPU seconds for all trial encodes of the title, dealt out to codecs and shots by their expected cost. With a
    budget, measured seconds decide, so two runs need not give the same ladder."""
    expected_views: float = Field(default=0.0, ge=0.0)
    """How often the whole title will be watched. 0: unknown, so saved bits are not weighed against CPU."""
    min_saved_gb_per_cpu_hour: float = Field(default=4.0, gt=0.0)
    """With ``expected_views``: a further trial must promise to save as many gigabytes (10^9 bytes) of delivery for each
    CPU hour. Default: 0.04 $ for the hour and 0.01 $ for the gigabyte, an assumption."""

    def most_trials(self, sizes: int, start: SearchStart) -> int:
        """Returns how many trial encodes a shot may have: the more candidate sizes, the more there is to tell apart."""
        asked = self.max_trials_warm if start is SearchStart.WARM else self.max_trials
        usual, for_each_further = _TRIALS[start]
        return asked or usual + for_each_further * max(0, sizes - _FEW_SIZES)

    @property
    def uses_measured_cost(self) -> bool:
        """Measured CPU seconds decide about further trials."""
        return self.cpu_budget_s is not None or self.expected_views > 0

    @property
    def min_saved_bits_per_cpu_s(self) -> float:
        """The exchange rate in bits for each CPU second; 0 if views are unknown."""
        if not self.expected_views:
            return 0.0
        return self.min_saved_gb_per_cpu_hour * BITS_PER_GIGABYTE / SECONDS_PER_HOUR
