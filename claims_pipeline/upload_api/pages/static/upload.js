// The pages of one upload: live progress, confirmations as dialogs, menus that close. The pages
// work without it.

import { BY_SCRIPT, localiseTimes, say, showSessionEnded } from "./page.js";

const POLL_MS = 3000;
const FRESH_MS = 15000;

/** A page of ours as a document. Throws where it cannot be had; an ended session opens its dialog. */
async function pageAt(address) {
  const answer = await fetch(address, { headers: BY_SCRIPT, credentials: "same-origin" });
  if (answer.status === 401) showSessionEnded();
  if (!answer.ok) throw new Error("no page");
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

// Confirmations: the link leads to a page; here its content becomes a dialog.

const dialog = document.getElementById("change");

async function confirmHere(event) {
  const link = event.target.closest("a[data-confirm]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  // What stands in a menu is not there to come back to; the menu is.
  const menu = link.closest("details.menu");
  menu?.removeAttribute("open");
  const opener = menu?.querySelector("summary") ?? link;
  try {
    const found = (await pageAt(link.href)).querySelector("[data-confirmation]");
    if (!found) throw new Error("no confirmation");
    const title = document.createElement("h2");
    title.id = "change-title";
    title.textContent = found.querySelector("h1").textContent;
    found.querySelector("h1").replaceWith(title);
    dialog.replaceChildren(document.adoptNode(found));
    opener.focus();
    dialog.showModal();
    dialog.querySelector("[data-close]").focus();
  } catch {
    if (!document.getElementById("session-ended")?.open) location.assign(link.href);
  }
}

function closeDialog(event) {
  if (event.target.closest("[data-close]")) {
    event.preventDefault();
    dialog.close();
  }
}

function closeMenus(event) {
  if (event.type === "keydown" && event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (event.type === "keydown") {
      menu.querySelector("summary").focus();
    } else if (menu.contains(event.target)) {
      continue;
    }
    menu.removeAttribute("open");
  }
}

// Live progress: events, or asking every few seconds where they do not come through.

const standing = document.getElementById("standing");

function show(news) {
  const before = standing.querySelector("[data-status]")?.dataset.status;
  const parsed = new DOMParser().parseFromString(news.html, "text/html");
  standing.replaceChildren(...parsed.body.childNodes);
  localiseTimes(standing);
  if (before !== news.status) say(standing.querySelector(".badge").textContent.trim());
  if (!news.is_live) showTheEnd();
}

/** What can be done has changed with the end: the page comes anew, unless somebody is answering it.
    One that a search was posted for stays: browsers would ask whether to post it again. */
function showTheEnd() {
  if (document.querySelector("[data-posted]")) return;
  const open = document.querySelector("dialog[open]");
  if (open) open.addEventListener("close", () => location.reload(), { once: true });
  else location.reload();
}

async function poll(here) {
  try {
    const answer = await fetch(`${here}/progress`, { headers: BY_SCRIPT, credentials: "same-origin" });
    if (answer.status === 401) return showSessionEnded();
    if (answer.status === 404) return location.assign(here);
    if (answer.ok) {
      const news = await answer.json();
      show(news);
      if (!news.is_live) return undefined;
    }
  } catch {
    // The next try may reach it.
  }
  setTimeout(poll, POLL_MS, here);
  return undefined;
}

function follow(here) {
  const events = new EventSource(`${here}/events`);
  events.addEventListener("progress", (event) => {
    const news = JSON.parse(event.data);
    if (!news.is_live) events.close();
    show(news);
  });
  events.addEventListener("deleted", () => location.assign(here));
  events.addEventListener("error", () => {
    // Refused for good; a broken line is mended by the browser itself.
    if (events.readyState === EventSource.CLOSED) poll(here);
  });
  addEventListener("pagehide", () => events.close());
}

/** While answers come in, what they come to is shown anew now and then. */
async function keepFresh() {
  const answers = document.getElementById("answers");
  if (document.visibilityState === "visible" && !answers.contains(document.activeElement)) {
    try {
      const fresh = (await pageAt(location.href)).getElementById("answers");
      if (fresh && !answers.contains(document.activeElement)) {
        answers.replaceWith(document.adoptNode(fresh));
        localiseTimes(fresh);
        if (!fresh.hasAttribute("data-fresh")) return;
      }
    } catch {
      // The next try may reach it.
    }
  }
  setTimeout(keepFresh, FRESH_MS);
}

document.addEventListener("click", confirmHere);
dialog?.addEventListener("click", closeDialog);
document.addEventListener("click", closeMenus);
document.addEventListener("keydown", closeMenus);
if (standing?.dataset.live) {
  if ("EventSource" in window) follow(standing.dataset.live);
  else poll(standing.dataset.live);
}
if (document.querySelector("#answers[data-fresh]")) setTimeout(keepFresh, FRESH_MS);
