"""How trial encodes are chosen: what a request may say about the search."""

from enum import StrEnum
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from domain.values import StrictValue

BITS_PER_GIGABYTE = 8e9
SECONDS_PER_HOUR = 3600.0


class SearchStart(StrEnum):
    """What a shot's search has to go by."""

    ALONE = "alone"
    """No other shot, before or after it."""
    FIRST = "first"
    """No other shot yet; the title's others will learn from it."""
    WARM = "warm"
    """Finished shots of the same title."""


class Patience(NamedTuple):
    """When a search has gone on for long enough: from so many trials on such an expected loss is accepted."""

    trials: int
    regret: float
    """Expected loss in rate: 0.015 is 1.5 %."""


class _Trials(NamedTuple):
    """How many trials a shot usually has; the more candidate sizes, the more there is to tell apart."""

    few: tuple[int, int, int, int]
    """With one to four sizes."""
    usual: int
    """With five or six sizes."""
    for_each_more: int
    patience: tuple[Patience, ...]
    """Trials are counted from the usual number, expected losses are multiples of ``stop_regret``."""
    more: int
    """So many more, at most, has a shot whose expected loss stays above all of these."""


_TITLE = (Patience(-1, 3.5), Patience(0, 4.0))
_TRIALS = {
    SearchStart.ALONE: _Trials((4, 8, 12, 16), 21, 2, (Patience(0, 2.0),), 8),
    SearchStart.FIRST: _Trials((8, 9, 10, 11), 12, 2, _TITLE, 8),
    SearchStart.WARM: _Trials((6, 7, 8, 9), 10, 1, _TITLE, 8),
}
"""Decisions 0041, 0043, 0045, 0047, 0048, 0050 and 0053."""
_USUAL_SIZES = (5, 6)
_DENSE_TRIALS = 4
"""Trials of the dense design at each size, and of a round."""


STOP_REGRET = 0.005


class SearchRecipe(StrictValue):
    """How the trial encodes of a title are chosen, and when they are enough."""

    method: Literal["adaptive", "grid"] = "adaptive"
    """``adaptive``: each shot's next trials follow from those before. ``grid``: every size at the codec's
    ``trial_crfs``, which only this method looks at; it keeps no limits."""
    stop_regret: float = Field(default=STOP_REGRET, gt=0.0, le=0.5)
    """A shot's search ends when the expected loss in rate is below this: 0.005 is 0.5 %. After many trials more is
    accepted, in proportion; see ``max_trials``."""
    max_trials: int | None = Field(default=None, ge=3, le=400)
    """Most trial encodes of a shot that can learn from no other. Default, with five or six candidate sizes: 20 where
    others learn from it; its search ends after 12 if no more than 2 % are expected to be lost, after 11 if no more than
    1.75 % (with another ``stop_regret`` in proportion). In a title of three shots or fewer 29; its search ends after 21
    if no more than 1 % is expected to be lost. With fewer sizes fewer, and none ends early; with more sizes more; a
    shot with few sizes that breaks the model may have more, too."""
    max_trials_warm: int | None = Field(default=None, ge=3, le=400)
    """Most trial encodes of a shot that starts from finished shots of the same title. Default: 18, 10 and 9 in
    the same way. Each of the two numbers replaces its own default only."""
    cpu_budget_s: float | None = Field(default=None, gt=0.0)
    """CPU seconds for all trial encodes of the title, dealt out to codecs and shots by their expected cost. A shot that
    has spent its part gets no further round; the first round (two to ten trials with up to eight sizes) is always made.
    With SDR rungs of an HDR title each range has half of it. With a budget, measured seconds decide, so two runs need
    not give the same ladder."""
    expected_views: float = Field(default=0.0, ge=0.0)
    """How often the whole title will be watched with each of its codecs. 0: unknown, so saved bits are not weighed
    against CPU. What encloses a search's window or certifies it is made all the same."""
    min_saved_gb_per_cpu_hour: float = Field(default=4.0, gt=0.0)
    """With ``expected_views``: a further trial must promise to save as many gigabytes (10^9 bytes) of delivery for each
    CPU hour. Default: 0.04 $ for the hour and 0.01 $ for the gigabyte, an assumption."""

    @model_validator(mode="after")
    def _limits_are_kept(self) -> Self:
        limits = ("max_trials", "max_trials_warm", "cpu_budget_s", "expected_views")
        asked = [name for name in limits if getattr(self, name)]
        asked += ["stop_regret"] if self.stop_regret != STOP_REGRET else []
        if self.method == "grid" and asked:
            raise ValueError(f"method grid makes all its trials: it keeps no {', '.join(asked)} (leave them out)")
        return self

    def usual_trials(self, sizes: int, start: SearchStart) -> int:
        """Returns how many trial encodes a shot usually has: the more candidate sizes, the more to tell apart."""
        few, usual, for_each_more, _, _ = _TRIALS[start]
        by_sizes = few[sizes - 1] if sizes <= len(few) else usual + for_each_more * max(0, sizes - _USUAL_SIZES[1])
        return self._asked(start) or by_sizes

    def most_trials(self, sizes: int, start: SearchStart) -> int:
        """Returns how many trial encodes a shot may have, if it does not break the model."""
        return self.usual_trials(sizes, start) + (0 if self._asked(start) else _TRIALS[start].more)

    def patience(self, sizes: int, start: SearchStart) -> tuple[Patience, ...]:
        """Returns when a search has gone on for long enough, in rising numbers of trials.

        Empty if the request says how many trials there may be. With few sizes no search ends before the usual number.
        """
        if self._asked(start):
            return ()
        usual, is_few = self.usual_trials(sizes, start), sizes < _USUAL_SIZES[0]
        return tuple(
            Patience(usual + step.trials, step.regret * self.stop_regret)
            for step in _TRIALS[start].patience
            if step.trials >= 0 or not is_few
        )

    def more_if_dense(self, sizes: int, start: SearchStart) -> int:
        """Returns how many more a shot may have that breaks the model, where few sizes have taken trials from it.

        The usual number becomes the dense design and one round more, but no more than with five sizes.
        """
        if sizes >= _USUAL_SIZES[0] or self._asked(start):
            return 0
        return max(0, min(_TRIALS[start].usual, _DENSE_TRIALS * (sizes + 1)) - self.usual_trials(sizes, start))

    def _asked(self, start: SearchStart) -> int | None:
        return self.max_trials_warm if start is SearchStart.WARM else self.max_trials

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
