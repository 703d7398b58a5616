"""Takes what leadscore sends, by webhook or from Kafka. Copy this file; it needs Python 3.9 alone.

inbox = Inbox()                                   # keep it in your database: see Inbox

def on_request(headers, body):                    # body: the bytes as they came
message = verify(SECRETS, headers, body)      # raises RefusedError: answer 401
if inbox.wants(message):
act_on(message["type"], message["data"])  # if this raises, answer 500: it comes again
inbox.done(message)
...                                           # answer 204

for record in consumer:                           # isolation_level="read_committed"
message = from_kafka(record.headers, record.value)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections import OrderedDict

TOLERANCE_SECONDS = 300
_STANDS = ("lead.stage_changed", "lead.merged", "lead.unmerged")


class RefusedError(Exception):
    """It isn't leadscore's, or it is old. Do nothing with it."""


def verify(secrets, headers, body, now=None, tolerance_s=TOLERANCE_SECONDS):
    """A webhook's message: {id, type, timestamp, data}. Raises RefusedError.

    secrets: yours, "whsec_…"; while you change it, the new one and the old one · headers: any
    mapping · body: bytes, not parsed and written again.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, at = given["webhook-id"], given["webhook-timestamp"]
        signatures = given["webhook-signature"].split(" ")
    except KeyError as error:
        raise RefusedError(f"the header {error} is missing") from None
    if not (at.isascii() and at.isdigit()):
        raise RefusedError("webhook-timestamp is no number")
    if abs((time.time() if now is None else now) - int(at)) > tolerance_s:
        raise RefusedError("webhook-timestamp is too far from now")
    signed = f"{message_id}.{at}.".encode() + body
    expected = [hmac.digest(_key(each), signed, hashlib.sha256) for each in secrets]
    found = [_signature(each) for each in signatures[:20]]
    # Whole signatures only: a part of one is none.
    if not any(hmac.compare_digest(one, other) for one in expected for other in found):
        raise RefusedError("no signature is right")
    message = json.loads(body)
    return {**message, "id": message_id}


def from_kafka(headers, value):
    """A record's message: {id, type, timestamp, data}, as by webhook; type is CloudEvents'.

    headers: pairs of a name and bytes, as Kafka clients give them.
    """
    attributes = {name: raw.decode() for name, raw in headers if name.startswith("ce_")}
    try:
        return {
            "id": attributes["ce_id"],
            "type": attributes["ce_type"],
            "timestamp": attributes["ce_time"],
            "data": json.loads(value),
        }
    except KeyError as error:
        raise RefusedError(f"the header {error} is missing") from None


class Inbox:
    """What has been taken already. This one forgets when the process ends: two tables with these
    keys, written in the transaction in which you act, never do.
    """

    def __init__(self, most=100_000):
        self._most = most
        self._done = OrderedDict()  # message id → None
        self._newest = OrderedDict()  # lead id → sequence

    def wants(self, message):
        """False for what came before, and for where a lead stood before what came before."""
        if message["id"] in self._done:
            return False
        number = _number(message)
        return number is None or number >= self._newest.get(message["data"]["lead_id"], 0)

    def done(self, message):
        """Call it once you have acted."""
        self._note(self._done, message["id"], None)
        number = _number(message)
        if number is not None:
            lead = message["data"]["lead_id"]
            self._note(self._newest, lead, max(number, self._newest.get(lead, 0)))

    def _note(self, memory, key, value):
        memory[key] = value
        memory.move_to_end(key)
        if len(memory) > self._most:
            memory.popitem(last=False)


def _number(message):
    """Where a lead stands is told in one sequence. All else is to be acted on whenever it comes: a
    hand-off that waited, or was sent again, bears the number of its stage change.
    """
    kind = message["type"].replace("com.leadscore.", "").replace("-", "_")
    return message["data"]["sequence"] if kind.startswith(_STANDS) else None


def _key(secret):
    return base64.b64decode(secret.removeprefix("whsec_"))


def _signature(text):
    version, _, encoded = text.partition(",")
    try:
        return base64.b64decode(encoded, validate=True) if version == "v1" else b""
    except (binascii.Error, ValueError):
        return b""
