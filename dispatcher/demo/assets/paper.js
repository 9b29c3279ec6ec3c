// The page grows while one looks, and its clock runs at the demo's pace.
'use strict';
(() => {
  const body = document.body, box = document.getElementById('comments'), clock = document.getElementById('clock');
  const pace = Number(body.dataset.pace);
  let base = Number(body.dataset.now), from = performance.now(), busy = false, again = false;
  const show = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit', timeZone: 'Europe/Berlin'});
  setInterval(() => { clock.textContent = show.format(new Date(base + (performance.now() - from) * pace)); }, 250);

  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch('/demo/' + body.dataset.thread + '/comments');
      if (answer.ok) replace(await answer.text());
    } catch { /* the demo has ended; the page stays as it is */ }
    busy = false;
    if (again) { again = false; refresh(); }
  }

  function replace(html) {
    const had = new Set([...box.querySelectorAll('.comment')].map(c => c.id));
    const next = new DOMParser().parseFromString(html, 'text/html').body;
    for (const c of next.querySelectorAll('.comment')) if (had.size && !had.has(c.id)) c.classList.add('fresh');
    if (next.innerHTML === box.innerHTML) return;
    box.replaceChildren(...next.childNodes);
    const count = document.querySelector('[data-count="' + body.dataset.thread + '"]');
    if (count) count.textContent = (box.querySelector('h2').textContent.match(/^\d+/) || ['0'])[0];
  }

  const live = new EventSource('/demo/events');
  live.addEventListener('change', e => { base = Number(e.data); from = performance.now(); refresh(); });
})();
