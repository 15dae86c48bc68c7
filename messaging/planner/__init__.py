"""Plan, approve, launch and report campaigns: everybody decided about, each message rendered once."""

from messaging.planner.evidence import Asked, Why, evidence
from messaging.planner.lifts import Lift, LiftReport, lift
from messaging.planner.looking import shown_messages, ugliest
from messaging.planner.outlooks import Outlook, outlook
from messaging.planner.reports import audience, list_runs, report
from messaging.planner.runs import Planner, build_planner
from messaging.planner.shadows import ShadowDay, Shadows, shadow_days_of
from messaging.planner.views import (
    AudienceRow,
    ReasonCount,
    Rehearsal,
    RunReport,
    RunSummary,
    ShownMessage,
    SumsDoNotCloseError,
)
from messaging.planner.why_page import draw_why
from messaging.planner.whys import why_customer, why_message

__all__ = [
    "Asked",
    "AudienceRow",
    "Lift",
    "LiftReport",
    "Outlook",
    "Planner",
    "ReasonCount",
    "Rehearsal",
    "RunReport",
    "RunSummary",
    "ShadowDay",
    "Shadows",
    "ShownMessage",
    "SumsDoNotCloseError",
    "Why",
    "audience",
    "build_planner",
    "draw_why",
    "evidence",
    "lift",
    "list_runs",
    "outlook",
    "report",
    "shadow_days_of",
    "shown_messages",
    "ugliest",
    "why_customer",
    "why_message",
]
