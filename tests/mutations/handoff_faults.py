"""Faults in what follows a hand-off: rows, packets, delivery, sequences, sales and its reports."""

from __future__ import annotations

from tests.mutations.fault import Fault

ROUTER = "services/router"
SEQUENCES = f"{ROUTER}/sequences"
TESTS = "tests/unit/router"

TABLE_FAULTS = (
    Fault(
        "a stage beside the ladder is entered from anywhere",
        "services/scorer/core/sides.py",
        "if side.come_from is not None and stage not in side.come_from:",
        "if False:",
        "tests/unit/scorer/test_side_stages.py",
    ),
    Fault(
        "rows act on what a recalculation found",
        f"{ROUTER}/table.py",
        "if fact.withheld or fact.merged_into is not None:",
        "if fact.merged_into is not None:",
        f"{TESTS}/test_decide.py",
    ),
    Fault(
        "a hand-off that waits for a name goes out",
        f"{ROUTER}/decide.py",
        "if fact.handoff is not None and not fact.waiting and not fact.suppressed:",
        "if fact.handoff is not None and not fact.suppressed:",
        f"{TESTS}/test_decide.py",
    ),
    Fault(
        "alerts of rows aren't sent",
        f"{ROUTER}/decide.py",
        "        told += (ALERT,)",
        "        pass",
        f"{TESTS}/test_decide.py",
    ),
    Fault(
        "a lead changes its owner with each hand-off",
        f"{ROUTER}/owners.py",
        "if lead.former in by_id:",
        "if lead.former is None:",
        f"{TESTS}/test_owners.py",
    ),
    Fault(
        "who is absent gets leads",
        f"{ROUTER}/owners.py",
        "if one.id not in but and not _is_absent(one, at_ms)",
        "if one.id not in but",
        f"{TESTS}/test_owners.py",
    ),
    Fault(
        "weights count for nothing",
        f"{ROUTER}/owners.py",
        "owner = min(pool, key=lambda one: (had[one.id] + 1) / one.weight)",
        "owner = min(pool, key=lambda one: had[one.id] + 1)",
        f"{TESTS}/test_owners.py",
    ),
    Fault(
        "who joins the team gets all leads for weeks",
        f"{ROUTER}/owners.py",
        "had = {one.id: max(given.get(one.id, 0), int(most * one.weight - 1)) for one in pool}",
        "had = {one.id: given.get(one.id, 0) for one in pool}",
        f"{TESTS}/test_owners.py",
    ),
    Fault(
        "a bounce hides that it is a competitor",
        f"{ROUTER}/suppression.py",
        'if said and said != "email_bounced":',
        "if said:",
        f"{TESTS}/test_suppression.py",
    ),
    Fault(
        "a mail that was delivered wakes a dormant lead",
        "shared/event_types.py",
        '    "email_delivered", "email_bounced", "proposal_sent",',
        '    "email_bounced", "proposal_sent",',
        "tests/unit/scorer/test_handoff_rows.py",
    ),
    Fault(
        "what a person said counts under one of its ids alone",
        f"{ROUTER}/standings.py",
        "for lead_id, person in whose.items():",
        "for lead_id, person in zip(whose, whose, strict=True):",
        "tests/integration/router/test_merged_people.py",
    ),
    Fault(
        "sales is at work under one id of a person alone",
        "shared/sales_activity.py",
        "JOIN handoff AS h ON h.lead_id = f.id",
        "JOIN handoff AS h ON h.lead_id = f.lead_id",
        "tests/integration/router/test_merged_people.py",
    ),
    Fault(
        "what waited for Kafka isn't looked at again",
        f"{ROUTER}/build.py",
        "    if why:\n        LEFT_OUT",
        "    if why and False:\n        LEFT_OUT",
        "tests/integration/router/test_merged_people.py",
    ),
    Fault(
        "a wait that was dropped goes out",
        f"{ROUTER}/build.py",
        "elif each.row.id in dropped:",
        "elif False:",
        "tests/integration/router/test_rows.py",
    ),
    Fault(
        "start and stop in one chunk leave a lead on a sequence",
        f"{ROUTER}/effects.py",
        "        number = seen[effect.lead_id]\n",
        "        number = 0\n",
        "tests/integration/router/test_unreadable.py",
    ),
    Fault(
        "new rules hand companies over",
        "services/scorer/account_facts.py",
        "withheld = by_rules and not hand_off",
        "withheld = False",
        "tests/integration/scorer/test_account_facts.py",
    ),
    Fault(
        "a company without a name waits for nothing",
        "services/scorer/account_work.py",
        "waits[key] = changes[key] if told.waits else None",
        "waits[key] = None",
        "tests/integration/scorer/test_account_facts.py",
    ),
    Fault(
        "small deals go to who takes large ones alone",
        f"{ROUTER}/owners.py",
        "if worth is None or worth < owner.least_value:",
        "if worth is None:",
        f"{TESTS}/test_owners.py",
    ),
    Fault(
        "the company's owner doesn't come first",
        f"{ROUTER}/owners.py",
        "if team.rules.company_first and lead.of_company in",
        "if not team.rules.company_first and lead.of_company in",
        f"{TESTS}/test_owners.py",
    ),
    Fault(
        "owners at work don't go before others",
        f"{ROUTER}/owners.py",
        "pool = [one for one in fitting if _works(one.hours, at_ms)] or fitting",
        "pool = fitting",
        f"{TESTS}/test_owners.py",
    ),
    Fault(
        "competitors are handed over",
        f"{ROUTER}/suppression.py",
        'return "competitor"',
        'return ""',
        f"{TESTS}/test_suppression.py",
    ),
    Fault(
        "people of a competitor's subdomain are handed over",
        f"{ROUTER}/suppression.py",
        'domain == name or domain.endswith(f".{name}")',
        "domain == name",
        f"{TESTS}/test_suppression.py",
    ),
    Fault(
        "stages whose leads are left alone are not",
        f"{ROUTER}/suppression.py",
        "if lead.stage in (suppress.stages or ()):",
        "if lead.stage in ():",
        f"{TESTS}/test_suppression.py",
    ),
)

