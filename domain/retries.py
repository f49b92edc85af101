"""How often work is tried, and how long it may wait for room."""

from datetime import timedelta

TRIES = 10
"""Tries of one activity that may go wrong. A killed worker takes one with it; ten of them are no accident any more."""
MOST_ATTEMPTS = 100
"""Times that the server gives an activity out: its ten tries, and all the times that a worker had no room for it.
Workers count them apart; what goes wrong before they can (a step that no worker knows) ends here, within an hour."""
LONGEST_ROOM_WAIT_S = 4 * 3600.0
"""Seconds that one attempt may wait for room at most. Ninety of them are two weeks."""
REMINDERS: tuple[timedelta, ...] = (
    timedelta(hours=1),
    timedelta(hours=4),
    *(timedelta(days=days) for days in (1, 2, 3, 5, 7, 14, 21)),
)
"""Ages at which something that waits raises an alarm: within a shift, before it ends, then daily and weekly."""
