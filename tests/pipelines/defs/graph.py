"""Writes the asset graph as text.

`python tests/pipelines/defs/graph.py > tests/pipelines/defs/asset_graph.txt` renews the snapshot.
"""

import sys
import tempfile
from pathlib import Path

from dagster import Definitions, JobDefinition

from messaging.settings import read_settings
from pipelines.defs.assembly import build_definitions


def graph_text(definitions: Definitions) -> str:
    """Give every asset with what it stands on, every blocking check of ours, the job and what starts it."""
    repository = definitions.get_repository_def()
    graph = repository.asset_graph
    lines = ["assets"]
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        kind = "" if node.is_executable else " (external)"
        lines.append(f"  {key.to_user_string()}{kind}")
        lines += [f"    <- {parent.to_user_string()}" for parent in sorted(node.parent_keys)]
    lines.append("contracts")
    for check in sorted(graph.asset_check_keys):
        if check.name == "contract":
            blocking = "blocking" if graph.get_check_spec(check).blocking else "advisory"
            lines.append(f"  {check.asset_key.to_user_string()}: {blocking}")
    lines.append("jobs")
    lines += [f"  {job.name}" for job in repository.get_all_jobs() if _is_ours(job)]
    lines.append("schedules")
    for schedule in repository.schedule_defs:
        when = f"{schedule.cron_schedule} {schedule.execution_timezone}"
        lines.append(f"  {schedule.name}: {when}, {schedule.default_status.value}")
    lines.append("sensors")
    for sensor in sorted(repository.sensor_defs, key=lambda item: item.name):
        every = f"every {sensor.minimum_interval_seconds} s"
        lines.append(f"  {sensor.name}: {every}, {sensor.default_status.value}")
    return "\n".join(lines) + "\n"


def _is_ours(job: JobDefinition) -> bool:
    return not job.name.startswith("__")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        sys.stdout.write(graph_text(build_definitions(read_settings(home=Path(home)))))
