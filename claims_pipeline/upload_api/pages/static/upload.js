// The pages of one upload: live progress, and menus that close. The pages work without it.

import "./confirm.js";
import { follow } from "./follow.js";
import { askJson, localiseTimes, pageAt, say } from "./page.js";

const FRESH_MS = 15000;

// Menus.

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

// Filters act at once: a list when it is chosen from, a field when it is left. By keys every entry
// of a list is chosen on the way to the next one, so that it acts when it is left, too.

const filters = document.querySelector("form[data-at-once]");
let isByKeys = false;

function applyFilters() {
  filters.requestSubmit();
}

filters?.addEventListener("keydown", () => (isByKeys = true));
filters?.addEventListener("pointerdown", () => (isByKeys = false));
filters?.addEventListener("change", (event) => {
  if (event.target.id === "search") return;
  if (isByKeys && event.target.tagName === "SELECT") {
    event.target.addEventListener("blur", applyFilters, { once: true });
  } else {
    applyFilters();
  }
});

// Picking rows: what can be done with them comes with the first.

const picking = document.getElementById("picking");
const all = document.querySelector("[data-pick-all]");

function boxes() {
  return [...picking.elements].filter((element) => element.type === "checkbox");
}

function showPicked() {
  const count = boxes().filter((box) => box.checked).length;
  picking.hidden = !count;
  picking.querySelector("[data-picked]").textContent = `${count} ${count === 1 ? "row" : "rows"} picked`;
  all.checked = count > 0 && count === boxes().length;
  all.indeterminate = count > 0 && !all.checked;
}

if (picking) {
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    showPicked();
    say(all.checked ? picking.querySelector("[data-picked]").textContent : "No row picked");
  });
  document.addEventListener("change", (event) => {
    if (event.target.form === picking) showPicked();
  });
  showPicked();
  addEventListener("pageshow", showPicked); // the browser may have kept what was picked
}

// Live progress.

const standing = document.getElementById("standing");
const here = standing?.dataset.live; // the overview's address, while it is live
let isLive = Boolean(here);

function show(news) {
  const before = standing.querySelector("[data-status]")?.dataset.status;
  const parsed = new DOMParser().parseFromString(news.html, "text/html");
  standing.replaceChildren(...parsed.body.childNodes);
  localiseTimes(standing);
  if (before !== news.status) say(standing.querySelector(".badge").textContent.trim());
  isLive = news.is_live;
  if (!isLive) showTheEnd();
}

/** Its address says that it is gone. */
function leaveDeleted() {
  isLive = false;
  location.assign(here);
}

/** What can be done has changed with the end. The overview comes anew; on the other pages somebody
    may be typing or reading, so only their head does, with a way to what they show by now. */
async function showTheEnd() {
  const open = document.querySelector("dialog[open]");
  if (open) {
    open.addEventListener("close", showTheEnd, { once: true });
    return;
  }
  if (location.pathname === here) {
    location.reload();
    return;
  }
  document.getElementById("ended").hidden = false; // says it, and leads to what is here now
  try {
    const fresh = await pageAt(here);
    const head = document.adoptNode(fresh.querySelector(".upload-head"));
    const old = document.querySelector(".upload-head");
    const hadFocus = old.contains(document.activeElement);
    old.replaceWith(head);
    localiseTimes(head);
    if (hadFocus) head.querySelector("a, summary")?.focus();
  } catch {
    // The link leads there.
  }
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

document.addEventListener("click", closeMenus);
document.addEventListener("keydown", closeMenus);
if (here) {
  follow({
    isLive: () => isLive,
    address: () => `${here}/events`,
    heard: { progress: show, deleted: leaveDeleted },
    ask: async () => {
      try {
        show(await askJson(`${here}/progress`));
      } catch (error) {
        if (error.status === 404) leaveDeleted();
        throw error;
      }
    },
  });
}
if (document.querySelector("#answers[data-fresh]")) setTimeout(keepFresh, FRESH_MS);
