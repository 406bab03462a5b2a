// Keeps the rows of the list fresh: by server-sent events, or by asking where these do not come.

import { askJson, localiseTimes } from "./page.js";

const ASK_EVERY_MS = 3000;
const table = document.querySelector("table[data-follow]");
const later = new Map();

function liveIds() {
  return [...table.querySelectorAll("tr[data-live]")].map((row) => row.dataset.id);
}

function withIds(address, ids) {
  return `${address}?${ids.map((id) => `id=${encodeURIComponent(id)}`).join("&")}`;
}

function show(fresh) {
  const row = document.getElementById(`upload-${fresh.id}`);
  if (!row || row.dataset.state === fresh.state) return;
  // Somebody is being asked for an answer in this row: it waits until they have given it.
  const open = row.querySelector("dialog[open]");
  if (open) {
    if (!later.has(fresh.id)) {
      open.addEventListener("close", () => {
        show(later.get(fresh.id));
        later.delete(fresh.id);
      }, { once: true });
    }
    later.set(fresh.id, fresh);
    return;
  }
  const focused = row.contains(document.activeElement) ? indexOfFocus(row) : -1;
  const holder = document.createElement("template");
  holder.innerHTML = fresh.html; // made by our server, everything in it escaped there
  const made = holder.content.querySelector("tr");
  localiseTimes(made);
  row.replaceWith(made);
  if (focused >= 0) (focusable(made)[focused] || focusable(made)[0])?.focus();
}

function focusable(row) {
  return [...row.querySelectorAll("a[href], button")].filter((each) => !each.closest("dialog"));
}

function indexOfFocus(row) {
  return focusable(row).indexOf(document.activeElement);
}

function remove(id) {
  document.getElementById(`upload-${id}`)?.remove();
}

let stream = null;
let nextAsk = null;

function follow() {
  const ids = liveIds();
  if (!ids.length || stream) return;
  if (typeof EventSource === "undefined") {
    askIn(0);
    return;
  }
  stream = new EventSource(withIds(table.dataset.follow, ids));
  stream.addEventListener("row", (event) => show(JSON.parse(event.data)));
  stream.addEventListener("gone", (event) => remove(JSON.parse(event.data).id));
  stream.addEventListener("ended", leave);
  stream.addEventListener("error", () => {
    // The browser comes back by itself unless it was refused.
    if (stream?.readyState !== EventSource.CLOSED) return;
    leave();
    askIn(ASK_EVERY_MS);
  });
}

function leave() {
  stream?.close();
  stream = null;
}

function askIn(ms) {
  clearTimeout(nextAsk);
  nextAsk = setTimeout(poll, ms);
}

async function poll() {
  const ids = liveIds();
  if (!ids.length) return;
  try {
    const now = await askJson(withIds(table.dataset.poll, ids));
    now.rows.forEach(show);
    now.gone.forEach(remove);
  } catch (error) {
    // Signed out: nothing more is to be had until somebody has signed in and comes back.
    if (error.status === 401) {
      addEventListener("focus", () => askIn(1000), { once: true });
      return;
    }
  }
  askIn(ASK_EVERY_MS);
}

if (table) {
  follow();
  // A browser has few connections to a host: what nobody looks at holds none.
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : follow()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => { if (event.persisted) follow(); });
}
