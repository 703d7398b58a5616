"""Every statement of the scorer, named and described. All take sets: their number does not grow
with the batch.
"""

from __future__ import annotations

# Take a batch: only the owner of this epoch, and only from where the last batch ended. No row
# means that somebody else owns the partition, or that the batch was taken in already.
CLAIM = """
UPDATE consumer_partition
   SET next_offset = $4, watermark_ms = greatest(watermark_ms, $6)
 WHERE topic = $1 AND partition = $2 AND next_offset = $3 AND epoch = $5
RETURNING (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
          (SELECT max(id) FROM parting) AS newest_parting, erased_ms
"""

# Whom the identifiers of a batch belong to now, with their leads' versions: a version that has
# grown when the lead is locked means that this answer is old.
RESOLVE = """
SELECT i.kind, i.value, i.since_ms, i.claimed_ms, i.lead_id, i.marks, l.known, l.identity_version
  FROM unnest($1::smallint[], $2::text[]) AS mentioned(kind, value)
  JOIN identifier i ON i.kind = mentioned.kind AND i.value = mentioned.value
  JOIN lead l ON l.id = i.lead_id
"""

# New identifiers, in sorted order so that two scorers never wait for each other in a ring. Fewer
# rows than asked for: another scorer was first.
INSERT_IDENTIFIERS = """
INSERT INTO identifier (kind, value, since_ms, claimed_ms, lead_id, marks)
SELECT * FROM unnest($1::smallint[], $2::text[], $3::bigint[], $4::bigint[], $5::uuid[],
                     $6::smallint[])
ON CONFLICT DO NOTHING
"""

# How many identifiers leads have, that are about to get more.
COUNT_IDENTIFIERS = """
SELECT lead_id, count(*) FROM identifier WHERE lead_id = ANY($1::uuid[]) GROUP BY lead_id
"""

# What leads have, and who else has or had their anonymous ids.
LEADS_IDENTIFIERS = """
SELECT i.kind, i.value, i.since_ms, i.claimed_ms, i.lead_id, coalesce(i.origin, i.lead_id), i.marks,
       l.identity_version
  FROM identifier i JOIN lead l ON l.id = i.lead_id WHERE i.lead_id = ANY($1::uuid[])
"""

RUNS = """
SELECT i.kind, i.value, i.since_ms, i.claimed_ms, i.lead_id, coalesce(i.origin, i.lead_id), i.marks,
       l.identity_version
  FROM identifier i JOIN lead l ON l.id = i.lead_id WHERE i.kind = 5 AND i.value = ANY($1::text[])
"""

# Leads whose events name somebody else's names: by now, some may be part of others.
MENTIONING = """
WITH RECURSIVE said AS (
    SELECT m.lead_id
      FROM unnest($1::smallint[], $2::text[]) AS names(kind, value)
      JOIN identifier_mention m ON m.kind = names.kind AND m.value = names.value
     UNION
    SELECT l.merged_into FROM said JOIN lead l ON l.id = said.lead_id
     WHERE l.merged_into IS NOT NULL)
SELECT l.id, l.identity_version FROM said JOIN lead l ON l.id = said.lead_id
 WHERE l.merged_into IS NULL
"""

# Rows of a scope that is shared out again, all of each identifier.
DROP_IDENTIFIERS = """
DELETE FROM identifier i USING unnest($1::smallint[], $2::text[]) AS old(kind, value)
 WHERE i.kind = old.kind AND i.value = old.value
"""

PUT_IDENTIFIERS = """
INSERT INTO identifier (kind, value, since_ms, claimed_ms, lead_id, origin, marks)
SELECT * FROM unnest($1::smallint[], $2::text[], $3::bigint[], $4::bigint[], $5::uuid[],
                     $6::uuid[], $7::smallint[])
"""

# Operators' words about any of some identifiers (keyed hashes). There are few in all.
PARTINGS = """
SELECT at_ms, source, event_id, these, those FROM parting
 WHERE these && $1::bytea[] OR those && $1::bytea[]
"""

# Before an operator's word is heard: no batch that hasn't read it may be in flight. (Every claim
# reads the table, and so holds its lightest lock; whoever waits at the claim holds nothing yet.)
LOCK_PARTINGS = "LOCK TABLE parting IN ACCESS EXCLUSIVE MODE"

PARTED = """
SELECT (SELECT max(id) FROM parting),
       (SELECT array_agg(DISTINCT hash)
          FROM parting, LATERAL unnest(these || those) AS said(hash))
"""

ADD_PARTING = """
INSERT INTO parting (at_ms, source, event_id, these, those) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
"""

