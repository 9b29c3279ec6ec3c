// The desk works without this; it only saves clicks.
"use strict";

// Times keep telling how long ago they are, in the words of when.go.
function ago(ms) {
  const s = Math.abs(ms) / 1000;
  if (s < 5) return "now";
  const span = s < 90 ? `${Math.round(s)} s` : s < 5400 ? `${Math.round(s / 60)} min` : s < 129600 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} days`;
  return ms < 0 ? `in ${span}` : `${span} ago`;
}
// The daemon's clock may not be this machine's: it goes on from the page's.
const pageNow = Number(document.documentElement.dataset.now || Date.now()), opened = Date.now();
function tell() {
  const now = pageNow + Date.now() - opened;
  for (const e of document.querySelectorAll("[data-ago]")) e.textContent = ago(now - Date.parse(e.dataset.ago));
}
if (document.documentElement.dataset.now) setInterval(tell, 5000);

// Secrets that are shown once can be copied.
for (const b of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  b.hidden = false;
  b.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(b.dataset.copy).textContent);
    b.textContent = "Copied";
  });
}

// The browser knows its own time zone.
for (const b of document.querySelectorAll("[data-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone, field = document.getElementById(b.dataset.zone);
  if (!zone || field.value === zone) continue;
  b.hidden = false;
  b.textContent = `Use ${zone}`;
  b.addEventListener("click", () => { field.value = zone; field.form.requestSubmit(); });
}

// Of opened questions there is one; Escape and a click elsewhere close it.
document.addEventListener("click", (e) => {
  for (const d of document.querySelectorAll("details.sure[open]")) if (!d.contains(e.target)) d.open = false;
});
document.addEventListener("keydown", (e) => {
  if (e.key !== "Escape") return;
  for (const d of document.querySelectorAll("details.sure[open]")) {
    d.open = false;
    d.querySelector("summary").focus();
  }
});

// The navigation shows where one is, also where it is wider than the phone.
const nav = document.querySelector(".nav"), here = document.querySelector(".nav [aria-current]");
if (nav && here) nav.scrollLeft = here.offsetLeft - nav.offsetLeft - 40;

// A page that says so is fetched anew every few seconds, while nobody is busy in it.
const live = document.querySelector("[data-live]");
if (live) setInterval(async () => {
  const busy = document.hidden || live.contains(document.activeElement) && document.activeElement !== live || live.querySelector("details[open]");
  if (busy) return;
  const r = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!r || !r.ok || r.redirected) return;
  const fresh = new DOMParser().parseFromString(await r.text(), "text/html").querySelector("[data-live]");
  if (fresh) live.replaceChildren(...fresh.childNodes);
}, Number(live.dataset.live) * 1000);

// What a schedule's form means is told while it is typed in.
for (const part of document.querySelectorAll("[data-check]")) {
  const answer = part.querySelector("[data-answer]"), fields = ["cron", "time_zone"].map((n) => part.querySelector(`[name=${n}]`));
  if (!answer || fields.includes(null)) continue;
  let waiting = 0, asked = 0;
  const ask = async () => {
    const mine = ++asked;
    const r = await fetch(part.dataset.check + "?" + new URLSearchParams(fields.map((f) => [f.name, f.value])), { headers: { Accept: "text/html" } }).catch(() => null);
    if (!r || !r.ok || r.redirected || mine !== asked) return;
    const fresh = new DOMParser().parseFromString(await r.text(), "text/html").body;
    answer.replaceChildren(...fresh.childNodes);
  };
  for (const f of fields) f.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, 250); });
}

// The preview of a template follows what is typed and chosen.
for (const form of document.querySelectorAll("form[data-preview]")) {
  const show = form.querySelector("[formtarget=preview]");
  if (!show) continue;
  let waiting = 0;
  form.addEventListener("input", (e) => {
    if (e.target.name === "phone") return;
    clearTimeout(waiting);
    waiting = setTimeout(() => form.requestSubmit(show), e.target.type === "radio" ? 0 : 700);
  });
}
