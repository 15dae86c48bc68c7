"""Sources: a reader for each vendor's shape, which makes rows of a canonical table out of the vendor's own bytes."""

from pipelines.sources.intake import IngestReport, ingest
from pipelines.sources.readers import READERS

__all__ = ["READERS", "IngestReport", "ingest"]
