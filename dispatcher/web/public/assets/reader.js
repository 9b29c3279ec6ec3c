"use strict";
// What time it is in the zone that is being typed. The page works without.
(() => {
  const zone = document.getElementById("zone"), clock = document.getElementById("clock"), here = document.getElementById("here");
  if (!zone || !clock) return;
  const tell = () => {
    try {
      clock.textContent = new Intl.DateTimeFormat(document.documentElement.lang,
        { timeZone: zone.value.trim() || zone.placeholder, hour: "2-digit", minute: "2-digit", hour12: false }).format();
    } catch { // no zone yet
      clock.textContent = "–";
    }
  };
  zone.addEventListener("input", tell);
  setInterval(tell, 1000);
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!own || own === (zone.value || zone.placeholder)) return;
  here.hidden = false;
  here.addEventListener("click", () => { zone.value = own; here.hidden = true; tell(); zone.focus(); });
})();
