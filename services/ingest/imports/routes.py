"""POST /v1/imports/{kind}: a file of rows; GET /v1/import-jobs: what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from services.ingest.admission import admitted
from services.ingest.edge import Edge, arrival_of, edge_of, header
from services.ingest.imports import journal
from services.ingest.imports.columns import KINDS, Kind
from services.ingest.imports.decoding import TextFeed
from services.ingest.imports.events import Chunk, oldest_kept, read_events
from services.ingest.imports.mapping import Mapping, Reading
from services.ingest.imports.reading import feed_for, format_named
from services.ingest.imports.rows import Item
from services.ingest.imports.streaming import body_pieces
from services.ingest.imports.uploads import Upload
from services.ingest.keys import Sender, key_in_authorization
from services.ingest.refusal import Refusal, invalid, refusal_response
from services.ingest.segment import answer

_PARAMETERS: Final = 600
_JOBS: Final = 50
_TYPES: Final = {
    "text/csv": "csv", "application/csv": "csv", "text/tab-separated-values": "csv",
    "application/jsonl": "jsonl", "application/x-ndjson": "jsonl", "application/ndjson": "jsonl",
}  # fmt: skip
# Parameters of the address that say how to read, besides map and set, which may be repeated.
_SAID: Final = {"type": "event", "at": "at", "zone": "zone", "time_format": "time_format",
                "decimal": "decimal"}  # fmt: skip
_OTHERS: Final = ("format", "encoding", "delimiter", "file", "map", "set")


async def upload(request: Request) -> Response:
    """200 once every row that can be taken is acknowledged; 400 when there was none."""
    edge, scope = edge_of(request), request.scope
    sender = _server(edge, request)
    kind = _kind(request.path_params["kind"])
    given = _parameters(scope["query_string"])
    single = dict(given)
    received = edge.now()
    mapping = Mapping(_reading(kind, given), received)
    media, _, said = header(scope, b"content-type").decode("latin-1").partition(";")
    file = single.get("file", "")
    format_ = format_named(single.get("format") or _TYPES.get(media.strip().lower(), ""), file)
    rows = feed_for(format_, single.get("delimiter", ""))
    text = TextFeed(single.get("encoding") or _charset(said))
    with edge.uploads.room():
        swept_ms = await edge.uploads.ask(journal.swept_ms)
        oldest = oldest_kept(edge.settings.retention_events_days, swept_ms, received)
        checked = False

        def read(items: Iterable[Item]) -> Chunk:
            nonlocal checked
            some = list(items)
            if some and not checked:
                mapping.check_columns({name for item in some for name in item.names})
                checked = True
            return read_events(some, mapping, arrival_of(scope, edge, sender), oldest)

        job = Upload(edge.uploads, read, edge.intake.accept)
        await job.begin(kind, sender.name, file)
        try:
            await job.take(body_pieces(scope, request.receive), text, rows)
        except Refusal as refusal:
            response = refusal_response(refusal)
            body = {"error": refusal.as_dict(), "import": job.shown()}
            response.body = msgspec.json.encode(body)
            response.headers["content-length"] = str(len(response.body))
            return response
    tally = job.tally
    if tally.rejected and not tally.accepted:
        first = tally.errors[0]
        error = {name: first[name] for name in ("code", "message", "path")}
        return answer({"error": error, "import": job.shown()}, 400)
    return answer({"success": True, "import": job.shown()})


async def one_job(request: Request) -> Response:
    """One import of this key's source."""
    edge = edge_of(request)
    sender = _server(edge, request)
    try:
        job = UUID(request.path_params["id"])
    except ValueError:
        raise _no_job() from None
    row = await edge.uploads.ask(lambda one: journal.one_of(one, sender.name, job))
    if row is None:
        raise _no_job()
    return answer(journal.shown(row, edge.now()))


async def jobs(request: Request) -> Response:
    """The newest imports of this key's source."""
    edge = edge_of(request)
    sender = _server(edge, request)
    rows = await edge.uploads.ask(lambda one: journal.newest(one, _JOBS, sender.name))
    return answer({"items": [journal.shown(row, edge.now()) for row in rows]})


def _server(edge: Edge, request: Request) -> Sender:
    """Whose secret key it is. Raises Refusal: 401, 403."""
    authorization = header(request.scope, b"authorization")
    key = key_in_authorization(authorization) if authorization else ""
    sender = admitted(edge, request.scope, "imports", key)
    if sender.public:
        raise Refusal(403, "secret_key_needed", "Files are taken with a secret key alone.")
    return sender


def _kind(given: str) -> Kind:
    kind = next((kind for kind in KINDS if kind == given), None)
    if kind is None:
        raise Refusal(404, "not_found", f"Import one of {', '.join(KINDS)}.")
    return kind


def _parameters(query: bytes) -> list[tuple[str, str]]:
    try:
        given = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict",
            max_num_fields=_PARAMETERS,
        )  # fmt: skip
    except ValueError:  # a UnicodeDecodeError is one
        raise invalid("parameter_unreadable", "The address can't be read.") from None
    for name, _ in given:
        if name not in _SAID and name not in _OTHERS:
            known = ", ".join((*_SAID, *_OTHERS))
            raise invalid("parameter_unknown", f"Parameters are {known}.", "query")
    return given


def _reading(kind: Kind, given: list[tuple[str, str]]) -> Reading:
    said = {_SAID[name]: value for name, value in given if name in _SAID and value}
    return Reading(kind=kind, targets=_pairs(given, "map"), properties=_pairs(given, "set"), **said)


def _pairs(given: list[tuple[str, str]], parameter: str) -> dict[str, str]:
    pairs = [value.rpartition("=") for name, value in given if name == parameter]
    if not all(equals and name for name, equals, _ in pairs):
        raise invalid("parameter_unreadable", "Give NAME=VALUE.", parameter)
    return {name: value for name, _, value in pairs}


def _charset(said: str) -> str:
    """Of Content-Type, "" for none."""
    for part in said.split(";"):
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip('"')
    return ""


def _no_job() -> Refusal:
    return Refusal(404, "not_found", "There is no such import of this key's source.")
