// Keeps a page current, and never takes anything from under the hands of whoever uses it: no typed word, no
// focus, no selection, and nothing moves while a button may be about to be pressed.
"use strict";

(() => {
  const every = Number(document.body.dataset.live);
  if (!every) return;

  const SLOWEST = 15000;
  const UNTOUCHED = 15000; // after so long without anybody at the page, what is over may be cleared away
  const byId = (id) => document.getElementById(id);
  const cards = () => document.querySelector("[data-cards]");
  const parse = (text) => new DOMParser().parseFromString(text, "text/html");

  let tag = "";
  let skew = 0; // the server's clock less this one, in milliseconds
  let failures = 0;
  let touched = true;
  let lastTouch = Date.now();

  // What the server last sent for each part that is replaced whole.
  const served = new Map();
  for (const part of document.querySelectorAll("[data-swap]")) served.set(part.id, part.outerHTML);

  const since = new WeakMap();

  for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    addEventListener(kind, () => { touched = true; lastTouch = Date.now(); }, { capture: true, passive: true });
  }

  function say(words) {
    byId("told").textContent = words;
  }

  function warn(words) {
    const trouble = byId("trouble");
    if (trouble.textContent !== words) trouble.textContent = words;
    trouble.hidden = !words;
  }

  function name(card) {
    const subject = card.querySelector(".subject");
    return `${card.querySelector("h2").textContent.trim()} ${subject ? subject.textContent.trim() : ""}`.trim();
  }

  // A request that can no longer be settled stays where it is, so that nothing below it moves up.
  function close(card, words) {
    if (card.dataset.standing === "over") return;
    card.dataset.standing = "over";
    card.classList.add("over");
    const left = card.querySelector(".left");
    if (left) left.textContent = "over";
    const reason = card.querySelector("textarea");
    if (reason) reason.readOnly = true;
    for (const button of card.querySelectorAll(".buttons button")) button.setAttribute("aria-disabled", "true");
    const place = card.querySelector(".buttons") || card.querySelector(".decide");
    const verdict = document.createElement("p");
    verdict.className = "verdict";
    verdict.textContent = words;
    place.append(verdict);
    say(`${words} ${name(card)}`);
  }

  async function gone(card) {
    const address = `/approvals/${card.dataset.request}`;
    let words = "This request is over.";
    try {
      const response = await fetch(address, { headers: { "X-Live": "idle" }, cache: "no-store" });
      const outcome = response.ok && parse(await response.text()).querySelector(".outcome");
      if (outcome) words = outcome.textContent.trim();
    } catch {
      // The words above are true all the same.
    }
    close(card, words);
  }

  function inUse(part) {
    const chosen = getSelection();
    const selecting = chosen && !chosen.isCollapsed && chosen.containsNode(part, true);
    return part.contains(document.activeElement) || selecting;
  }

  function swap(fresh) {
    for (const part of document.querySelectorAll("[data-swap]")) {
      const next = fresh.getElementById(part.id);
      if (!next || next.outerHTML === served.get(part.id)) continue;
      if (inUse(part)) {
        tag = ""; // sent again, and taken over when nobody is at it
        continue;
      }
      served.set(part.id, next.outerHTML);
      part.replaceWith(document.importNode(next, true));
    }
  }

  function renew(list, fresh) {
    const arrived = [];
    for (const next of fresh.querySelectorAll("[data-cards] > [data-request]")) {
      const card = byId(next.id);
      if (!card) {
        list.append(document.importNode(next, true));
        if (next.dataset.mine === "no") arrived.push(next);
      } else if (next.dataset.standing === "over") {
        close(card, next.querySelector(".outcome").textContent.trim());
      }
    }
    for (const card of list.querySelectorAll(":scope > [data-request]")) {
      if (fresh.getElementById(card.id)) continue;
      if (card.dataset.standing === "open") gone(card);
      else if (Date.now() - lastTouch > UNTOUCHED && !inUse(card)) card.remove();
    }
    if (arrived.length === 1) say(`New request: ${name(arrived[0])}`);
    else if (arrived.length) say(`${arrived.length} new requests`);
  }

  function tick() {
    const now = Date.now() + skew;
    for (const left of document.querySelectorAll("[data-until]")) {
      const card = left.closest("[data-request]");
      if (card.dataset.standing !== "open") continue;
      const seconds = Math.floor(Number(left.dataset.until) - now / 1000);
      if (seconds < 0) {
        close(card, "Expired: nobody answered in time. Nothing was sent.");
        continue;
      }
      left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left`;
      left.classList.toggle("soon", seconds < 120);
    }
    for (const cell of document.querySelectorAll("[data-count]")) {
      if (!since.has(cell)) since.set(cell, performance.now());
      const whole = Number(cell.dataset.count) + Math.floor((performance.now() - since.get(cell)) / 1000);
      const rest = `${String(Math.floor(whole / 60) % 60)}`;
      const minutes = whole >= 3600 ? `${Math.floor(whole / 3600)}:${rest.padStart(2, "0")}` : rest;
      cell.textContent = `${minutes}:${String(whole % 60).padStart(2, "0")}`;
    }
  }

  async function look() {
    try {
      const headers = { "X-Live": touched ? "active" : "idle" };
      if (tag) headers["If-None-Match"] = tag;
      touched = false;
      const response = await fetch(location.href, { headers, cache: "no-store", redirect: "error" });
      const date = Date.parse(response.headers.get("Date"));
      if (date) skew = date - Date.now();
      if (response.status === 401) {
        warn("Your session has ended. Load the page again to sign in.");
        document.title = "Signed out · texml-mcp";
        return;
      }
      if (response.status !== 304) {
        if (!response.ok) throw new Error(String(response.status));
        const fresh = parse(await response.text());
        tag = response.headers.get("ETag") || "";
        document.title = fresh.title;
        swap(fresh);
        if (cards()) renew(cards(), fresh);
        tick();
      }
      failures = 0;
      warn("");
    } catch {
      failures += 1;
      if (failures > 1) warn("Not live: the server does not answer. What you see may be out of date.");
    }
    setTimeout(look, Math.min(every * 2 ** Math.min(failures, 5), SLOWEST));
  }

  // A second press, or one on a request that is over, sends nothing. The server refuses it all the same.
  addEventListener("submit", (event) => {
    const card = event.target.closest("[data-request]");
    if (event.target.dataset.sent || (card && card.dataset.standing === "over")) event.preventDefault();
    else event.target.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  tick();
  setInterval(tick, 1000);
  look();
})();
