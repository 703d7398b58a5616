"""The statement that finds all leads of a person."""

from __future__ import annotations

# All leads of a person: what was merged with them, before the order or since.
PERSON_LEADS = """
WITH RECURSIVE person(id) AS (
    SELECT unnest($1::uuid[])
     UNION
    SELECT next.id FROM person CROSS JOIN LATERAL (
        SELECT l.id FROM lead l WHERE l.merged_into = person.id
         UNION ALL
        SELECT l.merged_into FROM lead l WHERE l.id = person.id AND l.merged_into IS NOT NULL
    ) AS next)
SELECT id FROM person
"""
