// The form for a new upload: the chosen file stays here while it is checked and until it is sent.
// Without this script the form posts itself to the same addresses.

import { BY_SCRIPT, localiseTimes, say, showSessionEnded } from "./page.js";

// Larger files are checked when they are chosen or somebody asks for it, and not with every change of
// the form.
const CHECKED_AT_ONCE_BYTES = 10 * 1024 * 1024;
// A check finds the same whatever this is.
const BESIDE_THE_CHECK = "detail_level";
// Begins the names of fields that say what a column of the file is.
const ABOUT_A_COLUMN = "map:";

const form = document.getElementById("upload");
const file = document.getElementById("file");
const drop = document.getElementById("drop");
const check = document.getElementById("check");
const send = document.getElementById("send");
const findings = document.getElementById("findings");
const trouble = document.getElementById("trouble");
const sending = document.getElementById("sending");
const sendingText = document.getElementById("sending-text");
const sendingBar = document.getElementById("sending-bar");
const held = [file, ...form.querySelectorAll("fieldset")];

let underWay = null; // the request that is being sent, if one is
let key = newKey(); // makes sending the same form again harmless
let isSending = false; // an upload, not a check
let accepted = null; // rows that the last check found good; null before one

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function sizeText(bytes) {
  const mb = bytes / 1024 / 1024;
  return mb >= 1 ? `${mb.toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1024))} kB`;
}

function showTrouble(title, message) {
  const notice = document.createElement("div");
  notice.className = "notice bad";
  notice.setAttribute("role", "alert");
  notice.tabIndex = -1;
  const heading = document.createElement("h2");
  heading.textContent = title;
  const text = document.createElement("p");
  text.textContent = message;
  notice.append(heading, text);
  trouble.replaceChildren(notice);
  notice.focus();
}

/** Post the form; resolves to the answer's JSON. Rejects with {status, code, detail}. */
function post(address, words, headers = {}) {
  const request = new XMLHttpRequest();
  underWay = request;
  return new Promise((resolve, reject) => {
    request.open("POST", address);
    request.responseType = "json";
    for (const [name, value] of Object.entries({ ...BY_SCRIPT, ...headers })) {
      request.setRequestHeader(name, value);
    }
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      sendingBar.max = event.total;
      sendingBar.value = event.loaded;
      const done = event.loaded === event.total;
      sendingText.textContent = done
        ? words.after : `${words.during} ${sizeText(event.loaded)} of ${sizeText(event.total)}`;
      if (done) sendingBar.removeAttribute("value");
    });
    request.addEventListener("load", () => {
      const body = request.response || {};
      if (request.status < 300) resolve(body);
      else reject({ status: request.status, code: body.code, detail: body.detail });
    });
    request.addEventListener("error", () => reject({ status: 0 }));
    request.addEventListener("abort", () => reject({ status: -1 }));
    sendingBar.max = 1;
    sendingBar.value = 0;
    sendingText.textContent = words.during;
    sending.hidden = false;
    request.send(new FormData(form));
  }).finally(() => {
    if (underWay !== request) return; // the next one has the bar by now
    sending.hidden = true;
    underWay = null;
  });
}

/** Say what went wrong with a request. */
async function tell(error, title) {
  if (error.status === -1) return;
  if (error.status === 401) {
    showSessionEnded();
    return;
  }
  if (error.status === 0 && await hasChanged()) {
    showTrouble("The file has changed", "It is not as it was when you chose it. Choose it again.");
    file.value = "";
    forget();
    return;
  }
  showTrouble(title, error.detail
    || "The service could not be reached. Your choices are still here: try again in a moment.");
}

async function hasChanged() {
  try {
    await file.files[0]?.slice(0, 1).arrayBuffer();
    return false;
  } catch {
    return true;
  }
}

function busy(isBusy) {
  for (const button of [check, send]) button.setAttribute("aria-disabled", String(isBusy));
}

/** What is being uploaded stays as it is until that has ended. */
function hold(isHeld) {
  for (const part of held) part.disabled = isHeld;
}

