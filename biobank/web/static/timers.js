/* Timers of steps that run: the board counts, and every other page warns before a limit. Without it the board is looked at
   anew by its button, and the other pages say nothing.

     [data-left]               a timer: seconds left when the server wrote it; data-warn before the end, data-batch its key
     #timers[data-from]        where the band of a page asks what runs; hidden while nothing does
     #timers[data-reader]      for whom and in which language: what was kept for somebody else is not shown
     #station[data-task=time]  the bench begins and ends steps: asked anew after each of its answers

   What runs is asked at most once a minute, by all pages of a browser together; not at all once nothing runs, until a page
   is used again. A timer counts by the browser's own watch, whatever its clock says. Each warning is given once. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const EVERY_MS = 60000, REMEMBERED = 200;
  const shown = () => (matchMedia("(max-width: 40rem)").matches ? 1 : 3);   // timers that the band names; it counts the others
  const kept = (name, value) => {   // a browser may refuse to remember
    try { return JSON.parse(value === undefined ? localStorage.getItem(name) : (localStorage.setItem(name, JSON.stringify(value)), "null")); } catch { return null; }
  };
  const now = () => performance.timeOrigin + performance.now();

  // ---- counting
  const SOUND = { late: "no", look: "look", ready: "yes" };
  const written = new WeakMap(), warned = new Set();
  const first = (warning) => {   // of all the pages of this browser
    const before = kept("warned") || [];
    if (warned.has(warning) || before.includes(warning)) return false;
    warned.add(warning);
    kept("warned", [...before, warning].slice(-REMEMBERED));
    return true;
  };
  const state = ({ warn, ready, open, noLimit }, left, gone) => {
    if (open !== undefined) return "running";
    if (noLimit !== undefined) return left > 0 ? "running" : "ready";
    if (left <= Number(warn)) return left > 0 ? "look" : "late";
    return ready !== undefined && Number(ready) <= gone ? "ready" : "running";
  };
  const watch = (seconds) => {
    const rest = Math.floor(Math.abs(seconds)), minutes = Math.floor(rest / 60) % 60, hours = Math.floor(rest / 3600);
    const two = (number) => String(number).padStart(2, "0");
    return hours ? `${hours}:${two(minutes)}:${two(rest % 60)}` : `${minutes}:${two(rest % 60)}`;
  };
  const count = () => {
    const news = [];
    all("[data-left]").forEach((timer) => {
      if (!written.has(timer)) written.set(timer, Number(timer.dataset.at) || now());
      const gone = (now() - written.get(timer)) / 1000, left = Number(timer.dataset.left) - gone, is = state(timer.dataset, left, gone);
      $("[role=timer]", timer).textContent = watch(left);
      all("[data-state]", timer).forEach((word) => { word.hidden = word.dataset.state !== is; });
      Object.entries(SOUND).forEach(([name, tone]) => timer.classList.toggle(`tone-${tone}`, name === is));
      const text = { late: timer.dataset.sayLate, look: timer.dataset.sayLook, ready: timer.dataset.sayReady }[is];
      if (text && first(`${timer.dataset.batch} ${is}`)) news.push([is, text]);
    });
    if (!news.length) return;
    const sound = SOUND[["late", "look", "ready"].find((name) => news.some(([each]) => each === name))];
    document.dispatchEvent(new CustomEvent("told", { detail: { text: news.map(([, text]) => text).join(". "), sound } }));
  };

  // ---- the band of a page that is not the board
  const band = $("#timers");
  let asking = false, asked = -Infinity;
  const piece = (tag, more, text) => {
    const made = Object.assign(document.createElement(tag), more);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const drawn = (timer, at, words) => {
    const made = piece("li");
    Object.assign(made.dataset, { left: timer.left, warn: timer.warn, batch: timer.batch, at, sayLook: timer.say_look, sayLate: timer.say_late });
    if (timer.ready !== null) made.dataset.ready = timer.ready;
    made.append(piece("strong", {}, timer.step), piece("span", { className: "code" }, timer.tubes));
    Object.entries(words).forEach(([name, word]) => {
      const said = piece("span", { hidden: true }, word);
      said.dataset.state = name;
      made.append(said);
    });
    const figure = piece("b");
    figure.setAttribute("role", "timer");
    made.append(figure);
    return made;
  };
  const draw = () => {
    const told = kept("timers"), list = $("ul", band);
    const timers = told && told.reader === band.dataset.reader && !$("ul.board") ? told.timers : [];
    list.replaceChildren(...timers.map((timer) => drawn(timer, told.at, told.words)));
    all("li", list).forEach((item, place) => { item.hidden = place >= shown(); });
    const more = $("[data-more]", band);
    more.hidden = timers.length <= shown();
    more.textContent = `+${timers.length - shown()}`;
    band.hidden = !timers.length;
    count();
  };
  const ask = async () => {
    if (asking) return;
    asking = true;
    asked = performance.now();
    try {
      const answer = await fetch(band.dataset.from, { credentials: "same-origin", headers: { Accept: "application/json" } });
      if (answer.ok) kept("timers", { ...await answer.json(), at: now(), reader: band.dataset.reader });
    } catch { /* the line is away: what was known goes on counting */ }
    finally { asking = false; draw(); }
  };
  const old = () => {
    const told = kept("timers");
    return performance.now() - asked >= EVERY_MS && (!told || told.reader !== band.dataset.reader || Math.abs(now() - told.at) >= EVERY_MS);
  };
  const look = () => {   // the page is used, or a minute went by
    if (document.hidden) return;
    if ($("ul.board")) { kept("timers", null); draw(); return; }   // the board knows better; the next page asks
    if (old()) ask();
  };
  setInterval(count, 1000);
  if (!band) return;
  document.addEventListener("fresh", () => { if ($("#station[data-task=time]")) ask(); else look(); });
  document.addEventListener("visibilitychange", look);
  setInterval(() => { if (!band.hidden) look(); }, EVERY_MS / 4);
  draw();
  look();
})();
