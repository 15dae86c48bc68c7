"""A dispatcher of today, whose store will be upgraded beneath it: `python dispatcher_of_today.py HOME PROVIDER_URL`."""

import os
import sys
import threading
from datetime import timedelta
from pathlib import Path

from messaging.clock import read_clock
from messaging.dispatch import run_dispatcher
from messaging.senders.build import build_senders
from messaging.settings import read_settings
from messaging.store import open_store

os.environ["RAPPORT_TWILIO_API_URL"] = sys.argv[2]
settings = read_settings(home=Path(sys.argv[1]))
store = open_store(settings)
sys.stdout.write("ready\n")
sys.stdout.flush()
run_dispatcher(
    store,
    build_senders(settings, ["sms"]),
    read_clock(settings.home),
    threading.Event(),
    poll_seconds=0.05,
    threads=8,
    lease=timedelta(seconds=1),
)
