"""What holds for every test."""

from hypothesis import HealthCheck, settings

# A busy machine is no failure: no test asserts a time, and hypothesis is not to do it for us.
settings.register_profile("rapport", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rapport")
