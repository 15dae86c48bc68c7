"""Every build leaves a page about its contracts, a refused one too: that is when it is read."""

from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from pipelines.contracts.page import BuildFacts, write_page
from pipelines.landing.refusals import open_refusals
from pipelines.publishing.pointer import read_pointer
from pipelines.publishing.release import release_version

if TYPE_CHECKING:
    from pipelines.defs.session import BuildSession

log = structlog.get_logger(__name__)


def leave_page(session: "BuildSession") -> Path | None:
    """Write the page of a build that judged anything; a full disk costs the page and not the build."""
    if not session.contracts:
        return None
    settings, pointer = session.settings, session.pointer
    stands = pointer or read_pointer(settings.releases_dir)
    facts = BuildFacts(
        version=release_version(session.as_of, session.build_id),
        as_of=session.as_of,
        built_at=session.clock.now(),
        published=pointer is not None,
        stands=stands.version if stands else "",
    )
    try:
        return write_page(settings.reports_dir, facts, session.contracts, open_refusals(settings))
    except OSError as error:
        log.warning("contract page not written", build_id=session.build_id, error=type(error).__name__)
        return None
