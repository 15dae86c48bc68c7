"""What is wrong and who is told: one room that tells people, so that no other has to."""

from messaging.notifications.deciding import Notice
from messaging.notifications.events import EVENTS
from messaging.notifications.owners import Rules, read_rules
from messaging.notifications.record import Snooze, looked_at, newest_notices, open_notices, snooze, snoozes
from messaging.notifications.watching import Looked, Watch, leave, look_once, run_watch

__all__ = [
    "EVENTS",
    "Looked",
    "Notice",
    "Rules",
    "Snooze",
    "Watch",
    "leave",
    "look_once",
    "looked_at",
    "newest_notices",
    "open_notices",
    "read_rules",
    "run_watch",
    "snooze",
    "snoozes",
]