PACKET_FAULTS = (
    Fault(
        "addresses stand in titles",
        f"{ROUTER}/packet.py",
        "return packet if clean == told else HandOff.model_validate(clean)",
        "return packet",
        f"{TESTS}/test_packet_secrets.py",
    ),
    Fault(
        "what follows a URL's path is told",
        f"{ROUTER}/scrubbing.py",
        '    text = _AFTER_PATH.sub(r"\\1", text)\n',
        "",
        f"{TESTS}/test_packet_secrets.py",
    ),
    Fault(
        "packets have no bound",
        f"{ROUTER}/packet.py",
        "    return _fitted(_clean(packet))",
        "    return _clean(packet)",
        f"{TESTS}/test_packet_size.py",
    ),
    Fault(
        "the percentile counts equals as below",
        f"{ROUTER}/percentiles.py",
        "bisect_left(self.scores, score - SAME)",
        "bisect_left(self.scores, score + SAME)",
        f"{TESTS}/test_percentiles.py",
    ),
)

DELIVERY_FAULTS = (
    Fault(
        "a broken receiver is never left alone",
        f"{ROUTER}/breaker.py",
        "elif circuit.is_open or circuit.failures + 1 >= BREAK_AFTER:",
        "elif circuit.is_open or circuit.failures + 1 >= BREAK_AFTER * 99:",
        f"{TESTS}/test_breaker.py",
    ),
    Fault(
        "attempts under way when a circuit opens open it again",
        f"{ROUTER}/breaker.py",
        "elif circuit.is_open and not outcome.was_probe:",
        "elif False:",
        f"{TESTS}/test_breaker.py",
    ),
    Fault(
        "410 is tried again",
        f"{ROUTER}/judging.py",
        "if gone or answer.give_up:",
        "if answer.give_up:",
        f"{TESTS}/test_judging.py",
    ),
    Fault(
        "what a receiver asked to wait is ignored",
        f"{ROUTER}/retries.py",
        "    if retry_after_s is not None:\n",
        "    if False:\n",
        f"{TESTS}/test_retries.py",
    ),
    Fault(
        "probes use up attempts",
        f"{ROUTER}/judging.py",
        "        spent -= 1  # not the message's fault",
        "        pass",
        f"{TESTS}/test_judging.py",
    ),
    Fault(
        "private addresses get through by NAT64",
        "shared/outbound/addresses.py",
        "if address in _TRANSLATED or address in _COMPATIBLE:",
        "if address in _COMPATIBLE:",
        "tests/unit/shared/outbound/test_addresses.py",
    ),
    Fault(
        "only the newest secret signs",
        "shared/outbound/signing.py",
        "for key in keys),",
        "for key in keys[:1]),",
        "tests/unit/shared/outbound/test_signing.py",
    ),
    Fault(
        "chats format what senders wrote",
        "shared/outbound/chat.py",
        'return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")',
        "return text",
        "tests/unit/shared/outbound/test_chat.py",
    ),
)

