"""What the sandbox still has to do: timers, webhooks to deliver, and a way to wait until all is quiet."""

import heapq
import itertools
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import httpx

from messaging.sandbox.faults import Faults
from messaging.sandbox.overrides import overrides_of
from messaging.sandbox.settings import SandboxSettings
from messaging.sandbox.signing import signature
from messaging.store.ids import new_id

log = logging.getLogger(__name__)


class Pending:
    """Counts what is under way, so that a test or the demo can wait for the last callback."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def begin(self) -> None:
        """Note that something is under way."""
        with self._changed:
            self._count += 1

    def end(self) -> None:
        """Note that something is done."""
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    @property
    def count(self) -> int:
        """Give how much is under way."""
        return self._count

    def settle(self, seconds: float) -> bool:
        """Wait until nothing is under way, at most `seconds`; say whether that came."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count == 0, seconds)


@dataclass(order=True)
class _Job:
    due: float
    order: int
    run: Callable[[], None] = field(compare=False)


class Timeline:
    """Runs jobs later, on one thread that starts with the first job."""

    def __init__(self) -> None:
        self._jobs: list[_Job] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def after(self, seconds: float, job: Callable[[], None]) -> None:
        """Run `job` in `seconds`; jobs of the same moment run in the order they came."""
        with self._changed:
            heapq.heappush(self._jobs, _Job(time.monotonic() + seconds, next(self._order), job))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sandbox-timeline", daemon=True)
                self._thread.start()
            self._changed.notify()

    def forward(self, seconds: float) -> None:
        """Let time pass at once: what would have run within `seconds` runs now, in its order."""
        with self._changed:
            for job in self._jobs:
                job.due -= seconds
            self._changed.notify()

    def close(self) -> None:
        """Forget what has not run yet and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            job.run()

    def _next(self) -> _Job | None:
        with self._changed:
            while not self._closed:
                if not self._jobs:
                    self._changed.wait()
                elif (rest := self._jobs[0].due - time.monotonic()) > 0:
                    self._changed.wait(rest)
                else:
                    return heapq.heappop(self._jobs)
            return None


@dataclass(frozen=True)
class Webhook:
    """One form to post, signed as Twilio signs; or, with `body`, those bytes under `headers` as they are."""

    url: str
    params: Mapping[str, str]
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Couriers:
    """Threads that post signed webhooks: those of one message in order, those of many side by side."""

    def __init__(self, token: str, workers: int, retry_pause: float, pending: Pending) -> None:
        self._token = token
        self._retry_pause = retry_pause
        self._pending = pending
        self._queues: list[queue.SimpleQueue[Webhook | None]] = [queue.SimpleQueue() for _ in range(workers)]
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self.answers: dict[str, int] = {}  # the last of each webhook, or why there was none

    def post(self, key: str, webhook: Webhook) -> None:
        """Post `webhook` soon; webhooks of the same `key` go in the order they came."""
        self._start()
        self._pending.begin()
        self._queues[hash(key) % len(self._queues)].put(webhook)

    def close(self) -> None:
        """End the threads after what each is doing now."""
        for line in self._queues:
            line.put(None)
        for thread in self._threads:
            thread.join(1)

    def _start(self) -> None:
        with self._lock:
            if not self._threads:
                self._threads = [
                    threading.Thread(target=self._run, args=(line,), name="sandbox-courier", daemon=True)
                    for line in self._queues
                ]
                for thread in self._threads:
                    thread.start()

    def _run(self, line: "queue.SimpleQueue[Webhook | None]") -> None:
        with httpx.Client(trust_env=False) as client:
            while (webhook := line.get()) is not None:
                try:
                    self._count(self._deliver(client, webhook))
                finally:
                    self._pending.end()

    def _deliver(self, client: httpx.Client, webhook: Webhook) -> str:
        """Post, and again as often as its address asks for; give the last answer, else what came in its place."""
        headers = dict(webhook.headers) or {
            "X-Twilio-Signature": signature(self._token, webhook.url, webhook.params),
            "I-Twilio-Idempotency-Token": new_id("evt").removeprefix("evt_"),
            "User-Agent": "TwilioProxy/1.1",
        }
        asked = overrides_of(webhook.url)
        deadline, tries = time.monotonic() + asked.total, itertools.count()
        while True:
            rest = deadline - time.monotonic()
            timeout = httpx.Timeout(min(asked.read, rest), connect=min(asked.connect, rest))
            answer, failure = _post(client, webhook, headers, timeout)
            late = time.monotonic() + self._retry_pause >= deadline
            if failure not in asked.policy or next(tries) == asked.retries or late:
                break
            time.sleep(self._retry_pause)
        if failure:
            log.warning("A webhook could not be delivered: %s.", answer)
        return answer

    def _count(self, answer: str) -> None:
        with self._lock:
            self.answers[answer] = self.answers.get(answer, 0) + 1


def _post(
    client: httpx.Client, webhook: Webhook, headers: Mapping[str, str], timeout: httpx.Timeout
) -> tuple[str, str]:
    """Post once; give the answer's status, or a word for none, and what failed in Twilio's word, or nothing."""
    form = dict(webhook.params) if webhook.body is None else None
    try:
        answer = client.post(webhook.url, headers=headers, data=form, content=webhook.body, timeout=timeout)
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return "unreachable", "ct"
    except httpx.HTTPError:
        return "broken", "rt"
    return str(answer.status_code), f"{answer.status_code // 100}xx" if answer.is_error else ""


class Works:
    """What every look-alike of one sandbox shares: faults, timers, couriers, what is under way, what was refused."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.faults = Faults()
        self.pending = Pending()
        self.refused: Counter[int] = Counter()
        self.timeline = Timeline()
        self.couriers = Couriers(
            settings.auth_token, settings.callback_workers, settings.retry_pause, self.pending
        )

    def close(self) -> None:
        """End every thread; what is under way stays where it is."""
        self.timeline.close()
        self.couriers.close()
