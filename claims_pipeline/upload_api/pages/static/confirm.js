// Confirmations: a link with `data-confirm` leads to a page; here its content becomes the dialog
// `#change`.

import { pageAt } from "./page.js";

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

document.addEventListener("click", confirmHere);
dialog?.addEventListener("click", closeDialog);