SEQUENCE_FAULTS = (
    Fault(
        "days are 24 hours, whatever clocks do",
        f"{SEQUENCES}/timing.py",
        "    return _ms(then)\n",
        "    return start_ms + days * DAY_MS\n",
        f"{TESTS}/test_sequence_timing.py",
    ),
    Fault(
        "caps allow one too many",
        f"{SEQUENCES}/timing.py",
        "if len(ordered) >= cap.times:",
        "if len(ordered) > cap.times:",
        f"{TESTS}/test_sequence_timing.py",
    ),
    Fault(
        "quiet hours end at midnight",
        f"{SEQUENCES}/timing.py",
        "inside = clock >= quiet.from_ or clock < quiet.to",
        "inside = clock >= quiet.from_",
        f"{TESTS}/test_sequence_timing.py",
    ),
    Fault(
        "the first step goes out at once",
        f"{SEQUENCES}/deciding.py",
        "now_ms, sequence.steps[0].day)",
        "now_ms, 0)",
        f"{TESTS}/test_sequence_deciding.py",
    ),
    Fault(
        "buyers get what is meant for before a purchase",
        f"{SEQUENCES}/deciding.py",
        '(choice.for_ or usual) in {mine, "all"}',
        '(choice.for_ or usual) in {mine, "all", "prospects"}',
        f"{TESTS}/test_sequence_deciding.py",
    ),
    Fault(
        "steps go out while sales is at work",
        f"{SEQUENCES}/deciding.py",
        "    if lead.sales_active:",
        "    if lead.sales_active and False:",
        f"{TESTS}/test_sequence_deciding.py",
    ),
    Fault(
        "an exit event before the sequence ends it",
        f"{SEQUENCES}/deciding.py",
        "if newest_ms is not None and newest_ms > since_ms:",
        "if newest_ms is not None:",
        f"{TESTS}/test_sequence_deciding.py",
    ),
    Fault(
        "a weekend makes steps late",
        f"{SEQUENCES}/deciding.py",
        "return first_allowed(planned_ms, zone, definition.written.hours, limits.quiet, (), ())",
        "return planned_ms",
        f"{TESTS}/test_sequence_deciding.py",
    ),
    Fault(
        "leads move to another version by the place of their step",
        "services/console/sequences/moving.py",
        "    if over:\n",
        "    if over and False:\n",
        "tests/unit/console/test_sequence_moving.py",
    ),
    Fault(
        "late steps go out, whatever the policy",
        f"{SEQUENCES}/deciding.py",
        'if late == "skip" and now_ms > _meant(definition, lead, planned_ms) + sequence.tolerance:',
        'if late == "never":',
        f"{TESTS}/test_sequence_deciding.py",
    ),
    Fault(
        "arms ignore their weights",
        f"{SEQUENCES}/deciding.py",
        "        point -= weight\n",
        "        point -= sum(sequence.arms.values()) / len(sequence.arms)\n",
        f"{TESTS}/test_sequence_deciding.py",
    ),
    Fault(
        "a choice for a stage goes to all",
        f"{SEQUENCES}/deciding.py",
        "    if choice.stage is not None and lead.stages.get(journey) not in choice.stage:\n"
        "        return False\n",
        "",
        f"{TESTS}/test_sequence_deciding.py",
    ),
    Fault(
        "the channel a lead prefers doesn't matter",
        f"{SEQUENCES}/deciding.py",
        "return next(wished, reaching[0][0])",
        "return next(iter(()), reaching[0][0])",
        f"{TESTS}/test_sequence_deciding.py",
    ),
    Fault(
        "who was on a sequence begins it again",
        f"{SEQUENCES}/deciding.py",
        "sequence.again_after is None or now_ms < before_ms + sequence.again_after",
        "False",
        f"{TESTS}/test_sequence_deciding.py",
    ),
)

SALES_FAULTS = (
    Fault(
        "links never expire",
        "shared/handoff_links.py",
        "if answer.ends_s < now_s:",
        "if answer.ends_s < 0:",
        "tests/unit/shared/test_handoff_links.py",
    ),
    Fault(
        "a link has many spellings",
        "shared/handoff_links.py",
        "if write_link(answer, key) != token:  # another",
        "if not token:  # another",
        "tests/unit/shared/test_handoff_links.py",
    ),
    Fault(
        "holidays are working days",
        "shared/working_time.py",
        " and day not in self.holidays:",
        ":",
        "tests/unit/shared/test_working_time.py",
    ),
    Fault(
        "working days are those of UTC",
        "shared/working_time.py",
        "zone = _zone(hours.time_zone)",
        'zone = _zone("UTC")',
        "tests/unit/shared/test_working_time.py",
    ),
    Fault(
        "intervals of shares are Wald's",
        "services/console/reports/statistics.py",
        "+ spread / (4 * whole)",
        "",
        "tests/unit/console/test_reports.py",
    ),
    Fault(
        "lift compares with the others, not with all",
        "services/console/reports/statistics.py",
        "ratio = (part / whole) / (cases / all_cases)",
        "ratio = (part / whole) / (other_part / max(1, other_whole) or 1)",
        "tests/unit/console/test_reports.py",
    ),
)

HANDOFF_FAULTS = (
    *TABLE_FAULTS,
    *PACKET_FAULTS,
    *DELIVERY_FAULTS,
    *SEQUENCE_FAULTS,
    *SALES_FAULTS,
)
