"""The names of our assets: all begin with `rapport`, to stand apart in somebody else's workspace."""

from dagster import AssetKey

PREFIX = "rapport"
LANE = "rapport/lane"  # runs of one lane go one after the other (dagster.yaml)


def key(*parts: str) -> AssetKey:
    """Name an asset, such as `rapport/landing/purchases`."""
    return AssetKey([PREFIX, *parts])
