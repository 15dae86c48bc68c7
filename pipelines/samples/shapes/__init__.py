"""The sample company's files, each in the shape its vendor exports: `write_company` writes them all."""

from pipelines.samples.shapes.company import write_company
from pipelines.samples.shapes.written import WrittenFile

__all__ = ["WrittenFile", "write_company"]
