// Takes what leadscore sends, by webhook or from Kafka. Copy this file; it needs Node 18 alone.
//
//   const inbox = new Inbox();                        // keep it in your database: see Inbox
//
//   function onRequest(headers, body) {               // body: a Buffer, as it came
//     const message = verify(SECRETS, headers, body); // throws Refused: answer 401
//     if (inbox.wants(message)) {
//       actOn(message.type, message.data);            // if this throws, answer 500: it comes again
//       inbox.done(message);
//     }                                               // answer 204
//   }
//
//   // Kafka, reading committed records: fromKafka(record.headers, record.value)

import { createHmac, timingSafeEqual } from "node:crypto";

export const TOLERANCE_SECONDS = 300;

/** It isn't leadscore's, or it is old. Do nothing with it. */
export class Refused extends Error {}

/**
 * A webhook's message: {id, type, timestamp, data}. Throws Refused.
 * secrets: yours, "whsec_…"; while you change it, the new one and the old one.
 * headers: of Node's http, or a Headers. body: a Buffer, not parsed and written again.
 */
export function verify(secrets, headers, body, now = Date.now() / 1000, tolerance = TOLERANCE_SECONDS) {
  const pairs = typeof headers.entries === "function" ? headers.entries() : Object.entries(headers);
  const given = new Map([...pairs].map(([name, value]) => [name.toLowerCase(), String(value)]));
  for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"])
    if (!given.has(name)) throw new Refused(`the header ${name} is missing`);
  const id = given.get("webhook-id");
  const at = given.get("webhook-timestamp");
  if (!/^[0-9]+$/.test(at)) throw new Refused("webhook-timestamp is no number");
  if (!(Math.abs(now - Number(at)) <= tolerance))
    throw new Refused("webhook-timestamp is too far from now");
  const signed = Buffer.concat([Buffer.from(`${id}.${at}.`), Buffer.from(body)]);
  const expected = secrets.map((secret) =>
    createHmac("sha256", Buffer.from(secret.replace(/^whsec_/, ""), "base64")).update(signed).digest(),
  );
  const found = given.get("webhook-signature").split(" ").slice(0, 20).map(signature);
  // Whole signatures only: a part of one is none.
  const right = expected.some((one) =>
    found.some((other) => other.length === one.length && timingSafeEqual(one, other)),
  );
  if (!right) throw new Refused("no signature is right");
  return { ...JSON.parse(Buffer.from(body).toString("utf8")), id };
}

/** A record's message: {id, type, timestamp, data}, as by webhook; type is CloudEvents'. */
export function fromKafka(headers, value) {
  const text = (name) => {
    if (headers[name] === undefined) throw new Refused(`the header ${name} is missing`);
    return headers[name].toString();
  };
  return {
    id: text("ce_id"),
    type: text("ce_type"),
    timestamp: text("ce_time"),
    data: JSON.parse(value.toString()),
  };
}

/**
 * What has been taken already. This one forgets when the process ends: two tables with these keys,
 * written in the transaction in which you act, never do.
 */
export class Inbox {
  #done = new Map(); // message id → true
  #newest = new Map(); // lead id → sequence
  #most;

  constructor(most = 100_000) {
    this.#most = most;
  }

  /** False for what came before, and for where a lead stood before what came before. */
  wants(message) {
    if (this.#done.has(message.id)) return false;
    const number = numberOf(message);
    return number === null || number >= (this.#newest.get(message.data.lead_id) ?? 0);
  }

  /** Call it once you have acted. */
  done(message) {
    this.#note(this.#done, message.id, true);
    const number = numberOf(message);
    if (number === null) return;
    const lead = message.data.lead_id;
    this.#note(this.#newest, lead, Math.max(number, this.#newest.get(lead) ?? 0));
  }

  #note(memory, key, value) {
    memory.delete(key);
    memory.set(key, value);
    if (memory.size > this.#most) memory.delete(memory.keys().next().value);
  }
}

// Where a lead stands is told in one sequence. All else is to be acted on whenever it comes: a
// hand-off that waited, or was sent again, bears the number of its stage change.
function numberOf(message) {
  const stands = /^(com\.leadscore\.)?lead\.(stage[-_]changed|merged|unmerged)/.test(message.type);
  return stands ? message.data.sequence : null;
}

function signature(text) {
  const [version, encoded] = text.split(",", 2);
  const whole = version === "v1" && /^[A-Za-z0-9+/]{43}=$/.test(encoded ?? "");
  return whole ? Buffer.from(encoded, "base64") : Buffer.alloc(0);
}
