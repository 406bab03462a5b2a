// What every page has: local times, copy buttons, focus on errors, forms that are sent once, and the
// dialog for a session that has ended. Pages work without it.

const said = document.getElementById("said");

/** Tell those who listen to the page. */
export function say(text) {
  said.textContent = "";
  requestAnimationFrame(() => { said.textContent = text; });
}

/** Show the times in `root` as the reader's clock and calendar have them; UTC stays on hover. */
export function localiseTimes(root = document) {
  const now = new Date();
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const style = time.dataset.style || "short";
    const options = {};
    if (style !== "time") {
      options.month = "short";
      options.day = "numeric";
      if (moment.getFullYear() !== now.getFullYear()) options.year = "numeric";
    }
    if (style !== "day") {
      options.hour = "numeric";
      options.minute = "2-digit";
    }
    time.textContent = new Intl.DateTimeFormat(undefined, options).format(moment);
  }
}

/** By this the server knows a script, which it tells of errors as JSON. */
export const BY_SCRIPT = { "X-Requested-With": "claims-page" };

/** Ask the server for JSON. A session that has ended opens its dialog; the error is thrown on. */
export async function askJson(address, options = {}) {
  const answer = await fetch(address, { ...options, headers: { ...BY_SCRIPT, ...options.headers } });
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  if (answer.status === 401) showSessionEnded();
  throw Object.assign(new Error(body.detail || "The service does not answer."), {
    status: answer.status, code: body.code,
  });
}

/** A page of ours as a document. Throws where it cannot be had; an ended session opens its dialog. */
export async function pageAt(address) {
  const answer = await fetch(address, { headers: BY_SCRIPT, credentials: "same-origin" });
  if (answer.status === 401) showSessionEnded();
  if (!answer.ok) throw new Error("no page");
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** The dialog that leads back in; what is on the page stays. */
export function showSessionEnded() {
  const dialog = document.getElementById("session-ended");
  if (dialog && !dialog.open) dialog.showModal();
}

/** What a button copies: its own text, or what the server makes of the button's form. */
async function textToCopy(button) {
  if (button.dataset.copy) return button.dataset.copy;
  const form = button.form ? { method: "POST", body: new URLSearchParams(new FormData(button.form)) } : {};
  const answer = await fetch(button.dataset.copyFrom, { ...form, headers: BY_SCRIPT });
  if (answer.status === 401) showSessionEnded();
  if (!answer.ok) throw new Error("nothing to copy");
  return answer.text();
}

async function copy(event) {
  const button = event.target.closest("button[data-copy], button[data-copy-from]");
  if (!button || button.getAttribute("aria-disabled") === "true") return;
  try {
    await navigator.clipboard.writeText(await textToCopy(button));
    button.classList.add("copied");
    setTimeout(() => button.classList.remove("copied"), 1500);
    say("Copied.");
  } catch {
    say("Copying is not allowed here. Select the text instead.");
  }
}

/** A second click on the same button is no second order, and what was filled in is not sent into a
    session that has ended: the form waits, with all that is in it, until somebody has signed in.
    Forms with `data-open` need no session. */
async function sendOnce(event) {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("data-own-way")) return;
  if (form.dataset.sent === "now" || (!form.dataset.sent && form.hasAttribute("data-open"))) {
    form.dataset.sent = "yes";
    return;
  }
  event.preventDefault();
  if (form.dataset.sent) return;
  form.dataset.sent = "asked";
  if (await hasSessionEnded()) {
    delete form.dataset.sent;
    return;
  }
  form.dataset.sent = "now";
  form.requestSubmit(event.submitter);
}

async function hasSessionEnded() {
  try {
    await askJson("/signed-in");
  } catch (error) {
    return error.status === 401;
  }
  return false;
}

document.documentElement.classList.add("scripted");
localiseTimes();
document.querySelector("[data-focus]")?.focus();
document.addEventListener("click", copy);
document.addEventListener("submit", sendOnce);
// A page that comes back from the browser's memory may be used again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
