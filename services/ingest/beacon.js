// The browser tracker. Served as /beacon.js, made small by `make beacon` (beacon.min.js).
// Plain ES2017, no dependency.
// It must never break the page: whatever is called from outside is wrapped in `safely`.
(function () {
  "use strict";
  const doc = document, nav = navigator;
  const script = doc.currentScript || doc.querySelector("script[data-write-key]");
  const early = window.leadscore;
  if (!script || (early && early.track)) return;

  const setting = (name) => script.getAttribute("data-" + name);
  const endpoint = (setting("endpoint") || new URL(script.src, location.href).origin).replace(/\/$/, "");
  const gpc = nav.globalPrivacyControl === true, dnt = nav.doNotTrack === "1";

  const safely = (run) => (...given) => {
    try {
      return run(...given);
    } catch (error) {}
  };

  // What is kept in the browser: leadscore_consent ("1" or "0", the visitor's answer), and only
  // with consent leadscore_id, leadscore_visit and leadscore_queue. Where storage is blocked, all of
  // it lives as long as the page does.
  const read = safely((name) => localStorage.getItem(name));
  const write = safely((name, value) => localStorage.setItem(name, value));
  const remove = safely((name) => localStorage.removeItem(name));
  const parsed = safely((name) => JSON.parse(read(name)));

  // Cookies, for all hosts of the site: with consent the id and the answer "1"; of a no that has to
  // be known on the other hosts, too, the answer "0". Their domain is the widest one that the
  // browser takes a cookie for.
  const bake = (name, value, age, domain) => {
    const secure = location.protocol === "https:" ? ";secure" : "";
    doc.cookie = name + "=" + value + ";path=/;samesite=lax;max-age=" + age + ";domain=" + domain + secure;
  };
  const shared = safely((name) => (("; " + doc.cookie).split("; " + name + "=")[1] || "").split(";")[0]);
  let domain;
  const site = () => {
    if (domain !== undefined) return domain;
    domain = "";
    const parts = location.hostname.split(".");
    if (setting("cookies") === "off" || /\d$|]$/.test(location.hostname)) return domain;
    for (let n = 2; n <= parts.length && !domain; n++) {
      const wider = parts.slice(-n).join(".");
      bake("leadscore_try", 1, 9, wider);
      if (shared("leadscore_try")) domain = wider;
      bake("leadscore_try", "", 0, wider);
    }
    return domain;
  };
  const share = safely((name, value) => site() && bake(name, value, value ? 34e6 : 0, site()));

  // randomUUID exists on secure pages only.
  const uuid = () => {
    try {
      return crypto.randomUUID();
    } catch (error) {
      return [Date.now(), Math.random(), Math.random()].map((n) => n.toString(36).slice(2)).join("");
    }
  };

  // Consent. The visitor's answer (maybe given in another tab just now, or on another host of the
  // site) counts before the page's setting and Do Not Track, and Global Privacy Control before all.
  let answer;
  const allowed = () => {
    const here = read("leadscore_consent"), everywhere = shared("leadscore_consent");
    answer = everywhere || here || answer;
    if (everywhere && everywhere !== here) {
      write("leadscore_consent", answer);
      if (answer === "0") forget();
    }
    return !gpc && (answer ? answer === "1" : !dnt && setting("consent") === "granted");
  };

  let anonymous, visit, user;
  const anonymousId = () => {
    if (!allowed()) return;
    anonymous = shared("leadscore_id") || read("leadscore_id") || anonymous || uuid();
    if (read("leadscore_id") !== anonymous || !shared("leadscore_id")) {
      write("leadscore_id", anonymous);
      share("leadscore_id", anonymous);
    }
    return anonymous;
  };
  // Browsers let cookies of scripts die within days: so once on every page.
  const renew = () => {
    if (!allowed()) return;
    if (answer) share("leadscore_consent", answer);
    share("leadscore_id", anonymousId());
  };
  const forget = () => {
    anonymous = visit = user = undefined;
    waiting = [];
    ["id", "visit", "queue"].forEach((name) => remove("leadscore_" + name));
    if (shared("leadscore_id")) share("leadscore_id", "");
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
  // comes in by another campaign.
  const currentVisit = (arriving) => {
    const now = Date.now(), campaign = campaignNow();
    visit = parsed("leadscore_visit") || visit;
    const other = campaign && (!visit || JSON.stringify(campaign) !== JSON.stringify(visit.campaign));
    if (!visit || now - visit.at > 18e5 || (arriving && other)) {
      const number = visit ? visit.number + 1 : 1;
      visit = { id: uuid(), number, landing: address(), referrer: doc.referrer, campaign };
    }
    goesOn();
    return visit;
  };
  const goesOn = () => {
    visit.at = Date.now();
    write("leadscore_visit", JSON.stringify(visit));
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
      session: consented ? { id: began.id, number: began.number } : undefined,
      locale: nav.language,
      timezone: safely(() => Intl.DateTimeFormat().resolvedOptions().timeZone)(),
      webdriver: nav.webdriver || undefined,
      consent: { granted: consented, gpc: gpc || undefined },
    };
  };

  // Sending. A waiting event is JSON already. Refused for now (429, 5xx, no network): again with
  // the same message ids, after 2, 4, 8, 16, 32 seconds, with whatever is sent next, when the
  // network is back, or from the next page: with consent they are kept until they are sent. Two tabs
  // may send the same: by their ids they count once.
  let waiting = [], tries = 0, timer;
  const queue = () => parsed("leadscore_queue") || [];
  const keep = (done) => {
    const kept = queue().filter((one) => done.indexOf(one) < 0);
    const all = kept.concat(waiting.filter((one) => kept.indexOf(one) < 0)).slice(0, 100);
    if (all.length && allowed()) write("leadscore_queue", JSON.stringify(all));
    else remove("leadscore_queue");
  };
  const flush = safely((leaving) => {
    clearTimeout(timer);
    const batch = waiting.splice(0, 20);
    if (!batch.length) return;
    const head = JSON.stringify({ writeKey: setting("write-key"), sentAt: new Date() });
    const body = head.slice(0, -1) + ',"batch":[' + batch + "]}";
    const url = endpoint + "/collect";
    const later = () => {
      waiting = batch.concat(waiting).slice(0, 100);
      keep([]);
      if (tries++ < 5) timer = setTimeout(flush, 1e3 * 2 ** tries);
    };
    // Offline, a browser takes a beacon and loses it.
    if (leaving && nav.onLine === false) return later();
    if (leaving && nav.sendBeacon && nav.sendBeacon(url, body)) return flush(leaving);
    fetch(url, { method: "POST", body, keepalive: true, credentials: "omit" }).then((reply) => {
      if (reply.status === 429 || reply.status > 499) return later();
      if (read("leadscore_queue")) keep(batch);
      tries = 0;
      flush();
    }, later);
  });
  const send = (type, more, leaving) => {
    const event = {
      type, messageId: uuid(), timestamp: new Date(),
      anonymousId: anonymousId(), userId: user, context: more.context || context(),
    };
    waiting.push(JSON.stringify(Object.assign(event, more)));
    flush(leaving);
  };
  const passive = (event, properties) => {
    if (allowed()) send("track", { event, properties });
  };

  // Page views, and how long the page was really looked at: visible, in focus, and at most a minute
  // beyond the last sign of life. `seconds` since the last page_left of this view (so they add up),
  // `total_seconds` of the view.
  let view, viewed, shownAt, seen, told, deepest, going = 0;
  const inSeconds = (ms) => Math.round(ms / 100) / 10;
  const alive = () => {
    const now = performance.now();
    if (shownAt) seen += Math.min(now - shownAt, 6e4);
    shownAt = doc.visibilityState !== "hidden" && doc.hasFocus() ? now : 0;
  };
  const depth = () => {
    const height = doc.documentElement.scrollHeight;
    return Math.min(100, Math.round((100 * (scrollY + innerHeight)) / height)) || 0;
  };
  const hide = (event) => {
    alive();
    const ms = seen - told;
    if (view && allowed() && ms > (told && 999)) {
      told = seen;
      visit = parsed("leadscore_visit") || visit;
      if (visit && Date.now() - visit.at - ms < 18e5) goesOn();
      const properties = {
        seconds: inSeconds(ms), total_seconds: inSeconds(seen), view_id: view,
        scroll_percent: Math.max(deepest, depth()),
        exit: (event && event.type === "pagehide" && Date.now() - going > 3e3) || undefined,
      };
      send("track", { event: "page_left", properties, context: viewed }, true);
    }
    flush(true);
  };
  const viewPage = safely((properties) => {
    if (lastAddress && lastAddress !== address()) referrer = lastAddress;
    lastAddress = address();
    shownAt = seen = told = deepest = 0;
    view = undefined;
    alive();
    if (!allowed()) return;
    view = uuid();
    viewed = context(true);
    send("page", { messageId: view, properties, context: viewed });
  });

  // Pages that change without loading. The title comes a moment after the address, and a page that
  // tells of itself by `page` is believed.
  let moving, byItself;
  const moved = safely(() => {
    if (!started || setting("spa") === "off" || address() === lastAddress) return;
    clearTimeout(moving);
    hide();
    moving = setTimeout(() => {
      byItself = address();
      viewPage();
    }, 100);
  });
  ["pushState", "replaceState"].forEach((name) => {
    const was = history[name];
    history[name] = function () {
      const result = was.apply(history, arguments);
      moved();
      return result;
    };
  });

  // A quarter, a half, three quarters, all of a page or a video: each once, the furthest of those
  // reached at once.
  const newly = (percent, before) => [100, 75, 50, 25].find((one) => percent >= one && before < one);
  const scrolled = () => {
    const now = depth(), percent = newly(now, deepest);
    deepest = Math.max(deepest, now);
    if (percent) passive("page_scrolled", { percent, view_id: view });
  };
  // Not of what plays by itself, over and over.
  const videos = new WeakMap();
  const watched = (event) => {
    const video = event.target, url = video.currentSrc;
    if (video.tagName !== "VIDEO" || video.loop || !(video.duration < 1e6)) return;
    const kept = videos.get(video) || {}, before = kept.url === url ? kept.percent : 0;
    const percent = newly(event.type === "ended" ? 100 : (99 * video.currentTime) / video.duration, before);
    if (!percent) return;
    videos.set(video, { url, percent });
    const title = video.title || video.getAttribute("aria-label") || url.split("/").pop();
    const content = video.getAttribute("data-leadscore-content") || undefined;
    passive("video_watched", { percent, title, url, content_id: content, duration: inSeconds(1e3 * video.duration) });
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
    } else going = Date.now();
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
  const isCard = (text) => {
    const digits = text.replace(/[ -]/g, "");
    const sum = (total, digit, at) => total + (at % 2 ? (digit * 2) % 10 + (digit > 4) : +digit);
    return /^\d{13,19}$/.test(digits) && digits.split("").reverse().reduce(sum, 0) % 10 === 0;
  };
  const submitted = (submit) => {
    going = Date.now();
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
      if (typeof value !== "string" || SECRET.test(field) || secret[field] || isCard(value)) return;
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
    // A page view by hand; what was just told of by itself isn't told again.
    page(properties) {
      clearTimeout(moving);
      const again = byItself === address();
      byItself = "";
      if (again) return;
      hide();
      viewPage(properties);
    },
    consent(given) {
      answer = given ? "1" : "0";
      write("leadscore_consent", answer);
      if (given) renew();
      else if (shared("leadscore_consent") || setting("consent") === "granted") share("leadscore_consent", "0");
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
    renew();
    if (allowed()) waiting = queue().concat(waiting);
    viewPage();
  });
  const listen = (target, name, run) => target.addEventListener(name, safely(run), true);
  listen(doc, "click", clicked);
  listen(doc, "auxclick", clicked);
  listen(doc, "submit", submitted);
  listen(doc, "timeupdate", watched);
  listen(doc, "ended", watched);
  listen(doc, "visibilitychange", () => (doc.visibilityState === "hidden" ? hide() : alive()));
  listen(window, "scroll", scrolled);
  ["pointermove", "pointerdown", "keydown", "scroll", "timeupdate", "focus", "blur"].forEach((name) =>
    listen(window, name, alive));
  listen(window, "online", () => flush());
  listen(window, "popstate", moved);
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
