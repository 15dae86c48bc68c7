"""Thin Dagster wrappers: assets, checks, the job, when it runs, and the build that runs it here."""
