// Choosing many claims: all of the page, a range with shift, up and down with the arrow keys. The
// page works without it.

import { say } from "./page.js";

const form = document.getElementById("change");
const all = document.getElementById("choose-all");
const label = document.getElementById("chosen");
const boxes = form ? [...form.querySelectorAll('tbody input[type="checkbox"]')] : [];
let last = null;

function count() {
  const chosen = boxes.filter((box) => box.checked).length;
  label.textContent = chosen ? `With the ${chosen} chosen:` : "With the chosen claims:";
  all.checked = chosen > 0 && chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
}

function range(event) {
  const box = event.target;
  if (event.shiftKey && last && last !== box) {
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const each of boxes.slice(from, to + 1)) each.checked = box.checked;
    say(`${to - from + 1} claims ${box.checked ? "chosen" : "left out"}.`);
  }
  last = box;
  count();
}

function move(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const place = boxes.indexOf(event.target);
  if (!step || place < 0) return;
  event.preventDefault();
  boxes[place + step]?.focus();
}

if (form) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    count();
  });
  for (const box of boxes) box.addEventListener("click", range);
  form.addEventListener("keydown", move);
  // A browser that comes back keeps what was chosen.
  addEventListener("pageshow", count);
}
