"""Settling what nobody knows: by evidence, else by a person who is shown all of it; never by sending again blindly."""

from messaging.reconcile.asking import ask_silent
from messaging.reconcile.between_rounds import Settling
from messaging.reconcile.deciding import Decided, Unclear, Verdict, decide, unclear
from messaging.reconcile.settling import GRACE, ReconcileReport, reconcile

__all__ = [
    "GRACE",
    "Decided",
    "ReconcileReport",
    "Settling",
    "Unclear",
    "Verdict",
    "ask_silent",
    "decide",
    "reconcile",
    "unclear",
]
