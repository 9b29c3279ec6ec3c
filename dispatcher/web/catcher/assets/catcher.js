// The page works without this; with it, it keeps itself up to date and can be
// used from the keyboard.
(() => {
  "use strict";
  const base = document.body.dataset.base;
  const list = document.getElementById("list");
  const search = document.getElementById("to");
  const links = () => [...list.querySelectorAll("a[data-id]")];
  const current = () => links().findIndex((a) => a.getAttribute("aria-current"));

  const known = new Set(links().map((a) => a.dataset.id));
  list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });

  // The list is fetched anew when mails came or went. One fetch at a time, and
  // one more if something happened meanwhile.
  let busy = false;
  let again = false;
  async function refresh() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    const q = new URLSearchParams(location.search);
    q.set("selected", document.body.dataset.selected || "");
    try {
      const answer = await fetch(base + "/list?" + q);
      if (answer.ok) {
        const top = list.scrollTop;
        const focus = document.activeElement?.dataset?.id;
        list.innerHTML = await answer.text();
        list.scrollTop = top;
        for (const a of links()) {
          if (!known.has(a.dataset.id)) {
            known.add(a.dataset.id);
            a.classList.add("fresh");
          }
          if (a.dataset.id === focus) a.focus();
        }
        live(true);
      }
    } catch {
      live(false);
    }
    busy = false;
    if (again) {
      again = false;
      refresh();
    }
  }

  function live(on) {
    const mark = list.querySelector(".live");
    if (mark) mark.hidden = !on;
  }

  // Open connections are few per host, so a page that is not looked at closes its own.
  let source;
  function watch() {
    source?.close();
    if (document.hidden) return;
    source = new EventSource(base + "/events");
    source.addEventListener("change", refresh);
    source.addEventListener("error", () => live(false));
  }
  document.addEventListener("visibilitychange", watch);
  watch();

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.target.closest("input, textarea, select")) {
      if (e.key === "Escape") e.target.blur();
      return;
    }
    const step = { j: 1, k: -1 }[e.key];
    if (step) {
      const all = links();
      const i = current();
      const next = all[i < 0 ? 0 : Math.min(Math.max(i + step, 0), all.length - 1)];
      if (next && !next.getAttribute("aria-current")) next.click();
    } else if (e.key === "/") {
      e.preventDefault();
      search.focus();
      search.select();
    }
  });

  document.querySelector("form.clear").addEventListener("submit", (e) => {
    const n = Number(list.querySelector(".count")?.dataset.count || 0);
    if (n > 0 && !confirm(n === 1 ? "Throw the mail away?" : "Throw all " + n + " mails away?")) e.preventDefault();
  });
})();
