"use strict";
const find = (id) => document.getElementById(id);
const rules = [...document.querySelectorAll(".rule")];
const texts = new Map(rules.map((rule) => [rule, rule.textContent.toLowerCase()]));

function filter() {
  const wanted = find("search").value.toLowerCase().trim();
  const [verdict, area, basis] = ["verdict", "area", "basis"].map((id) => find(id).value);
  let shown = 0;
  for (const rule of rules) {
    const fits = (!wanted || texts.get(rule).includes(wanted)) && (!verdict || rule.dataset.verdict === verdict)
      && (!area || rule.parentElement.dataset.area === area) && (!basis || rule.dataset.basis === basis);
    rule.hidden = !fits;
    shown += fits;
  }
  for (const group of document.querySelectorAll(".group")) group.hidden = !group.querySelector(".rule:not([hidden])");
  find("shown").textContent = `${shown} of ${rules.length} rules`;
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.matches(".rule")) { target.hidden = false; target.open = true; target.scrollIntoView(); }
}

for (const id of ["search", "verdict", "area", "basis"]) find(id).addEventListener("input", filter);
document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.target.matches("input, select")) { event.preventDefault(); find("search").focus(); }
  if (event.key === "Escape" && event.target === find("search")) { find("search").value = ""; filter(); }
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
window.addEventListener("beforeprint", () => {
  for (const exchange of document.querySelectorAll(".rule[open] .exchange")) exchange.open = true;
});
window.addEventListener("hashchange", openTarget);
filter();
openTarget();
