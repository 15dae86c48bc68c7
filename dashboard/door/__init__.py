"""The app's door: nobody gets to a page, a file or the live connection without a session of theirs in the store."""

from dashboard.door.gate import COOKIE, HEADER, Gate
from dashboard.door.pages import door_routes

__all__ = ["COOKIE", "HEADER", "Gate", "door_routes"]
