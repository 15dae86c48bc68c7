"""Your own data: drop a file, see what is made of it, land it."""

from dashboard import session
from dashboard.components import desk, frame
from dashboard.components.own_file import drop
from dashboard.services import services

PURPOSE = "Drop a file that nobody knows: a mapping is proposed, you see five rows of it, and land it."


def main() -> None:
    """Draw the page."""
    session.require("file.land")
    parts = services()
    frame.heading("Your own data", PURPOSE, parts)
    desk.told()
    drop(parts)


with frame.explained():
    main()
