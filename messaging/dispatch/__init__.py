"""The dispatcher: takes messages from the outbox, calls their senders, writes down what came of it."""

from messaging.dispatch.failpoints import dying_at
from messaging.dispatch.report import DispatchReport
from messaging.dispatch.rounds import Dispatching, dispatch_once, run_dispatcher

__all__ = ["DispatchReport", "Dispatching", "dispatch_once", "dying_at", "run_dispatcher"]
