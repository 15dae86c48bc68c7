"""Two ingests at once: the second waits, can say for whom, and lands nothing twice."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from messaging.clock import Clock
from messaging.settings import Settings
from pipelines.landing.lock import landing_lock
from pipelines.landing.staging import Delivery
from pipelines.landing.writer import land_records

HOLD = """
import sys, time
from pathlib import Path
from messaging.settings import read_settings
from pipelines.landing.lock import landing_lock
with landing_lock(read_settings(home=Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""
Make = Callable[..., dict[str, str | None]]


def hold(settings: Settings) -> "subprocess.Popen[str]":
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(settings.home)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_writer_waits_and_is_told_for_whom(settings: Settings) -> None:
    holder = hold(settings)
    told: list[str] = []

    def tell(who: str) -> None:
        told.append(who)
        holder.kill()

    with landing_lock(settings, tell):
        assert told == [f"process {holder.pid}"]
    holder.communicate()


def test_a_killed_writer_leaves_no_lock_behind(settings: Settings) -> None:
    holder = hold(settings)
    holder.kill()
    holder.communicate()
    started = time.monotonic()
    with landing_lock(settings):
        assert time.monotonic() - started < 5


def test_two_ingests_of_the_same_rows_land_them_once(settings: Settings, clock: Clock, consent: Make) -> None:
    records = [consent(number) for number in range(50)]
    accepted: list[int] = []

    def run(name: str) -> None:
        delivery = Delivery("shop", "consents", name, name * 64, "test")
        accepted.append(land_records(settings, clock, delivery, records).counts.accepted)

    threads = [threading.Thread(target=run, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(accepted) == [0, 0, 0, 50]


def test_the_lock_says_nothing_where_nobody_holds_it(settings: Settings, tmp_path: Path) -> None:
    with landing_lock(settings, lambda who: (_ for _ in ()).throw(AssertionError(who))):
        pass
