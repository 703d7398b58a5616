// The browser tracker. Served as /beacon.js without comments and indentation (beacon.py), so a
// comment stands on lines of its own, and no string spans lines. Plain ES2017, no dependency.
// It must never break the page: whatever is called from outside is wrapped in `safely`.
(function () {
  "use strict";
  const doc = document, nav = navigator;
  const script = doc.currentScript || doc.querySelector("script[data-write-key]");
  const early = window.leadscore;
  if (!script || (early && early.track)) return;

  const setting = (name) => script.getAttribute("data-" + name);
  const endpoint = (setting("endpoint") || new URL(script.src, location.href).origin).replace(/\/$/, "");
  const gpc = nav.globalPrivacyControl === true;

  const safely = (run) => (...given) => {
    try {
      return run(...given);
    } catch (error) {}
  };

  // What is kept in the browser: leadscore_consent ("1" or "0", the visitor's answer), and only
  // with consent leadscore_id and leadscore_visit. Where storage is blocked, all of it lives as
  // long as the page does.
  const read = safely((name) => localStorage.getItem(name));
  const write = safely((name, value) => localStorage.setItem(name, value));
  const remove = safely((name) => localStorage.removeItem(name));

  // randomUUID exists on secure pages only.
  const uuid = () => {
    try {
      return crypto.randomUUID();
    } catch (error) {
      return [Date.now(), Math.random(), Math.random()].map((n) => n.toString(36).slice(2)).join("");
    }
  };

  // Consent. The visitor's answer (maybe given in another tab just now) counts before the page's
  // setting, and Global Privacy Control before both.
  let answer;
  const allowed = () => {
    answer = read("leadscore_consent") || answer;
    return !gpc && (answer ? answer === "1" : setting("consent") === "granted");
  };

  let anonymous, visit, user;
  const anonymousId = () => {
    if (!allowed()) return;
    const kept = read("leadscore_id");
    if (kept) return kept;
    anonymous = anonymous || uuid();
    write("leadscore_id", anonymous);
    return anonymous;
  };
  const forget = () => {
    anonymous = visit = user = undefined;
    remove("leadscore_id");
    remove("leadscore_visit");
  };

  const campaignNow = () => {
    const found = {};
    new URLSearchParams(location.search).forEach((value, name) => {
      const known = /^(?:utm_(\w+)|(\w+cl[ik]+d|[gw]braid|li_fat_id))$/.exec(name);
      if (known) found[known[1] === "campaign" ? "name" : known[1] || known[2]] = value.slice(0, 500);
    });
    return Object.keys(found).length ? found : undefined;
  };

  // A visit remembers where it began: it ends after 30 minutes of silence, or when the visitor
  // comes in by a campaign again.
  const currentVisit = (arriving) => {
    const now = Date.now();
    visit = safely(JSON.parse)(read("leadscore_visit")) || visit;
    if (!visit || now - visit.at > 18e5 || (arriving && campaignNow())) {
      visit = { landing: address(), referrer: doc.referrer, campaign: campaignNow() };
    }
    visit.at = now;
    write("leadscore_visit", JSON.stringify(visit));
    return visit;
  };

  const address = () => location.href.split("#")[0];
  let referrer = doc.referrer, lastAddress;
  const context = (arriving) => {
    const consented = allowed();
    const began = consented ? currentVisit(arriving) : {};
    return {
      page: {
        url: address(), path: location.pathname, title: doc.title, referrer,
        landing: began.landing, landing_referrer: began.referrer,
      },
      campaign: consented ? began.campaign : campaignNow(),
      locale: nav.language,
      consent: { granted: consented, gpc: gpc || undefined },
    };
  };

  // Sending. A waiting event is JSON already. Refused for now (429, 5xx, no network): again with
  // the same message ids, after 2, 4, 8, 16, 32 seconds, or with whatever is sent next.
  let waiting = [], tries = 0, timer;
  const flush = safely((leaving) => {
    clearTimeout(timer);
    const batch = waiting.splice(0, 20);
    if (!batch.length) return;
    const head = JSON.stringify({ writeKey: setting("write-key"), sentAt: new Date() });
    const body = head.slice(0, -1) + ',"batch":[' + batch + "]}";
    const url = endpoint + "/collect";
    const later = () => {
      waiting = batch.concat(waiting).slice(0, 100);
      if (tries++ < 5) timer = setTimeout(flush, 1e3 * 2 ** tries);
    };
    if (leaving && nav.sendBeacon && nav.sendBeacon(url, body)) return flush(leaving);
    fetch(url, { method: "POST", body, keepalive: true, credentials: "omit" }).then((reply) => {
      if (reply.status === 429 || reply.status > 499) return later();
      tries = 0;
      flush();
    }, later);
  });
  const send = (type, more, leaving) => {
    const event = {
      type, messageId: uuid(), timestamp: new Date(),
      anonymousId: anonymousId(), userId: user, context: context(),
    };
    waiting.push(JSON.stringify(Object.assign(event, more)));
    flush(leaving);
  };
  const passive = (event, properties) => {
    if (allowed()) send("track", { event, properties });
  };

  // Page views, and how long the page was really seen: `seconds` since the last page_left of this
  // view (so they add up), `total_seconds` of the view.
  let view, viewed, shownAt, seen, left;
  const inSeconds = (ms) => Math.round(ms / 100) / 10;
  const show = () => {
    if (doc.visibilityState !== "hidden") shownAt = shownAt || performance.now();
  };
  const hide = () => {
    const ms = shownAt ? performance.now() - shownAt : 0;
    const again = left;
    if (ms) left = true;
    shownAt = 0;
    seen += ms;
    if (view && allowed() && (again ? ms > 999 : ms)) {
      const properties = { seconds: inSeconds(ms), total_seconds: inSeconds(seen), view_id: view };
      send("track", { event: "page_left", properties, context: viewed }, true);
    }
    flush(true);
  };
  const viewPage = (properties) => {
    if (lastAddress && lastAddress !== address()) referrer = lastAddress;
    lastAddress = address();
    shownAt = seen = 0;
    view = left = undefined;
    show();
    if (!allowed()) return;
    view = uuid();
    viewed = context(true);
    send("page", { messageId: view, properties, context: viewed });
  };

  // Links: files are downloads, other hosts are outbound.
  const FILES = /\.(pdf|epub|docx?|xlsx?|pptx?|od[tsp]|csv|zip|t?gz|dmg|exe|msi|mp[34]|mov)$/i;
  const clicked = (click) => {
    const link = click.target.closest("a[href]");
    if (!link || click.button > 1 || !/^https?:$/.test(link.protocol)) return;
    const url = link.href.split("#")[0], text = link.textContent.trim().slice(0, 200);
    const content = link.getAttribute("data-leadscore-content");
    if (content || link.hasAttribute("download") || FILES.test(link.pathname)) {
      const title = text || link.pathname.split("/").pop();
      passive("content_downloaded", { content_id: content || link.pathname, title, url });
    } else if (link.host !== location.host) {
      passive("link_clicked", { url, text, outbound: true });
    }
  };

  // Forms marked with data-leadscore-form="name". One that posts to /v1/forms/ itself only gets
  // the ids and the page as hidden fields. A second submit within two seconds is a double click.
  const SECRET = /passw|pwd|secret|token|csrf|nonce|captcha|card.?num|cvc|cvv|iban|ssn/i;
  const SECRET_FIELDS = "[type=password],[autocomplete*=password],[autocomplete^=cc-],[data-leadscore-ignore]";
  let lastForm, lastAt, lastId;
  const hidden = (form, name, value) => {
    let input = form.querySelector("[name=" + name + "]");
    if (!input) {
      input = form.appendChild(doc.createElement("input"));
      input.type = "hidden";
      input.name = name;
    }
    input.value = value || "";
  };
  const submitted = (submit) => {
    const form = submit.target, name = form.getAttribute("data-leadscore-form");
    if (name === null) return;
    const twice = form === lastForm && Date.now() - lastAt < 2e3;
    lastForm = form;
    lastAt = Date.now();
    lastId = twice ? lastId : uuid();
    const action = new URL(form.getAttribute("action") || "", location.href).href;
    if (action.indexOf(endpoint + "/v1/forms/") === 0) {
      hidden(form, "_message_id", lastId);
      hidden(form, "_anonymous_id", anonymousId());
      hidden(form, "_context", JSON.stringify(context()));
      return;
    }
    if (twice) return;
    const secret = {}, fields = {};
    doc.querySelectorAll(SECRET_FIELDS).forEach((field) => (secret[field.name] = true));
    new FormData(form).forEach((value, field) => {
      if (typeof value !== "string" || SECRET.test(field) || secret[field]) return;
      fields[field] = (field in fields ? fields[field] + ", " : "") + value.slice(0, 1000);
    });
    const event = form.getAttribute("data-leadscore-event") || undefined;
    send("form", { messageId: lastId, form: name, event, fields });
  };

  const api = {
    identify(id, traits) {
      if (id && typeof id === "object") [id, traits] = [undefined, id];
      user = id ? String(id) : user;
      send("identify", { traits });
    },
    // Without consent there is no anonymous id, so it goes only for a person the page identified.
    track(event, properties) {
      if (allowed() || user) send("track", { event, properties });
    },
    // For pages that change without loading: call it after the address has changed.
    page(properties) {
      hide();
      viewPage(properties);
    },
    consent(given) {
      answer = given ? "1" : "0";
      write("leadscore_consent", answer);
      if (!given) view = forget();
      else if (started && !view) viewPage();
    },
    // When a person signs out: whoever comes next is somebody else.
    reset: forget,
    anonymousId,
  };

  let started;
  const start = safely(() => {
    if (doc.prerendering) return doc.addEventListener("prerenderingchange", start, { once: true });
    started = true;
    viewPage();
  });
  const listen = (target, name, run) => target.addEventListener(name, safely(run), true);
  listen(doc, "click", clicked);
  listen(doc, "auxclick", clicked);
  listen(doc, "submit", submitted);
  listen(doc, "visibilitychange", () => (doc.visibilityState === "hidden" ? hide() : show()));
  listen(window, "pagehide", hide);
  listen(window, "pageshow", (shown) => shown.persisted && viewPage());

  Object.keys(api).forEach((name) => (api[name] = safely(api[name])));
  // Calls made before this file came: (leadscore = window.leadscore || []).push(["track", …]).
  api.push = (call) => api[call[0]](...call.slice(1));
  window.leadscore = api;
  if (gpc) forget();
  if (Array.isArray(early)) early.forEach(safely(api.push));
  // The title may come after the script.
  if (doc.readyState === "loading") listen(doc, "DOMContentLoaded", start);
  else start();
})();
