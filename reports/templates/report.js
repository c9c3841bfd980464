"use strict";
const find = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const rules = all(".rule"), groups = all(".group"), entries = all(".entry"), cells = all(".cell"), chips = all(".chip");
const FIELDS = { q: "search", area: "area", basis: "basis" };
const wanted = { q: "", verdict: "", area: "", basis: "" };
const texts = new Map();

function says(rule, words) {
  if (!texts.has(rule)) texts.set(rule, rule.textContent.toLowerCase());
  return texts.get(rule).includes(words);
}

function fits(rule) {
  const words = wanted.q.toLowerCase().trim();
  return (!wanted.verdict || rule.dataset.verdict === wanted.verdict) && (!wanted.basis || rule.dataset.basis === wanted.basis)
    && (!wanted.area || rule.parentElement.dataset.area === wanted.area) && (!words || says(rule, words));
}

function ruleOf(link) { return find(link.getAttribute("href").slice(1)); }

function filter() {
  const filtered = Object.values(wanted).some(Boolean);
  for (const rule of rules) rule.hidden = !fits(rule);
  for (const group of groups) {
    group.hidden = !group.querySelector(".rule:not([hidden])");
    group.open = filtered;
  }
  for (const entry of entries) entry.hidden = all("a.name", entry).every((link) => ruleOf(link).hidden);
  for (const part of all(".rest, .listed")) part.hidden = !part.querySelector(".entry:not([hidden])");
  for (const cell of cells) cell.classList.toggle("dim", ruleOf(cell).hidden);
  for (const chip of chips) chip.setAttribute("aria-pressed", String(wanted[chip.dataset.key] === chip.dataset.value));
  find("shown").textContent = `${rules.filter((rule) => !rule.hidden).length} of ${rules.length} rules`;
}

// The filters stand in the address, as #verdict=failed&area=labels; a link to a rule, as #labels.set, leaves them as they are.
function keep(typing) {
  const kept = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value)).toString();
  const address = kept ? `#${kept}` : location.pathname + location.search;
  if (typing) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  filter();
}

function read() {
  const hash = location.hash.slice(1);
  if (hash && !hash.includes("=")) return open(hash);
  const given = new URLSearchParams(hash);
  for (const key of Object.keys(wanted)) wanted[key] = given.get(key) || "";
  for (const [key, id] of Object.entries(FIELDS)) find(id).value = wanted[key];
  filter();
}

function open(hash) {
  let target = null;
  try { target = find(decodeURIComponent(hash)); } catch { return; }
  if (!target) return;
  for (let part = target; part; part = part.parentElement) {
    part.hidden = false;
    if (part.matches("details")) part.open = true;
  }
  target.scrollIntoView();
  if (target.matches(".rule")) target.querySelector("summary").focus({ preventScroll: true });
}

for (const [key, id] of Object.entries(FIELDS)) {
  find(id).addEventListener("input", (event) => { wanted[key] = event.target.value; keep(key === "q"); });
}
for (const chip of chips) chip.addEventListener("click", () => {
  const { key, value } = chip.dataset;
  wanted[key] = wanted[key] === value ? "" : value;
  if (key in FIELDS) find(FIELDS[key]).value = wanted[key];
  keep(false);
});
document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.matches("input, select")) { event.preventDefault(); find("search").focus(); }
  if (event.key === "Escape" && event.target === find("search")) { event.target.value = wanted.q = ""; keep(true); }
});
addEventListener("hashchange", read);
addEventListener("popstate", read);

// The map is one stop of the tab key; arrows go on from cell to cell.
const STEPS = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 10, ArrowUp: -10, Home: -cells.length, End: cells.length };
cells.forEach((cell, place) => {
  cell.tabIndex = place ? -1 : 0;
  cell.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const next = cells[Math.min(Math.max(place + STEPS[event.key], 0), cells.length - 1)];
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
});

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.body.appendChild(document.createElement("textarea"));
  field.value = text;
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("copying is not allowed");
}

function textOf(button) {
  const script = button.dataset.script;
  return script ? button.closest(".breach").querySelector(`template[data-kind="${script}"]`).content.textContent : button.dataset.copy;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-script]");
  if (!button) return;
  const label = button.textContent;
  try { await copy(textOf(button)); button.textContent = "Copied"; }
  catch { button.textContent = "The browser does not allow copying"; }
  setTimeout(() => { button.textContent = label; }, 1500);
});

// On paper every broken rule is named.
let unfolded = [];
addEventListener("beforeprint", () => {
  unfolded = all(".failures .fold:not([open])");
  for (const fold of unfolded) fold.open = true;
});
addEventListener("afterprint", () => { for (const fold of unfolded) fold.open = false; });
filter();
read();
