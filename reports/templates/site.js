"use strict";
const find = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const data = JSON.parse(find("data").textContent);
const rows = all("tr.rule"), bodies = all("tbody"), buttons = rows.map((row) => row.querySelector("button"));
const FIELDS = { q: "search", show: "show", area: "area", level: "level", needs: "needs", basis: "basis" };
const LEVELS = ["core", "standard", "full"], BROKEN = ["failed", "deviates", "waived"];
const wanted = { q: "", show: "", area: "", level: "", needs: "", basis: "" };
const idOf = (row) => row.id.slice("rule-".length);
const verdictsOf = (row) => all("td", row).map((cell) => cell.classList[0] || "");
const brokenIn = (row) => verdictsOf(row).map((verdict) => BROKEN.includes(verdict));
const texts = new Map(rows.map((row) => [
  row, [idOf(row), data.statements[idOf(row)] || "", ...Object.values(data.told[idOf(row)] || {})].join("\n").toLowerCase(),
]));

const SHOWS = {
  "": () => true,
  broken: (row) => brokenIn(row).includes(true),
  passed: (row) => verdictsOf(row).every((verdict) => verdict === "passed"),
  differ: (row) => new Set(verdictsOf(row)).size > 1,
  changed: (row) => row.querySelector("[data-was]") !== null,
};

function shows(row) {
  if (!wanted.show.startsWith("only:")) return (SHOWS[wanted.show] || (() => false))(row);
  const broken = brokenIn(row);
  const place = data.targets.findIndex((target) => target.slug === wanted.show.slice("only:".length));
  return broken[place] === true && broken.filter(Boolean).length === 1;
}

function fits(row) {
  const words = wanted.q.toLowerCase().trim();
  return (!words || texts.get(row).includes(words)) && (!wanted.area || row.parentElement.dataset.area === wanted.area)
    && (!wanted.level || (row.dataset.level && LEVELS.indexOf(row.dataset.level) <= LEVELS.indexOf(wanted.level)))
    && (!wanted.needs || (row.dataset.needs || "").split(" ").includes(wanted.needs))
    && (!wanted.basis || row.dataset.basis === wanted.basis) && shows(row);
}

function filter() {
  for (const row of rows) {
    row.hidden = !fits(row);
    const detail = row.nextElementSibling;
    if (detail && detail.matches(".detail")) detail.hidden = row.hidden;
  }
  for (const body of bodies) body.hidden = !body.querySelector(".rule:not([hidden])");
  stop(buttons.find((button) => !button.closest("tr").hidden));
  find("shown").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} rules`;
}

// The filters stand in the address, as #show=passed&area=labels; so does a rule that is open, as #rule-labels.set.
function keep(typing) {
  const kept = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value)).toString();
  const address = kept ? `#${kept}` : location.pathname + location.search;
  if (typing) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  filter();
}

function read() {
  const hash = location.hash.slice(1);
  if (hash && !hash.includes("=")) return visit(hash);
  const given = new URLSearchParams(hash);
  for (const [key, id] of Object.entries(FIELDS)) find(id).value = wanted[key] = given.get(key) || "";
  filter();
  if (hash) find("matrix").scrollIntoView();
}

function visit(hash) {
  let row = null;
  try { row = find(decodeURIComponent(hash)); } catch { return; }
  if (!row || !row.matches("tr.rule")) return;
  row.hidden = row.parentElement.hidden = false;
  toggle(row, true);
  stop(row.querySelector("button"));
  row.querySelector("button").focus({ preventScroll: true });
  row.scrollIntoView({ block: "center" });
}

function element(tag, text, kind) {
  const made = document.createElement(tag);
  made.textContent = text || "";
  if (kind) made.className = kind;
  return made;
}

// What each target did is made when a rule is opened: all of it at once would be most of the page.
function detailOf(row) {
  const rule = idOf(row), box = element("div"), list = element("ul"), passed = [];
  if (data.statements[rule]) box.append(element("p", data.statements[rule]));
  all("td", row).forEach((cell, place) => {
    const verdict = cell.classList[0];
    if (verdict === "passed" && !cell.dataset.was) passed.push(data.targets[place].name);
    else list.append(told(rule, cell, verdict, place));
  });
  if (passed.length) {
    const item = element("li");
    item.append(element("span", data.labels.passed.slice(0, 2).join(" "), data.labels.passed[2]), `: ${passed.join(", ")}`);
    list.append(item);
  }
  box.append(list);
  const detail = element("tr", "", "detail"), cell = element("td");
  cell.colSpan = data.targets.length + 1;
  cell.append(box);
  detail.append(cell);
  return detail;
}

function told(rule, cell, verdict, place) {
  const target = data.targets[place], label = data.labels[verdict], item = element("li");
  item.append(element("b", target.name), " ", label ? element("span", `${label[0]} ${label[1]}`, label[2]) : "no verdict");
  if (cell.dataset.was) item.append(`, was ${data.labels[cell.dataset.was][1]}`);
  const message = (data.told[rule] || {})[place];
  if (message) item.append(`: ${message}`);
  if (target.report && label) {
    const link = element("a", "in its report", "link");
    link.href = `${target.report}#${encodeURIComponent(rule)}`;
    item.append(" ", link);
  }
  return item;
}

function toggle(row, wantedOpen) {
  const button = row.querySelector("button"), open = button.getAttribute("aria-expanded") === "true";
  if (open === wantedOpen) return;
  button.setAttribute("aria-expanded", String(!open));
  if (open) row.nextElementSibling.remove();
  else row.after(detailOf(row));
}

for (const [key, id] of Object.entries(FIELDS)) {
  find(id).addEventListener("input", (event) => { wanted[key] = event.target.value; keep(key === "q"); });
}
document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
document.querySelector(".matrix").addEventListener("click", (event) => {
  const row = event.target.closest("tr.rule");
  if (row) toggle(row);
});
document.querySelector(".matrix").addEventListener("pointerover", (event) => {
  const cell = event.target.closest("tr.rule > td");
  if (cell) cell.title = (data.told[idOf(cell.parentElement)] || {})[cell.cellIndex - 1] || "";
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.matches("input, select")) { event.preventDefault(); find("search").focus(); }
  if (event.key === "Escape" && event.target === find("search")) { event.target.value = wanted.q = ""; keep(true); }
});
addEventListener("hashchange", read);
addEventListener("popstate", read);

// The rules are one stop of the tab key; arrows go on from one to the next.
function stop(button) {
  for (const other of buttons) other.tabIndex = -1;
  if (button) button.tabIndex = 0;
}
document.querySelector(".matrix").addEventListener("keydown", (event) => {
  const shown = buttons.filter((button) => !button.closest("tr").hidden), place = shown.indexOf(event.target);
  const next = { ArrowDown: place + 1, ArrowUp: place - 1, Home: 0, End: shown.length - 1 }[event.key];
  if (place < 0 || next === undefined || !shown[next] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  stop(shown[next]);
  shown[next].focus();
});
filter();
read();
