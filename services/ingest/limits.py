"""Every limit of ingest, with the reason why it is what it is."""

from __future__ import annotations

from typing import Final

KIB: Final = 1024

# Sizes of requests. The first three are Segment's own, so that its SDKs already keep to them.
EVENT_BYTES: Final = 32 * KIB
BATCH_BYTES: Final = 500 * KIB
BATCH_EVENTS: Final = 2_500
# A browser may keep 64 KiB of beacons in flight, so nothing larger can honestly arrive.
COLLECT_BYTES: Final = 64 * KIB
# A form of 200 long answers fits; uploads are not for here.
FORM_BYTES: Final = 256 * KIB
# SendGrid posts up to about a thousand events at once, 1 or 2 KiB each with custom arguments.
WEBHOOK_BYTES: Final = 4 * 1024 * KIB
WEBHOOK_EVENTS: Final = 10_000

# A body must be complete in this time. Segment's SDKs give up after 10 to 15 s themselves.
BODY_SECONDS: Final = 10.0

# Shape of a document. Deeper than 10 no known SDK goes; rules address 3 or 4 levels.
JSON_DEPTH: Final = 10
JSON_KEYS: Final = 1_000
JSON_KEY_CHARACTERS: Final = 256
JSON_TEXT_CHARACTERS: Final = 8_192
# Whole numbers must fit into 64 bits with a sign, other numbers stay below the same size:
# Postgres and JavaScript both do odd things beyond.
NUMBER_MAGNITUDE: Final = 2**63 - 1

# Identity. 254 is the longest address that mail can reach.
IDENTIFIER_CHARACTERS: Final = 256
EMAIL_CHARACTERS: Final = 254
MESSAGE_ID_CHARACTERS: Final = 100
EVENT_NAME_CHARACTERS: Final = 128
EXTERNAL_IDS: Final = 8
# So many are looked at, so that an answer's notes stay short.
EXTERNAL_IDS_READ: Final = 32
NOTES: Final = 100

# Traits stay in the lead's row, which is read and written with every event of the lead.
TRAITS: Final = 64
TRAIT_NAME_CHARACTERS: Final = 100
TRAIT_TEXT_CHARACTERS: Final = 512

# Context: addresses of pages can be long, everything else is a short label. Longer is cut.
URL_CHARACTERS: Final = 2_048
CONTEXT_TEXT_CHARACTERS: Final = 512

# Clock correction. Below 10 s the difference is the network's, not the clock's: leaving it alone
# makes a resend carry the time of the first try.
SKEW_IGNORED_SECONDS: Final = 10
EARLIEST_YEAR: Final = 2000
FUTURE_SECONDS: Final = 86_400

# Load. Kafka acknowledges in a few ms; after 2 s the sender is told to come back.
ACK_SECONDS: Final = 2.0
RETRY_AFTER_SECONDS: Final = 2
# Events and bytes that may wait for acknowledgement: aiokafka itself has no bound on memory.
IN_FLIGHT_EVENTS: Final = 50_000
IN_FLIGHT_BYTES: Final = 64 * 1024 * KIB

# A record on the dead letter stays below Kafka's usual limit of 1 MiB for a message.
DEAD_LETTER_BYTES: Final = 900 * KIB

# Uploaded files: bigger ones are for the command. While nothing comes for so long, nobody sends.
IMPORT_BYTES: Final = 1024 * 1024 * KIB
IMPORT_SILENCE_SECONDS: Final = 30.0
# So many at once in each process, and so many rows at a time, so that other requests go on.
IMPORTS_AT_ONCE: Final = 2
IMPORT_ROWS: Final = 250
# So long an upload waits for Kafka before its sender is told to come again.
IMPORT_PATIENCE_SECONDS: Final = 30.0
