"""Campaigns and the library of files that they are made of: segments, templates, layouts, campaigns.

The library is plain files without personal data, so that it can be kept in git. A run stores the files' own
text: what is approved, and what runs, is that content and not what the files became since.
"""

from messaging.campaigns.content import Content, content_hash, read_content
from messaging.campaigns.files import read_campaign, refuse_past_start
from messaging.campaigns.library import SHIPPED, FillReport, Library, fill_library
from messaging.campaigns.model import ApprovalRule, Campaign, Holdout, Survey, Tracking, Variant
from messaging.campaigns.saving import save, save_campaign, save_segment
from messaging.campaigns.schedule import Moment, Schedule, instant, next_at_hour
from messaging.campaigns.trigger import Told, Trigger

__all__ = [
    "SHIPPED",
    "ApprovalRule",
    "Campaign",
    "Content",
    "FillReport",
    "Holdout",
    "Library",
    "Moment",
    "Schedule",
    "Survey",
    "Told",
    "Tracking",
    "Trigger",
    "Variant",
    "content_hash",
    "fill_library",
    "instant",
    "next_at_hour",
    "read_campaign",
    "read_content",
    "refuse_past_start",
    "save",
    "save_campaign",
    "save_segment",
]
