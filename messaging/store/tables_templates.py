"""The tables of templates: each text that was planned or saved, and when it first stood in which file.

Times are naive UTC by `messaging.clock.Clock`. Templates hold no personal data.
"""

from sqlalchemy import Column, DateTime, ForeignKey, Index, String, Table, Text

from messaging.store.tables import metadata

template_texts = Table(
    "template_texts",
    metadata,
    Column("hash", String, primary_key=True),  # SHA-256 over the text, hex
    Column("text", Text, nullable=False),
)

template_versions = Table(
    "template_versions",
    metadata,
    Column("file", String, primary_key=True),  # its path in the library
    Column("hash", ForeignKey("template_texts.hash"), primary_key=True),
    Column("template", String, nullable=False),
    Column("first_at", DateTime, nullable=False),
    Column("first_by", String, nullable=False),
    Column("first_why", String, nullable=False),  # plan | rollback | history
    Index(None, "template", "first_at"),
)
