"""`python -m benchmarks.identity.child JOB FOLDER WARM PATIENCE`: run one job in a process of its own, print JSON.

Start-up is apart: the job first runs on the small graph of folder WARM. Memory is the peak of the process over
what it held after that. After PATIENCE seconds of work the alarm ends the process.
"""

import json
import signal
import sys
import time
from pathlib import Path

from benchmarks.identity.jobs import JOBS
from benchmarks.measure import own_peak


def main() -> None:
    """Warm up, prepare, measure, print."""
    name, folder, warm, patience = sys.argv[1:]
    job = JOBS[name]
    job.work(job.prepare(Path(warm)))
    interpreter = own_peak()
    asked = job.prepare(Path(folder))
    signal.alarm(int(patience))
    wall, cpu = time.perf_counter(), time.process_time()
    outcome = job.work(asked)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    signal.alarm(0)
    peak = own_peak()
    print(
        json.dumps(
            {
                "cpu_seconds": cpu,
                "seconds": wall,
                "megabytes": peak - interpreter,
                "figures": job.tell(asked, outcome),
            }
        )
    )


if __name__ == "__main__":
    main()
