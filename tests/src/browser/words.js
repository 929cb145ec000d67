// Whoever clicks on what leads to another page may be told that this is done while the old page still stands: it says so.
if (!window.watchesForLeaving) {
  window.watchesForLeaving = true;
  const leads = (event) => {
    if (event.type === "submit") return event.submitter?.formMethod !== "dialog" && event.target.method !== "dialog";
    const link = event.target.closest?.("a[href]");
    return link && !link.target && !link.hasAttribute("download") && link.href.split("#")[0] !== location.href.split("#")[0];
  };
  for (const type of ["click", "submit"]) {
    window.addEventListener(type, (event) => { if (!event.defaultPrevented && leads(event)) window.isLeaving = true; });
  }
  // It went nowhere after all: what it led to was a file, or it came back from the browser's memory of pages.
  window.addEventListener("pageshow", () => { window.isLeaving = false; });
}
const tidy = (text) => (text || "").replace(/\s+/g, " ").trim();
const dialog = () => document.querySelector("dialog:modal") || document.querySelector("dialog[open]");
const scope = () => dialog() || document;
const shown = () => (dialog() || document.body).innerText;
const isVisible = (one) => one.checkVisibility({ visibilityProperty: true }) && one.getClientRects().length > 0;
// What is read of something: without what only screen readers say.
function readOf(one) {
  const copy = one.cloneNode(true);
  for (const hidden of copy.querySelectorAll(".sr")) hidden.remove();
  return tidy(copy.textContent);
}
const isCalled = (one, words) => [tidy(one.innerText), readOf(one), one.getAttribute("aria-label")].includes(words);
const rows = () => [...scope().querySelectorAll("tbody tr")].filter(isVisible);
const nameOf = (row) => tidy((row.querySelector(".name, th") || row.querySelector("td")).innerText);
const rowNames = () => rows().map(nameOf);
// A row by its name; else the smallest section, card or item of a list whose heading is that.
function part(text) {
  const row = rows().find((one) => nameOf(one) === text);
  if (row) return row;
  const holds = (one) => [...one.querySelectorAll("h2, h3, h4, summary, legend, strong, a")].some((head) => isCalled(head, text));
  return [...scope().querySelectorAll("section, li, fieldset, details, .card, .scope")].filter(holds).pop();
}
function all(kind, words, within) {
  const root = within ? part(within) : scope();
  if (!root) return [];
  if (kind === "selector") return [...root.querySelectorAll(words)].filter(isVisible);
  if (kind === "button") {
    const buttons = [...root.querySelectorAll("a[href], button, summary, .button")].filter(isVisible);
    return buttons.filter((one) => isCalled(one, words));
  }
  const labels = [...root.querySelectorAll("label")].filter((one) => isCalled(one, words)).map((one) => one.control);
  const named = [...root.querySelectorAll("input[aria-label], select[aria-label]")].filter((one) => one.getAttribute("aria-label") === words);
  return [...labels, ...named].filter((one) => one && isVisible(one));
}
// The one, or why there is none.
function found(kind, words, within) {
  const several = all(kind, words, within);
  if (several.length === 1) return several[0];
  return `${several.length} of them`;
}
function one(kind, words) {
  const thing = found(kind, words);
  if (typeof thing === "string") throw new Error(`${thing}: ${words}`);
  return thing;
}
const option = (menu, words) => [...menu.options].find((choice) => tidy(choice.textContent) === words) || `${[...menu.options].map((choice) => choice.textContent)}`;
function cell(name, column) {
  const row = rows().find((line) => nameOf(line) === name);
  if (!row) return null;
  const heads = [...row.closest("table").querySelectorAll("thead th")].map((head) => tidy(head.textContent));
  const at = heads.indexOf(column);
  return at < 0 ? null : tidy(row.children[at].innerText);
}
