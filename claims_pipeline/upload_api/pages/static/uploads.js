// Keeps the rows of the list fresh.

import "./confirm.js";
import { follow } from "./follow.js";
import { askJson, localiseTimes } from "./page.js";

const table = document.querySelector("table[data-follow]");

function liveIds() {
  return [...table.querySelectorAll("tr[data-live]")].map((row) => row.dataset.id);
}

function withIds(address, ids) {
  return `${address}?${ids.map((id) => `id=${encodeURIComponent(id)}`).join("&")}`;
}

function show(fresh) {
  const row = document.getElementById(`upload-${fresh.id}`);
  if (!row || row.dataset.state === fresh.state) return;
  const focused = row.contains(document.activeElement) ? indexOfFocus(row) : -1;
  const holder = document.createElement("template");
  holder.innerHTML = fresh.html; // made by our server, everything in it escaped there
  const made = holder.content.querySelector("tr");
  localiseTimes(made);
  row.replaceWith(made);
  if (focused >= 0) (focusable(made)[focused] || focusable(made)[0])?.focus();
}

function focusable(row) {
  return [...row.querySelectorAll("a[href], button")];
}

function indexOfFocus(row) {
  return focusable(row).indexOf(document.activeElement);
}

function remove(id) {
  document.getElementById(`upload-${id}`)?.remove();
}

if (table) {
  follow({
    isLive: () => liveIds().length > 0,
    address: () => withIds(table.dataset.follow, liveIds()),
    heard: { row: show, gone: ({ id }) => remove(id) },
    ask: async () => {
      const now = await askJson(withIds(table.dataset.poll, liveIds()));
      now.rows.forEach(show);
      now.gone.forEach(remove);
    },
  });
}
