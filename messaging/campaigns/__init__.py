"""Campaigns and the library of files that they are made of: segments, templates, layouts, campaigns.

The library is plain files without personal data, so that it can be kept in git. A run stores the files' own
text: what is approved, and what runs, is that content and not what the files became since.
"""

from messaging.campaigns.content import Content, content_hash, read_content
from messaging.campaigns.files import read_campaign
from messaging.campaigns.library import SHIPPED, FillReport, Library, fill_library
from messaging.campaigns.model import ApprovalRule, Campaign, Holdout, Variant

__all__ = [
    "SHIPPED",
    "ApprovalRule",
    "Campaign",
    "Content",
    "FillReport",
    "Holdout",
    "Library",
    "Variant",
    "content_hash",
    "fill_library",
    "read_campaign",
    "read_content",
]