ADD_MENTIONS = """
INSERT INTO identifier_mention (kind, value, lead_id)
SELECT * FROM unnest($1::smallint[], $2::text[], $3::uuid[]) ON CONFLICT DO NOTHING
"""

MERGES_UNDONE = """
UPDATE lead_merge SET undone_ms = $2, undone_by = $3
 WHERE absorbed = ANY($1::uuid[]) AND undone_ms IS NULL
"""

# Stages that leads reached by themselves, in which episode. (Into one that they reached by a merge,
# others were told to sales.)
REACHED = """
SELECT DISTINCT lead_id, journey, to_stage, episode FROM stage_history
 WHERE lead_id = ANY($1::uuid[]) AND cause <> 'merge'
"""

# Where survivors stood when they took others in: by journey, the last stage published until then.
STOOD = """
SELECT DISTINCT ON (pair.survivor, pair.absorbed, h.journey)
       pair.survivor, pair.absorbed, h.journey, h.to_stage
  FROM unnest($1::uuid[], $2::uuid[]) AS pair(survivor, absorbed)
  JOIN LATERAL (
    SELECT max(seq) AS seq FROM stage_history
     WHERE lead_id = pair.survivor AND other_lead = pair.absorbed AND cause = 'merge') AS merge
    ON true
  JOIN stage_history h ON h.lead_id = pair.survivor AND h.seq <= merge.seq
 ORDER BY pair.survivor, pair.absorbed, h.journey, h.seq DESC
"""

LOCK_LEADS = """
SELECT id, known, merged_into, identity_version, ruleset_version, due_ms, scores, journeys
  FROM lead WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE
"""

SEEN = "SELECT key FROM event WHERE key = ANY($1::uuid[])"

# The newest checkpoint of each lead from before an instant, made under this ruleset.
CHECKPOINTS = """
SELECT wanted.lead_id, made.last_ms, made.scores
  FROM unnest($1::uuid[], $2::bigint[]) AS wanted(lead_id, before_ms)
 CROSS JOIN LATERAL (
    SELECT c.last_ms, c.scores FROM checkpoint c
     WHERE c.lead_id = wanted.lead_id AND c.last_ms < wanted.before_ms
       AND c.ruleset_version = $3
     ORDER BY c.events DESC LIMIT 1) AS made
"""

# The stored events of leads whose history changes, each from an instant on.
HISTORY = """
SELECT e.key, e.lead_id, e.body, e.entries
  FROM unnest($1::uuid[], $2::bigint[]) AS wanted(lead_id, from_ms)
  JOIN event e ON e.lead_id = wanted.lead_id AND e.occurred_ms >= wanted.from_ms
"""

REWRITE_EVENTS = """
UPDATE event e SET lead_id = new.lead_id, entries = new.entries
  FROM unnest($1::uuid[], $2::uuid[], $3::bytea[]) AS new(key, lead_id, entries)
 WHERE e.key = new.key
"""

DROP_CHECKPOINTS = """
DELETE FROM checkpoint c USING unnest($1::uuid[], $2::bigint[]) AS old(lead_id, from_ms)
 WHERE c.lead_id = old.lead_id AND c.last_ms >= old.from_ms
"""

DROP_TIME_ENTRIES = """
DELETE FROM time_entry t USING unnest($1::uuid[], $2::bigint[]) AS old(lead_id, from_ms)
 WHERE t.lead_id = old.lead_id AND t.at_ms >= old.from_ms
"""

ABSORB_IDENTIFIERS = """
UPDATE identifier i SET lead_id = merged.survivor, origin = coalesce(i.origin, i.lead_id)
  FROM unnest($1::uuid[], $2::uuid[]) AS merged(absorbed, survivor)
 WHERE i.lead_id = merged.absorbed
"""

# An upsert of rows that are there: by their key, whatever the planner believes. (As an UPDATE it
# compared each of a thousand ids with every visitor there was.)
CLAIM_ANONYMOUS = """
INSERT INTO identifier AS i (kind, value, since_ms, claimed_ms, lead_id)
SELECT 5, new.value, 0, new.claimed_ms, new.lead_id
  FROM unnest($1::text[], $2::bigint[], $3::uuid[]) AS new(value, claimed_ms, lead_id)
    ON CONFLICT (kind, value, since_ms) DO UPDATE
   SET claimed_ms = least(i.claimed_ms, excluded.claimed_ms), lead_id = excluded.lead_id,
       origin = CASE WHEN i.lead_id = excluded.lead_id THEN i.origin
                     ELSE coalesce(i.origin, i.lead_id) END
"""

