"""HTTP APIs through dlt: sign-in, pagination, retries and parents are its own; dlt is imported here and in `sql` alone.

Ours are three things that it leaves open: nobody but the API's own host is ever asked (a next page or a redirect may
name any), pages may carry the objects that their records refer to (`sideload`), and cursors are compared as moments.
"""

import json
import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
from dlt.sources.rest_api import rest_api_resources
from requests.adapters import HTTPAdapter

from data_contracts.errors import ServiceError, SettingsError
from messaging.settings import Settings, is_loopback
from pipelines.pulls import reaching
from pipelines.pulls.deliveries import Batch
from pipelines.pulls.files import SINCE, Endpoint, RestPull, Sideload, fill
from pipelines.pulls.marks import Mark, newest, read_mark, write_mark
from pipelines.pulls.reaching import host_of, refuse_strangers_in_demo
from pipelines.pulls.secrets import secret_names, with_secrets
from pipelines.pulls.streams import Stream, begin_of, overlap_of
from pipelines.sources.documents import Record

BATCH_ROWS = 500
EPOCH = datetime(1970, 1, 1)
_PARENT = re.compile(r"\{resources\.(\w+)\.")
_SINCE = f"{{{SINCE}}}"


def rest_streams(settings: Settings, plan: RestPull) -> list[Stream]:
    """Build a stream for each endpoint that lands. Raises SettingsError where a secret is not set."""
    client = plan.client.model_dump()
    keys = secret_names(client)
    host = host_of(plan.client.base_url)
    refuse_strangers_in_demo(settings, host)
    config = with_secrets(settings, client)
    streams = []
    for endpoint in plan.landing:
        needed = with_secrets(settings, [item.model_dump() for item in _with_parents(plan, endpoint)])
        chain = [Endpoint.model_validate(_by_alias(item)) for item in needed]
        streams.append(
            Stream(
                name=endpoint.name,
                asked=host,
                keys=keys,
                overlap=overlap_of(endpoint.overlap if endpoint.overlap != "" else plan.overlap),
                begin=begin_of(plan.begin if endpoint.begin is None else endpoint.begin, endpoint.since),
                tables=endpoint.tables or plan.tables,
                form=endpoint.since,
                read=partial(_read, config, chain),
            )
        )
    return streams


def _by_alias(item: dict[str, Any]) -> dict[str, Any]:
    item["json"] = item.pop("body")
    item["sideload"] = [{**side, "from": side["from_"]} for side in item["sideload"]]
    for side in item["sideload"]:
        side.pop("from_")
    return item


def _with_parents(plan: RestPull, endpoint: Endpoint) -> list[Endpoint]:
    """Give an endpoint and those whose records its path speaks of, the outermost first."""
    named = {item.name: item for item in plan.endpoints}
    chain = [endpoint]
    while found := _PARENT.search(chain[0].path):
        if found[1] not in named or len(chain) > len(named):
            raise SettingsError(
                f"The endpoint {chain[0].name} speaks of {found[1]}, which is none.", "Mend the pull file."
            )
        chain.insert(0, named[found[1]])
    return chain


def _read(
    client: Mapping[str, Any], chain: Sequence[Endpoint], since: Mark | None
) -> Generator[Batch, None, None]:
    with closing(_session(str(client["base_url"]))) as session:
        config: dict[str, Any] = {
            "client": _client(client, session),
            "resources": [_resource(item, chain[:place], since) for place, item in enumerate(chain)],
        }
        last = chain[-1]
        (resource,) = (item for item in rest_api_resources(config) if item.name == last.name)  # type: ignore[arg-type]
        for rows in _in_batches(resource):
            yield Batch([_finished(row, last, chain) for row in rows], _newest(rows, last))


def _client(client: Mapping[str, Any], session: requests.Session) -> dict[str, Any]:
    """Give dlt's configuration of a client."""
    base = str(client["base_url"]).rstrip("/") + "/"
    given: dict[str, Any] = {"base_url": base, "headers": dict(client["headers"]), "session": session}
    given |= {"auth": dict(client["auth"])} if client["auth"] else {}
    return given | ({"paginator": _paginator(client["paginator"])} if client["paginator"] else {})


def _session(base: str) -> requests.Session:
    """Open a session that has patience and knows one host."""
    session: requests.Session = Client(
        raise_for_status=False,  # dlt raises by itself, after our hooks
        request_timeout=reaching.TIMEOUT_SECONDS,
        request_max_attempts=reaching.ATTEMPTS,
        request_backoff_factor=reaching.BACKOFF_SECONDS,
        request_max_retry_delay=reaching.LONGEST_PAUSE_SECONDS,
    ).session
    session.trust_env = not is_loopback(host_of(base))  # no proxy stands between us and us
    session.headers["User-Agent"] = "Rapport"
    for scheme in ("http://", "https://"):
        session.mount(scheme, _OneHost(urlsplit(base).netloc))
    return session


class _OneHost(HTTPAdapter):
    """Sends to one host: the key must not follow a link or a redirect to another one."""

    def __init__(self, netloc: str) -> None:
        super().__init__()
        self._netloc = netloc

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        netloc = urlsplit(str(request.url)).netloc
        if netloc != self._netloc:
            raise ServiceError(
                f"{self._netloc} sent us on to {netloc}, where the pull's key does not belong.",
                "Check its base_url.",
            )
        response = super().send(request, *args, **kwargs)
        _ = response.content  # a hook that raises would leave the connection unread and open
        return response


