"""Quiet hours: when a phone may be reached, in every place and zone where its owner may be."""

from messaging.quiet_hours.file import LONGEST_LIMIT, RULES_FILE, installed_rules, read_quiet_rules
from messaging.quiet_hours.hours import Hours, is_legal, legal_until, local_time, next_legal
from messaging.quiet_hours.names import zone_named
from messaging.quiet_hours.places import Place, candidate_places, candidate_zones, known_zone
from messaging.quiet_hours.rules import Limit, QuietRules

__all__ = [
    "LONGEST_LIMIT",
    "RULES_FILE",
    "Hours",
    "Limit",
    "Place",
    "QuietRules",
    "candidate_places",
    "candidate_zones",
    "installed_rules",
    "is_legal",
    "known_zone",
    "legal_until",
    "local_time",
    "next_legal",
    "read_quiet_rules",
    "zone_named",
]
