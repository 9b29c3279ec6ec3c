// The manual's comforts: finding a call, and trying it. Without this script the page says all the same.
"use strict";

const find = document.getElementById("find");
find.parentElement.hidden = false;
find.addEventListener("input", () => {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let any = false;
  for (const list of document.querySelectorAll("nav ul")) {
    let some = false;
    for (const li of list.children) {
      const text = li.dataset.words.toLowerCase();
      li.hidden = !words.every((w) => text.includes(w));
      some = some || !li.hidden;
    }
    list.hidden = list.previousElementSibling.hidden = !some;
    any = any || some;
  }
  document.getElementById("nothing").hidden = any;
});
document.addEventListener("keydown", (e) => {
  if (e.key === "/" && !/^(INPUT|TEXTAREA)$/.test(e.target.tagName)) {
    e.preventDefault();
    find.focus();
  }
});

document.getElementById("key").hidden = false;
document.getElementById("key").addEventListener("submit", (e) => e.preventDefault());
const token = document.getElementById("token");

function element(tag, props, ...children) {
  const e = Object.assign(document.createElement(tag), props);
  e.append(...children);
  return e;
}

// form builds the fields of a call when it is first opened.
function form(article) {
  const fields = [];
  const add = (name, place, input) => {
    fields.push({ name, place, input });
    return element("label", { className: place === "body" ? "tall" : "" }, name, input);
  };
  const labels = [];
  for (const row of article.querySelectorAll("details:first-of-type tbody tr")) {
    const first = row.cells[0];
    const small = [...first.querySelectorAll("small")].map((s) => s.textContent);
    const place = small.includes("in the path") ? "path" : small.includes("header") ? "header" : "query";
    if (row.closest("details").querySelector("summary").textContent !== "Parameters") break;
    labels.push(add(first.querySelector("code").textContent, place, element("input", { required: small.includes("needed"), autocomplete: "off" })));
  }
  const example = article.querySelector("template").content.textContent;
  if (example || "lines" in article.dataset) {
    labels.push(add("body", "body", element("textarea", { value: example, spellcheck: false })));
  }
  const out = element("pre", { hidden: true, tabIndex: 0 });
  out.setAttribute("aria-live", "polite");
  const f = element("form", { className: "try" }, ...labels, element("button", { textContent: "Send" }), out);
  f.addEventListener("submit", (e) => {
    e.preventDefault();
    send(article, fields, out);
  });
  return f;
}

async function send(article, fields, out) {
  let path = article.dataset.path.slice(1);
  const query = new URLSearchParams();
  const headers = { Authorization: "Bearer " + token.value.trim() };
  let body;
  for (const { name, place, input } of fields) {
    if (place === "path") path = path.replace("{" + name + "}", encodeURIComponent(input.value));
    else if (input.value === "") continue;
    else if (place === "query") query.set(name, input.value);
    else if (place === "header") headers[name] = input.value;
    else body = input.value;
  }
  if (body !== undefined) headers["Content-Type"] = "lines" in article.dataset ? "application/x-ndjson" : "application/json";
  out.hidden = false;
  out.textContent = "…";
  try {
    const answer = await fetch(path + (query.size ? "?" + query : ""), { method: article.dataset.method, headers, body });
    let text = await answer.text();
    try {
      text = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // Lines, or nothing: shown as they came.
    }
    out.textContent = answer.status + " " + answer.statusText + "\n" + text;
  } catch (e) {
    out.textContent = "The call did not reach the daemon: " + e.message;
  }
}

for (const article of document.querySelectorAll("article[data-method]")) {
  const details = element("details", {}, element("summary", { textContent: "Try it" }));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(form(article));
  });
  article.append(details);
}
