"""Plan, approve, launch and report campaigns: everybody decided about, each message rendered once."""

from messaging.planner.lifts import Lift, LiftReport, lift
from messaging.planner.looking import shown_messages, ugliest
from messaging.planner.outlooks import Outlook, outlook
from messaging.planner.reports import audience, list_runs, report
from messaging.planner.runs import Planner, build_planner
from messaging.planner.views import (
    AudienceRow,
    ReasonCount,
    Rehearsal,
    RunReport,
    RunSummary,
    ShownMessage,
    SumsDoNotCloseError,
)
from messaging.planner.whys import why_customer, why_message

__all__ = [
    "AudienceRow",
    "Lift",
    "LiftReport",
    "Outlook",
    "Planner",
    "ReasonCount",
    "Rehearsal",
    "RunReport",
    "RunSummary",
    "ShownMessage",
    "SumsDoNotCloseError",
    "audience",
    "build_planner",
    "lift",
    "list_runs",
    "outlook",
    "report",
    "shown_messages",
    "ugliest",
    "why_customer",
    "why_message",
]
