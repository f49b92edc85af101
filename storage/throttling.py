"""How many requests go to the store at once: fewer as soon as it says "slow down", more again as it answers.

Additive increase, multiplicative decrease, as TCP does it (Chiu and Jain 1989, "Analysis of the Increase and Decrease
Algorithms for Congestion Avoidance"): every worker and cluster that shares a bucket comes to a fair part of what it
bears, without knowing of the others. The client's own tries with growing, random pauses, and their budget, stay as they
are (botocore's ``standard`` mode); this decides how many tries are under way at once.
"""

import logging
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger("pertitle.store")
LONGEST_WAIT_S = 60.0
"""A request that has waited so long goes anyway: the limit is there to slow down, never to stop."""
# "Slow down" by number (RFC 9110, 15.6.4; RFC 6585, 4) and by word (S3 API reference, "Error responses").
_STATUSES = {429, 503}
_CODES = {"SlowDown", "TooManyRequests", "Throttling", "ThrottlingException", "RequestLimitExceeded"}


class AdaptiveLimit:
    """A number of permits that falls by half when the store throttles and rises by one a round when it answers.

    One for each client; used from many threads at once. A permit is held for one try: until the answer begins, so an
    upload's bytes count and a download's do not (stores throttle requests).

    Attributes:
        most: Permits at best.
        cuts: How often the number was halved.
    """

    def __init__(self, most: int) -> None:
        """Begins with all permits."""
        self.most = most
        self.cuts = 0
        self._limit = float(most)
        self._taken = 0
        self._changed = threading.Condition()
        self._mine = threading.local()

    @property
    def now(self) -> int:
        """Tries that may be under way now, in [1, most]."""
        return int(self._limit)

    def take(self) -> None:
        """Waits for a permit; a thread that has one keeps it."""
        with self._changed:
            if self._held_since() is not None:
                return
            self._changed.wait_for(lambda: self._taken < self.now, LONGEST_WAIT_S)
            self._taken += 1
            self._mine.cuts = self.cuts

    def give_back(self, *, throttled: bool) -> None:
        """Returns the thread's permit and learns from the answer; without a permit nothing happens."""
        with self._changed:
            cuts_before = self._held_since()
            if cuts_before is None:
                return
            self._mine.cuts = None
            self._taken -= 1
            # Sixteen refusals of one moment are one piece of news: those that began before the cut do not cut again.
            if throttled and cuts_before == self.cuts:
                self._limit = max(1.0, self._limit / 2)
                self.cuts += 1
                logger.warning("the store asks to slow down: %d requests at once from now on", self.now)
            elif not throttled:
                self._limit = min(float(self.most), self._limit + 1 / self._limit)
            self._changed.notify_all()

    def _held_since(self) -> int | None:
        """Returns how many cuts there had been when this thread took its permit, ``None`` if it has none."""
        return getattr(self._mine, "cuts", None)


def limit_requests(client: "S3Client", limit: AdaptiveLimit) -> None:
    """Makes every try of every request of a client take a permit."""

    def before_try(**_facts: Any) -> None:
        limit.take()

    def after_try(parsed_response: Any = None, **_facts: Any) -> None:
        limit.give_back(throttled=_asks_to_slow_down(parsed_response))

    client.meta.events.register_first("before-send.s3", before_try)
    client.meta.events.register_last("response-received.s3", after_try)


def _asks_to_slow_down(parsed: Any) -> bool:
    if not isinstance(parsed, dict):
        return False
    status = parsed.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status in _STATUSES or parsed.get("Error", {}).get("Code") in _CODES
