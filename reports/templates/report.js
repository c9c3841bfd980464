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
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const label = button.textContent;
  try { await navigator.clipboard.writeText(button.dataset.copy); button.textContent = "Copied"; }
  catch { button.textContent = "The browser does not allow copying"; }
  setTimeout(() => { button.textContent = label; }, 1500);
});
window.addEventListener("hashchange", openTarget);
filter();
openTarget();
