"""Who is whom: keys, people, and ids that outlive every rebuild."""

from pipelines.identity.people import IdentityReport, resolve_people

__all__ = ["IdentityReport", "resolve_people"]
