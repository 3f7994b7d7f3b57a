/* Makes pages answer without a reload. Everything works without it, only slower.

     form|a [data-partial="#id"]     fetched with `X-Partial: 1`; #id of the answer takes the place of #id here
     [data-refresh="10"]#id          asks again for itself every 10 seconds while nobody is working in it
     form[data-preview="#id"]        #id shows what data-preview-from answers to the form as it is typed; nothing is kept
     [data-announce] [data-sound]    read aloud, and beeped (yes | look | no) where the person turned sounds on
     [data-since]                    a running delay; data-look-after and data-no-after are minutes
     button[data-toggle=theme|sound]

   What scanners do is in scanner.js, timers of steps are in timers.js; what happens to a scan once it is sent (once only, none lost) is here. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const kept = (name, value) => {   // a browser may refuse to remember
    try { return value === undefined ? localStorage.getItem(name) : localStorage.setItem(name, value); } catch { return null; }
  };

  // ---- said and heard
  const say = (text) => {
    $("#live").textContent = "";
    setTimeout(() => { $("#live").textContent = text; }, 50);
  };
  let audio = null;
  const TUNES = { yes: [[660, 0, 0.09], [880, 0.1, 0.12]], look: [[520, 0, 0.12], [520, 0.18, 0.12]], no: [[170, 0, 0.5]] };
  const beep = (kind) => {
    if (kept("sound") !== "on" || !TUNES[kind] || !window.AudioContext || navigator.userActivation?.hasBeenActive === false) return;
    audio ??= new AudioContext();
    TUNES[kind].forEach(([pitch, after, length]) => {
      const tone = audio.createOscillator(), loud = audio.createGain(), start = audio.currentTime + after;
      tone.type = kind === "no" ? "sawtooth" : "sine";
      tone.frequency.value = pitch;
      loud.gain.value = 0.2;
      tone.connect(loud).connect(audio.destination);
      tone.start(start);
      tone.stop(start + length);
    });
  };
  const settle = (page) => {
    say(all("[data-announce]", page).map((piece) => piece.dataset.announce).join(" ") || $("h1", page)?.textContent || "");
    beep(["no", "look", "yes"].find((kind) => $(`[data-sound="${kind}"]`, page)));
  };

  // ---- a scan once sent
  const scanField = () => $("#content [data-scan]") || $("[data-scan]");
  const waiting = [];      // scans made while an answer is under way
  let asking = false, taken = null;
  const twice = (code) => {   // the same code within 2 seconds is one scan
    const [last, at] = JSON.parse(kept("scan") || "[null, 0]");
    if (code === last && Date.now() - at < 2000) return true;
    kept("scan", JSON.stringify([code, Date.now()]));
    return false;
  };
  const held = (scan) => {   // true: do not send it now
    const again = scan.value.trim() !== "" && scan.value !== taken && twice(scan.value.trim());
    if (again) {
      say(document.body.dataset.sayAgain);
      document.body.dataset.told = document.body.dataset.sayAgain;   // seen as well as read aloud
      setTimeout(() => { delete document.body.dataset.told; }, 2000);
    }
    else if (asking) waiting.push(scan.value);
    if (again || asking) scan.value = "";
    return again || asking;
  };
  const next = () => {
    asking = false;
    const field = scanField();
    if (!field) return;
    if (document.activeElement === document.body) field.focus({ preventScroll: true });
    taken = waiting.shift();
    if (!taken) return;
    field.value = taken;
    field.form.requestSubmit();
    taken = null;
  };

  // ---- partial updates
  let lastKey = -1000;
  document.addEventListener("keydown", (event) => { if (event.key.length === 1) lastKey = performance.now(); }, true);
  const pause = async () => {   // nothing is changed under a scan, or under a hand, in the middle of a code
    for (let turn = 0; turn < 20 && performance.now() - lastKey < 100; turn += 1) await new Promise((done) => { setTimeout(done, 50); });
  };
  let shown = location.pathname + location.search;
  const markPlace = (place) => all(".rail, .menu-nav").forEach((navigation) => {
    const open = $("nav details[open], .rail details[open]", navigation);
    all("a", navigation).forEach((link) => {
      if (link.getAttribute("href") !== place) { link.removeAttribute("aria-current"); return; }
      link.setAttribute("aria-current", "page");
      if (open) open.open = false;
      link.closest("details:not(.menu)")?.setAttribute("open", "");
    });
  });
  const put = (selector, page) => {
    const here = $(selector), there = $(selector, page);
    if (here && there) here.innerHTML = there.innerHTML;
    return there && here;
  };
  const show = (selector, page) => {
    const focus = document.activeElement, inside = $(selector).contains(focus), name = focus.getAttribute("name");
    put("#flashes", page);
    let box = put(selector, page);
    if (!box && $("#content", page)) box = put("#content", page);           // an error page, or a page without that part
    if (!box) { box = $(selector); box.innerHTML = page.body.innerHTML; }   // a bare fragment
    const again = inside && ((focus.id && document.getElementById(focus.id)) || (name && $(`[name="${CSS.escape(name)}"]`, box)));
    const target = $("[role=alert][tabindex], [autofocus]", box) || again || (inside && scanField());
    if (target) target.focus({ preventScroll: target.matches("[data-scan]") });
    settle(page.body);
    start(box);
  };
  const update = async (selector, url, { options = {}, push = false, quiet = false, otherwise }) => {
    const box = $(selector);
    box.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, { ...options, headers: { "X-Partial": "1", Accept: "text/html" }, credentials: "same-origin" });
      if (!(answer.headers.get("Content-Type") || "").startsWith("text/html")) throw new TypeError("not a page");
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      await pause();
      if (quiet) { if (!put(selector, page) && answer.ok && !$("#content", page)) box.innerHTML = page.body.innerHTML; tick(); return; }
      if ($("[data-full-page]", page)) { location.assign(answer.url); return; }
      const moved = (push || answer.redirected) && answer.url !== location.href;
      if (moved) history.pushState(null, "", answer.url);
      shown = location.pathname + location.search;
      if (page.title) document.title = page.title;
      show(selector, page);
      if (moved) markPlace($("#content", page)?.dataset.place);
      if (moved && selector === "#content") scrollTo(0, 0);
    } catch { if (otherwise) otherwise(); }
    finally { box.removeAttribute("aria-busy"); }
  };
  document.addEventListener("submit", (event) => {
    const form = event.target, scan = $("[data-scan]", form), target = form.dataset.partial;
    const plain = form.dataset.plain || !target || !$(target);
    if (scan && !form.dataset.plain && held(scan)) { event.preventDefault(); return; }
    if (form.dataset.busy) { event.preventDefault(); say(document.body.dataset.sayBusy); return; }
    const post = form.getAttribute("method") === "post";   // form.method may be a field of that name
    const free = () => { delete form.dataset.busy; };
    if (post) { form.dataset.busy = "yes"; setTimeout(free, 10000); }   // a download leaves the page standing
    if (plain) return;
    event.preventDefault();
    asking = asking || Boolean(scan);
    const data = new FormData(form, event.submitter), url = new URL(form.getAttribute("action") || "", location.href);
    if (!post) url.search = new URLSearchParams(data);
    const body = form.getAttribute("enctype") === "multipart/form-data" ? data : new URLSearchParams(data);
    const otherwise = () => { free(); form.dataset.plain = "yes"; form.requestSubmit(event.submitter); };
    update(target, url, { options: post ? { method: "POST", body } : {}, push: !post, otherwise }).then(() => {
      free();
      if (scan) { scan.value = ""; next(); }
    });
  });
  let looking = null;
  document.addEventListener("input", (event) => {
    const form = event.target.form, { preview, previewFrom } = form?.dataset ?? {};
    if (!preview || !$(preview)) return;
    clearTimeout(looking);
    looking = setTimeout(() => {
      const body = new URLSearchParams(new FormData(form));
      update(preview, previewFrom, { options: { method: "POST", body }, quiet: true });
    }, 400);
  });
  document.addEventListener("click", (event) => {
    all("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
    const link = event.target.closest("a[data-partial]");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || !$(link.dataset.partial)) return;
    event.preventDefault();
    update(link.dataset.partial, link.href, { push: true, otherwise: () => location.assign(link.href) });
  });
  addEventListener("popstate", () => { if (shown !== location.pathname + location.search) location.reload(); });   // not for a #jump
  addEventListener("pageshow", () => all("form[data-busy]").forEach((form) => { delete form.dataset.busy; }));

  // ---- menus, switches, clocks, what a fresh piece of page needs
  document.addEventListener("keyup", (event) => event.key === "Escape" &&
    all("details.menu[open]").forEach((menu) => { menu.open = false; $("summary", menu).focus(); }));
  const switches = {
    theme: () => {
      const root = document.documentElement.dataset;
      const dark = root.theme ? root.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.theme = dark ? "light" : "dark";
      document.cookie = `theme=${root.theme}; path=/; max-age=31536000; samesite=lax`;
    },
    sound: () => { kept("sound", kept("sound") === "on" ? "off" : "on"); beep("yes"); },
  };
  const pressed = () => all("[data-toggle=sound]").forEach((button) => button.setAttribute("aria-pressed", kept("sound") === "on"));
  all("[data-toggle]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => { switches[button.dataset.toggle](); pressed(); });
  });
  const tick = () => all("[data-since]").forEach((clock) => {
    const minutes = Math.max(0, Math.floor((Date.now() - Date.parse(clock.dataset.since)) / 60000));
    const after = (limit) => limit !== undefined && minutes >= Number(limit), late = after(clock.dataset.noAfter);
    $("time", clock).textContent = minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")}`;
    clock.classList.toggle("tone-no", late);
    clock.classList.toggle("tone-look", !late && after(clock.dataset.lookAfter));
  });
  const start = (box) => {
    tick();
    document.dispatchEvent(new CustomEvent("fresh"));   // timers.js looks whether it is time to ask
    all("[data-refresh][id]", box).forEach((piece) => {
      const clock = setInterval(() => {
        if (!piece.isConnected) clearInterval(clock);
        else if (!document.hidden && !piece.contains(document.activeElement)) update(`#${piece.id}`, location.href, { quiet: true });
      }, Number(piece.dataset.refresh) * 1000);
    });
  };
  document.addEventListener("told", ({ detail }) => { say(detail.text); beep(detail.sound); });   // timers.js has a warning
  document.addEventListener("settled", (event) => { settle(event.detail); start(event.detail); });   // station.js put a piece in
  setInterval(tick, 15000);
  pressed();
  start(document);
  if ($("[data-announce], [data-sound]")) settle(document.body);
})();