DROP_RUNS = """
DELETE FROM identifier WHERE kind = 5 AND value = ANY($1::text[])
RETURNING value, since_ms, coalesce(origin, lead_id)
"""

# What scoring changes of leads that have a row (it is locked). An upsert, so that rows are found
# by their key whatever the planner believes; what isn't updated is only there to be NOT NULL.
SAVE_LEADS = """
INSERT INTO lead AS l (id, created_ms, known, ruleset_version, stage, stage_since_ms, due_ms,
                       scores, journeys)
SELECT id, 0, false, ruleset_version, stage, since_ms, due_ms, scores, journeys
  FROM unnest($1::uuid[], $2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[],
              $7::bytea[])
    AS scored(id, ruleset_version, stage, since_ms, due_ms, scores, journeys)
ON CONFLICT (id) DO UPDATE
   SET ruleset_version = excluded.ruleset_version, stage = excluded.stage,
       stage_since_ms = excluded.stage_since_ms, due_ms = excluded.due_ms,
       scores = excluded.scores, journeys = excluded.journeys
"""

SAVE_LEAD_IDENTITIES = """
UPDATE lead l
   SET known = new.known, merged_into = new.merged_into, identity_version = new.identity_version
  FROM unnest($1::uuid[], $2::bool[], $3::uuid[], $4::int[])
    AS new(id, known, merged_into, identity_version)
 WHERE l.id = new.id
"""

LEAD_COLUMNS = (
    "id", "created_ms", "known", "merged_into", "identity_version", "ruleset_version", "stage",
    "stage_since_ms", "due_ms", "scores", "journeys",
)  # fmt: skip
EVENT_COLUMNS = ("key", "lead_id", "occurred_ms", "body", "entries")
TIME_ENTRY_COLUMNS = ("lead_id", "at_ms", "entries")
CHECKPOINT_COLUMNS = ("lead_id", "events", "last_ms", "ruleset_version", "scores")
STAGE_HISTORY_COLUMNS = (
    "lead_id", "seq", "at_ms", "journey", "from_stage", "to_stage", "cause", "episode",
    "ruleset_version", "reasons", "actor", "other_lead",
)  # fmt: skip
LEAD_MERGE_COLUMNS = ("absorbed", "survivor", "at_ms", "cause", "actor")
OUTBOX_COLUMNS = ("shard", "lead_id", "fact")

# Leads at which something is due by an instant, of those scored under this ruleset (the others are
# recalculated first). SKIP LOCKED: a lead that a batch holds is seen to by the next round.
DUE_LEADS = """
SELECT id, known, merged_into, identity_version, ruleset_version, due_ms, scores, journeys
  FROM lead WHERE ruleset_version = $1 AND due_ms <= $2 ORDER BY due_ms LIMIT $3
   FOR UPDATE SKIP LOCKED
"""

# Leads scored under an older ruleset than this one, some at a time.
OUTDATED_LEADS = """
SELECT id, known, merged_into, identity_version, ruleset_version, due_ms, scores, journeys
  FROM lead WHERE ruleset_version < $1 ORDER BY ruleset_version, id LIMIT $2
   FOR UPDATE SKIP LOCKED
"""

# The instant up to which timers may act: the least of all partitions.
WATERMARK = "SELECT min(watermark_ms) FROM consumer_partition WHERE topic = $1"

LIVE_VERSION = "SELECT version FROM ruleset_live"

NOW_MS = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"

# On assignment: one more epoch, so that the former owner's claims fail.
OWN_PARTITIONS = """
UPDATE consumer_partition p SET epoch = epoch + 1
 WHERE topic = $1 AND partition = ANY($2::int[])
RETURNING partition, next_offset, epoch, cluster_id
"""

ADD_PARTITIONS = """
INSERT INTO consumer_partition (topic, partition, cluster_id, next_offset, erased_ms)
SELECT $1, new.partition, $2, new.next_offset,
       coalesce((SELECT max(erased_ms) FROM erased_identifier), 0)
  FROM unnest($3::int[], $4::bigint[]) AS new(partition, next_offset)
ON CONFLICT DO NOTHING
"""

# Partitions without lag: time has passed for them up to here.
RAISE_WATERMARKS = """
UPDATE consumer_partition p SET watermark_ms = greatest(p.watermark_ms, new.watermark_ms)
  FROM unnest($2::int[], $3::bigint[], $4::bigint[]) AS new(partition, epoch, watermark_ms)
 WHERE p.topic = $1 AND p.partition = new.partition AND p.epoch = new.epoch
"""
