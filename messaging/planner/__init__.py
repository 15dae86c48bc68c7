"""Plan, approve, launch and report campaigns: everybody decided about, each message rendered once."""

from messaging.planner.approvals import Approvals, approvals_of
from messaging.planner.calendars import Appointment, calendar, next_moments
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
    "Appointment",
    "Approvals",
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
    "approvals_of",
    "audience",
    "build_planner",
    "calendar",
    "draw_why",
    "evidence",
    "lift",
    "list_runs",
    "next_moments",
    "outlook",
    "report",
    "shadow_days_of",
    "shown_messages",
    "ugliest",
    "why_customer",
    "why_message",
]
