"""What holds for every test."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure: no test asserts a time, and hypothesis is not to do it for us.
settings.register_profile("rapport", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rapport")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with files that hold slow tests, then those of many tests: whoever runs files side by side ends together.

    Left to itself, xdist begins with the files of most tests, and so ends with those of a few whole builds, while one
    of its workers has nothing left to do.
    """
    tests = Counter(item.path for item in items)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, -tests[item.path], item.path))