async function runCheck() {
  if (!isChosen()) return;
  underWay?.abort();
  trouble.replaceChildren();
  busy(true);
  const asked = file.files[0];
  try {
    const found = await post("/uploads/verify", { during: "Reading", after: "Checking…" });
    if (asked !== file.files[0]) return;
    accepted = found.accepted;
    findings.innerHTML = found.html; // made by our server, everything in it escaped there
    localiseTimes(findings);
    findings.querySelector("[data-focus]")?.focus({ preventScroll: true });
    findings.scrollIntoView({ block: "nearest" });
    say(findings.querySelector("h2")?.textContent || "");
  } catch (error) {
    forget();
    await tell(error, "The file could not be checked");
  } finally {
    if (!underWay) busy(false);
    label();
  }
}

async function runUpload() {
  if (!isChosen()) return;
  trouble.replaceChildren();
  busy(true);
  try {
    const sent = post(
      "/uploads", { during: "Uploading", after: "Storing…" }, { "Idempotency-Key": key },
    );
    hold(true); // after the form was read: what is disabled is not sent
    isSending = true;
    const { location } = await sent;
    isSending = false;
    window.location.assign(location);
  } catch (error) {
    isSending = false;
    hold(false);
    busy(false);
    await tell(error, "The file was not uploaded");
  }
}

function isChosen() {
  const chosen = file.files[0];
  if (!chosen) {
    form.reportValidity();
    return false;
  }
  if (chosen.size > Number(form.dataset.maxBytes)) {
    forget();
    showTrouble("This file is too large",
      `It has ${sizeText(chosen.size)}, and ${form.dataset.maxSize} are allowed. Split it into several files.`);
    return false;
  }
  return form.reportValidity();
}

/** What was found holds no more. */
function forget() {
  accepted = null;
  findings.replaceChildren();
  label();
}

/** The button that leads on is the one that stands out. */
function label(isToBeChecked = false) {
  const ready = Boolean(accepted) && !isToBeChecked;
  send.classList.toggle("primary", ready);
  check.classList.toggle("primary", !ready);
  check.textContent = accepted === null ? "Check the file" : "Check again";
  send.textContent = ready
    ? `Upload and process ${accepted.toLocaleString()} ${accepted === 1 ? "row" : "rows"}`
    : "Upload and process";
  send.hidden = accepted === 0;
}

function changed(event) {
  key = newKey();
  if (event?.target.name === BESIDE_THE_CHECK) return;
  if (event?.target.name?.startsWith(ABOUT_A_COLUMN)) {
    label(true);
    return; // there may be more to choose; "Check again" sends them all
  }
  if (!event || event.target === file) findings.replaceChildren(); // another file's columns
  trouble.replaceChildren();
  const chosen = file.files[0];
  const isNew = !event || event.target === file;
  if (chosen && (isNew || chosen.size <= CHECKED_AT_ONCE_BYTES)) runCheck();
  else forget();
}

/** Leaving while a file is on its way loses it: the browser asks first. */
function askBeforeLeaving(event) {
  if (isSending) event.preventDefault();
}

addEventListener("beforeunload", askBeforeLeaving);
form.setAttribute("data-own-way", "");
form.addEventListener("change", changed);
form.addEventListener("submit", (event) => {
  if (event.submitter?.hasAttribute("data-own-answer")) return; // the browser saves it
  event.preventDefault();
  if (underWay) return; // a second click
  if (event.submitter === check) runCheck();
  else runUpload();
});
document.getElementById("sending-stop").addEventListener("click", () => underWay?.abort());

for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
}
for (const name of ["dragleave", "drop"]) {
  drop.addEventListener(name, () => drop.classList.remove("over"));
}
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (file.disabled) return;
  if (event.dataTransfer.files.length > 1) {
    showTrouble("One file at a time", "Drop a single CSV or workbook.");
    return;
  }
  if (event.dataTransfer.files.length) {
    file.files = event.dataTransfer.files;
    changed();
  }
});
// Dropped beside the place, a file would replace the page and all that was filled in.
for (const name of ["dragover", "drop"]) {
  addEventListener(name, (event) => event.preventDefault());
}
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  hold(false);
  busy(false);
});
hold(false); // browsers may keep that over a reload too
if (file.files.length) changed(); // the browser has kept it over a reload