def _paginator(config: Mapping[str, Any]) -> Any:
    if config.get("type") != "until_end":
        return dict(config)
    return _UntilEnd(str(config["cursor_path"]), str(config["cursor_param"]), str(config["end_path"]))


class _UntilEnd(JSONResponseCursorPaginator):
    """Ours, because dlt's stop where no cursor is left or a flag says that there is no more.

    Zendesk's incremental export always gives a cursor, and says `end_of_stream: true` on the last page.
    """

    def __init__(self, cursor_path: str, cursor_param: str, end_path: str) -> None:
        super().__init__(cursor_path=cursor_path, cursor_param=cursor_param)
        self._end = end_path

    def update_state(self, response: requests.Response, data: list[Any] | None = None) -> None:
        super().update_state(response, data)
        if _at(response.json(), self._end) is True:
            self._has_next_page = False


def _resource(endpoint: Endpoint, parents: Sequence[Endpoint], since: Mark | None) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "path": endpoint.path.lstrip("/"),
        "method": endpoint.method,
        "params": _params(endpoint, since),
        "response_actions": [partial(_sideload, endpoint.sideload)] if endpoint.sideload else [],
    }
    if endpoint.body:
        asked["json"] = fill(endpoint.body, {SINCE: write_mark(since or EPOCH, endpoint.since)})
    if endpoint.data_selector:
        asked["data_selector"] = endpoint.data_selector
    if endpoint.paginator:
        asked["paginator"] = _paginator(endpoint.paginator)
    found: dict[str, Any] = {"name": endpoint.name, "endpoint": asked}
    if parents and endpoint.from_parent:
        found["include_from_parent"] = list(endpoint.from_parent.values())
    return found


def _params(endpoint: Endpoint, since: Mark | None) -> dict[str, Any]:
    """Fill in where to begin; without a mark, the parameters that name it are left out: then all is asked for."""
    if since is None:
        return {key: value for key, value in endpoint.params.items() if _SINCE not in str(value)}
    return dict(fill(dict(endpoint.params), {SINCE: write_mark(since, endpoint.since)}))


def _sideload(sides: Sequence[Sideload], response: requests.Response, *_: Any, **__: Any) -> None:
    """Put the objects beside the records into the records, in the page itself: dlt selects the records afterwards."""
    if not response.ok:
        return
    page = response.json()
    for side in sides:
        beside = {
            _name_of(item, side.key): item for item in _at(page, side.from_) or () if isinstance(item, dict)
        }
        for record in _records_of(page, {item.from_ for item in sides}):
            refers = _at(record, side.by)
            wanted = refers.get(side.key) if isinstance(refers, dict) else refers
            kind = refers.get("type") if isinstance(refers, dict) else None
            found = beside.get((kind, wanted)) or beside.get((None, wanted))
            if found is not None and side.into.endswith("[]"):
                record.setdefault(side.into.removesuffix("[]"), []).append(found)
            elif found is not None:
                record[side.into] = found
    response._content = json.dumps(page).encode()  # noqa: SLF001 - the way that dlt documents for changing a page


def _name_of(item: Mapping[str, Any], key: str) -> tuple[Any, Any]:
    typed = "attributes" in item  # JSON:API, where an id is unique within its type alone
    return (item.get("type") if typed else None, item.get(key))


def _records_of(page: Any, beside: set[str]) -> Iterator[dict[str, Any]]:
    for name, items in page.items() if isinstance(page, dict) else ():
        if name not in beside and isinstance(items, list):
            yield from (item for item in items if isinstance(item, dict))


def _at(thing: Any, path: str) -> Any:
    for step in path.split("."):
        thing = thing.get(step) if isinstance(thing, dict) else None
    return thing


def _finished(row: Any, endpoint: Endpoint, chain: Sequence[Endpoint]) -> Any:
    """Give a record what the pull adds to it: constants, and fields of the record it belongs to."""
    if not isinstance(row, dict):
        raise SettingsError(
            f"{endpoint.name} gives {type(row).__name__} and no records.",
            "Set data_selector to the list of records.",
        )
    for name, field in endpoint.from_parent.items():
        row[name] = row.pop(f"_{chain[-2].name}_{field}", None)
    return {**row, **endpoint.adds}


def _newest(rows: Sequence[Any], endpoint: Endpoint) -> Mark | None:
    if not endpoint.cursor:
        return None
    if not any(_has(row, endpoint.cursor) for row in rows):
        raise SettingsError(
            f"Here no record of {endpoint.name} has a cursor at {endpoint.cursor}, so everything would come for ever.",
            "Name the field that says when a record changed; `rapport pull check` shows a page.",
        )
    try:
        return newest(read_mark(Record(row).get(endpoint.cursor), endpoint.since) for row in rows)
    except (ValueError, TypeError):
        raise SettingsError(
            f"The cursor {endpoint.cursor} of {endpoint.name} is no {endpoint.since} that can be compared.",
            "Name a field that holds a moment, or say `since: number` or `since: text`.",
        ) from None


def _has(row: Any, path: str) -> bool:
    outer, _, last = path.rpartition(".")
    around = _at(row, outer) if outer else row
    return isinstance(around, dict) and last in around


def _in_batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch
