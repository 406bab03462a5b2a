// Keeps the rows of the list fresh.

import "./confirm.js";
import { follow } from "./follow.js";
import { askJson, localiseTimes, pageAt } from "./page.js";

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

// Before the first upload there is a place to drop it: the form takes this page's place, with the
// file in it. Browsers carry no file to another page.

const invitation = document.querySelector("[data-takes-drop]")?.closest(".empty");

async function takeToForm(files) {
  const address = document.querySelector("[data-takes-drop]").href;
  try {
    const page = await pageAt(address);
    const script = page.querySelector("script[src*=new_upload]").getAttribute("src");
    const content = document.adoptNode(page.getElementById("content"));
    document.getElementById("content").replaceWith(content);
    document.getElementById("file").files = files;
    document.title = page.title;
    history.pushState(null, "", address);
    addEventListener("popstate", () => location.reload());
    await import(script);
  } catch {
    location.assign(address);
  }
}

function heed(event) {
  event.preventDefault(); // dropped beside the place, a file would replace the page
  if (!invitation?.isConnected) return;
  const isOver = invitation.contains(event.target) && event.type !== "drop";
  invitation.classList.toggle("over", isOver);
  if (event.type === "drop" && invitation.contains(event.target)
      && event.dataTransfer.files.length === 1) takeToForm(event.dataTransfer.files);
}

if (invitation) {
  addEventListener("dragover", heed);
  addEventListener("drop", heed);
}

// A row leads where its name does.
table?.addEventListener("click", (event) => {
  if (event.target.closest("a, button, summary") || String(getSelection())) return;
  event.target.closest("tr[data-id]")?.querySelector("a.file-name").click();
});

// What is said once is not said again when the page is loaded anew.
if (document.querySelector("[data-once]")) history.replaceState(null, "", location.pathname);

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
