// Conveniences. Every page works without them.
"use strict";

// A one-time link carries its code behind the #, where no server and no log sees it. It goes into the form, and
// out of the address, so that neither history nor a shoulder keeps it.
function takeCodeFromLink() {
  const field = document.querySelector("input[data-from-link]");
  const code = location.hash.slice(1);
  if (!field || !/^kw[a-z]+_[0-9A-Za-z]+$/.test(code)) return;
  field.value = code;
  field.closest(".field").hidden = true;
  history.replaceState(null, "", location.pathname);
}

async function copy(text, button, said) {
  const words = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = said.textContent = "Copied";
  } catch {
    said.textContent = "Select the text and copy it";
  }
  setTimeout(() => {
    button.textContent = words;
    said.textContent = "";
  }, 2000);
}

function addCopyButton(block) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = block.matches("pre:not([data-plain])") ? "Copy command" : "Copy";
  const said = document.createElement("span");
  said.className = "said";
  said.setAttribute("role", "status");
  button.addEventListener("click", () => copy(block.textContent, button, said));
  const frame = document.createElement(block.tagName === "PRE" ? "div" : "span");
  frame.className = "copyable";
  block.replaceWith(frame);
  frame.append(block, button, said);
}

// A dialog that the server opened becomes a modal one: the page behind it waits, Escape leads where Cancel leads.
function openDialog(dialog) {
  dialog.removeAttribute("open");
  dialog.showModal();
  const cancel = dialog.querySelector("a.button[href]");
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (cancel) location.assign(cancel.href);
  });
  const first = dialog.querySelector("[autofocus], input:not([type=hidden]):not([disabled]), select, textarea");
  if (first) first.focus();
}

// A new secret: copied, saved, and gone from the page and its address once the page is left.
function keepSecret(card) {
  const secret = card.querySelector("#secret");
  const acts = card.querySelector("[data-secret-acts]");
  const [copyButton, saveButton] = acts.querySelectorAll("button");
  const said = acts.querySelector(".said");
  const stored = card.querySelector("[data-stored]");
  const done = card.querySelector(".done-form button");
  let taken = false;
  acts.hidden = false;
  copyButton.hidden = !navigator.clipboard;
  copyButton.addEventListener("click", async () => {
    await copy(secret.textContent, copyButton, said);
    taken = true;
  });
  saveButton.addEventListener("click", () => {
    const text = `API_KEY=${secret.textContent}\n`;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = "api-key.env";
    link.click();
    URL.revokeObjectURL(link.href);
    taken = true;
  });
  if (stored) {
    done.disabled = !stored.checked;
    stored.addEventListener("change", () => { done.disabled = !stored.checked; });
  }
  // Loaded again, or come back to, the address shows the key without its secret.
  history.replaceState(null, "", card.dataset.key);
  const warn = (event) => {
    if (!taken && !(stored && stored.checked)) event.preventDefault();
  };
  window.addEventListener("beforeunload", warn);
  for (const form of card.querySelectorAll("form")) form.addEventListener("submit", () => window.removeEventListener("beforeunload", warn));
  window.addEventListener("pagehide", () => { secret.textContent = ""; });
}

function searchScopes(box) {
  const rows = [...document.querySelectorAll("[data-scope]")];
  const field = box.querySelector("input");
  box.hidden = false;
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    for (const group of document.querySelectorAll(".group")) group.hidden = !group.querySelector("[data-scope]:not([hidden])");
  });
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
}

// "read products", "read products only on acme:web", as the server says it.
function rightOf(row) {
  const title = row.querySelector("label").textContent.trim();
  const only = row.querySelector(".only input")?.value.trim();
  return title.charAt(0).toLowerCase() + title.slice(1) + (only ? ` only on ${only}` : "");
}

// Ticks several scopes at once, and says in plain words what is ticked. Without scripts the server does both.
function followChoices(summary) {
  const form = summary.closest("form");
  const rows = [...form.querySelectorAll("[data-scope]")];
  const boxOf = (row) => row.querySelector("input[type=checkbox]");
  const parse = (button) => {
    const [, level, thing] = button.value.split(" ");
    const ofThing = rows.filter((row) => thing === "*" || boxOf(row).value.replace(/:?[^:]*$/, "") === thing);
    const wants = (row) => !boxOf(row).disabled && (level === "write" || (level === "read" && /:read$/.test(boxOf(row).value)));
    return { ofThing, wants };
  };
  const buttons = [...form.querySelectorAll("[name=choose]:not([data-unscripted])")];
  const update = () => {
    const rules = form.elements.rules ? form.elements.rules.value.split("\n").filter((line) => line.trim()).length : 0;
    const rights = rows.filter((row) => boxOf(row).checked).map(rightOf);
    if (rules) rights.push(rules === 1 ? "what 1 rule allows" : `what ${rules} rules allow`);
    const last = rights.pop();
    const words = last === undefined ? "do nothing yet" : rights.length ? `${rights.join(", ")} and ${last}` : last;
    const said = summary.querySelector("[aria-live]");
    if (said.textContent !== `The key may ${words}.`) said.textContent = `The key may ${words}.`;
    for (const button of buttons.filter((one) => one.hasAttribute("aria-pressed"))) {
      const { ofThing, wants } = parse(button);
      button.setAttribute("aria-pressed", ofThing.every((row) => boxOf(row).checked === wants(row)));
    }
  };
  for (const button of buttons) {
    button.addEventListener("click", (event) => {
      event.preventDefault();
      const { ofThing, wants } = parse(button);
      for (const row of ofThing) boxOf(row).checked = wants(row);
      update();
    });
  }
  summary.querySelector("[data-unscripted]").hidden = true;
  form.addEventListener("input", update);
}

function countSelection(button) {
  const form = button.form;
  const update = () => { button.disabled = !form.querySelector("input[name=id]:checked"); };
  form.addEventListener("change", update);
  update();
}

// What carries a secret forgets it when the page is left. Loaded again, or come back to, the address shows what it is of.
function forget(part) {
  if (part.dataset.key) history.replaceState(null, "", part.dataset.key);
  window.addEventListener("pagehide", () => {
    for (const field of part.querySelectorAll("[name=secret]")) field.value = "";
    for (const text of part.querySelectorAll("pre code")) text.textContent = "";
  });
}

takeCodeFromLink();
window.addEventListener("hashchange", takeCodeFromLink);
if (navigator.clipboard) document.querySelectorAll("pre, code[data-copy]").forEach(addCopyButton);
document.querySelectorAll("dialog[data-modal]").forEach(openDialog);
document.querySelectorAll("[data-secret]").forEach(keepSecret);
document.querySelectorAll("[data-forget]").forEach(forget);
document.querySelectorAll("[data-scope-search]").forEach(searchScopes);
document.querySelectorAll("[data-summary]").forEach(followChoices);
document.querySelectorAll("[data-needs-selection]").forEach(countSelection);
if (/^#key_[0-9a-z]+$/.test(location.hash)) document.getElementById(location.hash.slice(1))?.focus();
// On a narrow screen these scroll sideways: where one is must be among what is seen.
for (const nav of document.querySelectorAll(".side, .tabs")) {
  const here = nav.querySelector("[aria-current]")?.getBoundingClientRect();
  if (here) nav.scrollLeft += here.left - nav.getBoundingClientRect().left - (nav.clientWidth - here.width) / 2;
}
// A menu closes when the keyboard or the pointer leaves it.
for (const menu of document.querySelectorAll("details.menu")) {
  menu.addEventListener("focusout", (event) => { if (!menu.contains(event.relatedTarget)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
