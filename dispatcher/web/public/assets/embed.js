// Hearback: <script src="…/embed.js" data-site="blog" data-thread="post-7" async></script>
(() => {
"use strict";
const says = {/*says*/};
const me = document.currentScript, d = me.dataset, base = new URL(".", me.src).href;
const lang = (me.closest("[lang]") || {}).lang || navigator.language || "en";
const own = says[lang.slice(0, 2).toLowerCase()] || says.en;
const el = (tag, props, ...inside) => {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(props || {})) k in e ? e[k] = v : e.setAttribute(k, v);
  e.append(...inside.filter(Boolean));
  return e;
};
const given = {};
for (const k of ["site", "thread", "comment", "author", "what", "depth", "schedule"]) if (d[k]) given[k] = d[k];
given.lang = lang;

const box = el("div", { className: "hearback", lang });
const root = box.attachShadow({ mode: "open" });
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host{display:block;margin:1em 0;font:inherit;color:inherit}
form,.say{padding:var(--hearback-padding,1em 1.1em);border:var(--hearback-border,1px solid color-mix(in srgb,currentColor 28%,transparent));border-radius:8px}
h2{font-size:1.05em;margin:0 0 .6em;font-weight:600}
fieldset{border:0;margin:0 0 .8em;padding:0}
legend,.lab{display:block;padding:0;margin:0 0 .2em;font-size:.9em;font-weight:600}
.way{display:flex;gap:.5em;align-items:baseline;padding:.35em 0}
.row{display:flex;flex-wrap:wrap;gap:.7em;align-items:end}
.row>label{flex:1 1 12em;min-width:0}
input,select,button{font:inherit;color:inherit;box-sizing:border-box;border-radius:6px;min-height:44px}
.way input{min-height:0;flex:none}
.row input,select{width:100%;padding:.5em .6em;background:transparent;border:1px solid color-mix(in srgb,currentColor 60%,transparent)}
option{color:#111;background:#fff}
button{padding:.5em 1.2em;border:0;background:var(--hearback-accent,#0a5a9c);color:var(--hearback-on-accent,#fff);font-weight:600;cursor:pointer}
button[disabled]{opacity:.6;cursor:default}
:focus-visible{outline:3px solid currentColor;outline-offset:2px}
.say:focus{outline:0}
.hint{margin:.7em 0 0;font-size:.85em}
.said{margin:.7em 0 0;font-weight:600}
.said:empty{display:none}
.trap{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}`);
root.adoptedStyleSheets = [sheet];

const state = s => box.dataset.state = s;
const say = (text, again) => root.replaceChildren(el("div", { className: "say", role: "status", tabIndex: -1 },
  el("span", {}, text), again && " ", again && el("button", { type: "button", onclick: load, ariaLabel: own[1] }, "↻")));

async function load() {
  state("loading");
  say(own[0]);
  try {
    const r = await fetch(base + "embed.json?" + new URLSearchParams(given), { credentials: "omit" });
    const w = await r.json();
    if (!r.ok) throw new Error(w.said);
    show(w);
  } catch (e) {
    console.error("Hearback:", e.message);
    state("error");
    say(own[1], true);
  }
}

function show(w) {
  box.lang = w.lang;
  box.dir = w.dir;
  const email = el("input", { type: "email", name: "email", required: true, autocomplete: "email", dir: "ltr", maxLength: 254 });
  const button = el("button", {}, w.button), said = el("p", { className: "said", role: "alert" });
  const form = el("form", { onsubmit: send, noValidate: true }, el("h2", {}, w.title),
    el("fieldset", {}, el("legend", {}, w.what), ...w.ways.map(o =>
      el("label", { className: "way" }, el("input", { type: "radio", name: "what", value: o.value, checked: !!o.chosen }), el("span", { dir: "auto" }, o.label)))),
    el("div", { className: "row" },
      el("label", {}, el("span", { className: "lab" }, w.email), email),
      el("label", {}, el("span", { className: "lab" }, w.often), el("select", { name: "schedule" }, ...w.cadences.map(o => el("option", { value: o.value, selected: !!o.chosen }, o.label)))),
      button),
    el("p", { className: "trap", "aria-hidden": "true" }, el("input", { name: "website", tabIndex: -1, autocomplete: "off", "aria-label": w.trap })),
    said, el("p", { className: "hint" }, w.hint));
  root.replaceChildren(form);
  state("ready");

  async function send(e) {
    e.preventDefault();
    state("sending");
    button.disabled = true;
    said.textContent = "";
    const body = new URLSearchParams(new FormData(form));
    for (const k in given) body.has(k) || body.set(k, given[k]);
    body.set("url", location.href.split("#")[0]);
    let a;
    try {
      a = await (await fetch(base + "subscribe", { method: "POST", headers: { Accept: "application/json" }, body, credentials: "omit" })).json();
    } catch {
      a = { said: w.failed };
    }
    button.disabled = false;
    if (a.ok) {
      state("ok");
      say(a.said);
      root.firstChild.focus();
      return;
    }
    state("error");
    said.textContent = a.said;
    if (a.field === "email") {
      email.setAttribute("aria-invalid", "true");
      email.focus();
    }
  }
}

const place = d.target && document.querySelector(d.target);
place ? place.append(box) : me.after(box);
load();
})();
