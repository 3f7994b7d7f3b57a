/* Scans of the station, with or without a line. Each is kept in the browser, with a key of its own, until the bank has
   answered it; they are sent one after the other, in the order of the hand, from whatever page is open. Sent twice, a scan
   is carried out once: the key is the same.

     body[data-queue="who"]     whose scans this page sends; those of somebody else stay until that person is back
     form[data-queue]           its scans wait in the queue
     #station[data-waiting]     how many scans are not answered yet
     #station[data-free]        the places that are free in the open box, in order: shown on, without an answer
     #station [data-part]       what an answer replaces; the scan field is none of it
     #station-waits             on every other page: how many wait, and the way to the station
     [data-key="F2"]            a button that a key presses

   Without it the form still works, one page for each scan. */
(() => {
  "use strict";
  const who = document.body.dataset.queue;
  if (!who) return;
  const $ = (selector, root = document) => root.querySelector(selector);
  const box = () => $("#station"), form = () => $("form.scan-box[data-queue]"), page = (text) => new DOMParser().parseFromString(text, "text/html");
  const AGAIN_MS = 2000, PULL_MS = 400, WAIT_MS = 3000, ANSWER_MS = 15000, STATION = "/station", SCANS = "/station/scans";
  let sending = false, away = false, signedOut = false, last = ["", 0], next = 0, renewed = "";

  // ---- kept: each scan by itself, so that two windows never write over one another
  const prefix = `station:${who}:`, memory = new Map();   // a browser may refuse to remember
  const remember = (name, scan) => { try { localStorage.setItem(name, JSON.stringify(scan)); } catch { memory.set(name, scan); } };
  const forget = (name) => { memory.delete(name); try { localStorage.removeItem(name); } catch { /* nothing was kept there */ } };
  const parsed = (text) => { try { return JSON.parse(text); } catch { return null; } };
  const read = () => {
    const kept = new Map(memory);
    try {
      Object.keys(localStorage).filter((name) => name.startsWith(prefix)).forEach((name) => kept.set(name, parsed(localStorage.getItem(name))));
    } catch { /* only what this page remembers */ }
    return [...kept].filter(([, scan]) => scan?.key).sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, scan]) => ({ ...scan, name }));
  };
  const newKey = () => (crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  const add = (scan) => {   // in the order of the hand, also where a clock was put back
    const before = Number(read().at(-1)?.name.slice(prefix.length).split(":")[0] || 0);
    next = Math.max(Date.now(), before + 1, next + 1);
    remember(`${prefix}${String(next).padStart(15, "0")}:${scan.key}`, scan);
  };

  // ---- what is shown before the answer
  const place = (queue) => {   // the next place that no waiting scan has; none once something else than a tube was scanned
    if (queue.some((scan) => scan.turns)) return "";
    return box().dataset.free.split(" ").find((free) => free && !queue.some((scan) => scan.position === free)) || "";
  };
  const list = (queue) => {
    const items = document.createElement("ol");
    queue.slice(-8).forEach((scan) => items.append(Object.assign(document.createElement("li"), { textContent: [scan.position, scan.raw].filter(Boolean).join("  ") })));
    return items;
  };
  const paint = () => {
    const queue = read(), note = $("#station-queue"), band = $("#station-waits"), next = $("#station-next");
    if (box()) box().dataset.waiting = queue.length;
    if (box() && form()) form().dataset.unsure = queue.some((scan) => scan.turns) ? "yes" : "";
    if (band) {
      band.hidden = Boolean(box()) || !(queue.length || band.dataset.refused);
      $("p", band).textContent = [queue.length ? (signedOut ? band.dataset.signedOut : band.dataset.waiting).replace("{count}", queue.length) : "", band.dataset.refused].filter(Boolean).join(" ");
    }
    if (!note) return;
    note.hidden = !queue.length || !(away || signedOut || queue.length > 1);
    note.replaceChildren();
    if (next) next.textContent = place(queue) || "…";
    if (note.hidden) return;
    const line = document.createElement("p");
    line.textContent = (signedOut ? note.dataset.signedOut : (away ? `${note.dataset.line} ` : "") + note.dataset.waiting).replace("{count}", queue.length);
    note.append(line, list(queue));
  };

  // ---- taking scans
  const take = (raw, how) => {
    const text = raw.trim();
    if (!text) return;
    // A tube that the screen asks for once more is waited for: only what one pull of the trigger read twice is one scan.
    const again = box().dataset.asked && !read().length ? PULL_MS : AGAIN_MS;
    if (how !== "typed" && text === last[0] && Date.now() - last[1] < again) { $("#live").textContent = document.body.dataset.sayAgain; return; }
    last = [text, Date.now()];
    const turns = how === "pressed" || new RegExp(`^[${box().dataset.letters}]\\d{8,}`).test(text);
    add({ key: newKey(), raw, how, session: box().dataset.session, position: turns ? "" : place(read()), at: new Date().toISOString(), turns });
    paint();
    send();
  };
  addEventListener("submit", (event) => {   // before biobank.js, which lets one scan wait for the answer to another
    const asked = event.target;
    if (!asked.matches("form[data-queue]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const field = $("[data-scan]", asked), raw = event.submitter?.name === "raw" ? event.submitter.value : field?.value;
    if (field) field.value = "";
    form()?.querySelector("[data-scan]").focus();
    if (raw) take(raw, asked.elements.how.value);
  }, true);
  addEventListener("keydown", (event) => {
    if (!/^F\d+$/.test(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    const button = $(`[data-key="${event.key}"]`);
    if (!button) return;
    event.preventDefault();
    if (!event.repeat) button.click();
  }, true);

  // ---- sending them
  const post = async (scan) => {
    const stop = new AbortController(), clock = setTimeout(() => stop.abort(), ANSWER_MS);
    const body = new URLSearchParams({ csrf_token: $("[name=csrf_token]")?.value || "", queue: who, raw: scan.raw, key: scan.key, how: scan.how || "", session: scan.session || "", position: scan.position || "", scanned_at: scan.at });
    try {
      return await fetch(SCANS, { method: "POST", body, credentials: "same-origin", signal: stop.signal, headers: { "X-Partial": "1", Accept: "text/html" } });
    } finally { clearTimeout(clock); }
  };
  const fresh = async () => {   // a page that is older than its session has an old token; or somebody else has signed in
    const answer = await fetch(STATION, { credentials: "same-origin", headers: { Accept: "text/html" } });
    const now = page(await answer.text()), token = $("[name=csrf_token]", now);
    if (!token || now.body.dataset.queue !== who) return false;
    document.querySelectorAll("[name=csrf_token]").forEach((field) => { field.value = token.value; });
    return true;
  };
  const ended = (here, there, scan) => {   // what was said of its end, before it ended: the answer shows that nothing is going on
    if (!here.dataset.session || there.dataset.session || $(".station-said", there)) return;
    const ends = [...here.querySelectorAll("template[data-ended]")], last = ends.find((end) => end.dataset.ended === scan?.raw.trim()) || ends[0];
    if (!last) return;
    $("#station-top", there).prepend(last.content.cloneNode(true));
    there.dataset.tone = $(".station-said.tone-look", there) ? "look" : "yes";
  };
  const show = (answer, scan) => {   // around the scan field, which stays as it is: the next scan may be half typed
    const there = $("#station", answer), here = box();
    if (!there || !here) return;
    const lost = here.contains(document.activeElement) && !document.activeElement.matches("[data-scan]");
    ended(here, there, scan);
    here.querySelectorAll("[data-part]").forEach((part) => { part.innerHTML = $(`#${part.id}`, there).innerHTML; });
    Object.assign(here.dataset, there.dataset);
    if (lost || document.activeElement === document.body) $("[data-scan]", here).focus();
    document.dispatchEvent(new CustomEvent("settled", { detail: here }));
  };
  const told = (scan, answer) => {   // on another page than the station's only a refusal is said
    const why = $(".station-said.tone-no p:not(.station-code)", answer), band = $("#station-waits");
    if (!box() && band && why) band.dataset.refused = `${band.dataset.refused || ""} ${scan.raw}: ${why.textContent}`.trim();
  };
  const sendOne = async (scan) => {   // false: they are kept until somebody signs in
    const answer = await post(scan);
    if (answer.status === 401 || (answer.redirected && new URL(answer.url).pathname.includes("sign-in"))) return false;
    const said = page(await answer.text()), station = $("#station", said);
    if (answer.status === 400 && !station && renewed !== scan.key) {   // once: another 400 is not about the token
      const token = await fresh();
      renewed = token ? scan.key : "";
      return token;
    }
    if (!station) throw new Error(answer.status);   // no answer of the station: it was not heard
    forget(scan.name);
    // What was scanned after it belongs to what it began, or comes after what it ended. What ended elsewhere is told.
    const follows = (later) => (scan.session ? answer.status < 400 && later.session === scan.session : !later.session);
    read().filter(follows).forEach(({ name, ...later }) => remember(name, { ...later, session: station.dataset.session }));
    if (answer.status >= 400) told(scan, said);
    away = false;
    show(said, scan);
    paint();
    return true;
  };
  const alone = (work) => (navigator.locks ? navigator.locks.request(prefix, { ifAvailable: true }, (lock) => (lock ? work() : later())) : work());
  let timer = 0;
  const later = () => { clearTimeout(timer); timer = setTimeout(send, WAIT_MS); };
  const send = async () => {
    if (sending || signedOut || !read().length) return;
    sending = true;
    try {
      await alone(async () => {
        for (let queue = read(); queue.length && !signedOut; queue = read()) signedOut = !await sendOne(queue[0]);
      });
    } catch {
      away = true;
      later();
    } finally { sending = false; paint(); }
  };
  const look = async () => {   // another window has sent them: what came of it
    const answer = await fetch(STATION, { credentials: "same-origin", headers: { "X-Partial": "1", Accept: "text/html" } }).catch(() => null);
    if (answer?.ok) show(page(await answer.text()));
    paint();
  };
  addEventListener("storage", (event) => {
    if (!event.key?.startsWith(prefix)) return;
    paint();
    if (box() && !sending && !read().length) look();
  });
  addEventListener("online", send);
  addEventListener("focus", () => { signedOut = false; send(); });   // who signed in again in another window is back
  paint();
  send();
})();
