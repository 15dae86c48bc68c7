"""The operational store: what we planned, sent, were told and may do; SQLite, or PostgreSQL by URL."""

from messaging.store.sessions import Store, open_store

__all__ = ["Store", "open_store"]
