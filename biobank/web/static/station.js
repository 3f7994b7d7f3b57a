/* The station without a line. Each scan is kept in the browser, with a key of its own, until the bank has answered it;
   they are sent one after the other, in the order of the hand. Sent twice, a scan is carried out once: the key is the same.

     form[data-queue="who"]     its scans wait here; those of somebody else stay until that person is back
     #station[data-waiting]     how many scans are not answered yet
     #station[data-free]        the places that are free in the open box, in order: shown on, without an answer
     #station [data-part]       what an answer replaces; the scan field is none of it
     [data-key="F2"]            a button that a key presses

   Without it the form still works, one page for each scan. */
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const box = () => $("#station"), form = () => $("form.scan-box[data-queue]");
  const name = () => `station:${form().dataset.queue}`;
  const read = () => { try { return JSON.parse(localStorage.getItem(name())) || []; } catch { return []; } };
  const write = (queue) => localStorage.setItem(name(), JSON.stringify(queue));
  const key = () => (crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
  const AGAIN_MS = 2000, WAIT_MS = 3000, ANSWER_MS = 15000;
  let sending = false, away = false, signedOut = false, last = ["", 0];

  // ---- what is shown before the answer
  const place = (queue) => {   // the next place that no waiting scan has; none once something else than a tube was scanned
    if (queue.some((scan) => scan.turns)) return "";
    return box().dataset.free.split(" ").find((free) => free && !queue.some((scan) => scan.position === free)) || "";
  };
  const paint = () => {
    const queue = read(), note = $("#station-queue"), next = $("#station-next");
    if (!note) return;
    box().dataset.waiting = queue.length;
    note.hidden = !queue.length || !(away || signedOut || queue.length > 1);
    note.replaceChildren();
    if (next) next.textContent = place(queue) || "…";
    if (note.hidden) return;
    const line = document.createElement("p");
    line.textContent = (signedOut ? note.dataset.signedOut : (away ? `${note.dataset.line} ` : "") + note.dataset.waiting).replace("{count}", queue.length);
    const list = document.createElement("ol");
    queue.slice(-8).forEach((scan) => {
      const item = document.createElement("li");
      item.textContent = [scan.position, scan.raw].filter(Boolean).join("  ");
      list.append(item);
    });
    note.append(line, list);
  };

  // ---- taking scans
  const take = (raw, from) => {
    const text = raw.trim();
    if (!text) return;
    if (text === last[0] && Date.now() - last[1] < AGAIN_MS) { $("#live").textContent = document.body.dataset.sayAgain; return; }
    last = [text, Date.now()];
    const queue = read(), turns = Boolean(from) || new RegExp(`^[${box().dataset.letters}]\\d{8,}`).test(text);
    write([...queue, { key: key(), raw, session: box().dataset.session, position: turns ? "" : place(queue), at: new Date().toISOString(), turns }]);
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
    if (raw) take(raw, event.submitter?.name === "raw");
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
    const body = new URLSearchParams({ csrf_token: $("[name=csrf_token]", form()).value, raw: scan.raw, key: scan.key, session: scan.session || "", position: scan.position || "", scanned_at: scan.at });
    try {
      return await fetch(form().action, { method: "POST", body, credentials: "same-origin", signal: stop.signal, headers: { "X-Partial": "1", Accept: "text/html" } });
    } finally { clearTimeout(clock); }
  };
  const fresh = async () => {   // a page that is older than its session has an old token
    const answer = await fetch(location.href, { credentials: "same-origin", headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const token = $("form[data-queue] [name=csrf_token]", page);
    if (!token) return false;
    document.querySelectorAll("[name=csrf_token]").forEach((field) => { field.value = token.value; });
    return true;
  };
  const show = (page) => {   // around the scan field, which stays as it is: the next scan may be half typed
    const there = $("#station", page), here = box();
    if (!there || !here) return;
    const lost = here.contains(document.activeElement) && !document.activeElement.matches("[data-scan]");
    here.querySelectorAll("[data-part]").forEach((part) => { part.innerHTML = $(`#${part.id}`, there).innerHTML; });
    Object.assign(here.dataset, there.dataset);
    if (lost || document.activeElement === document.body) $("[data-scan]", here).focus();
    document.dispatchEvent(new CustomEvent("settled", { detail: here }));
  };
  const send = async () => {
    if (sending || signedOut || !form()) return;
    sending = true;
    try {
      for (let queue = read(); queue.length; queue = read()) {
        const answer = await post(queue[0]);
        if (answer.status === 429 || answer.status >= 500) throw new Error(answer.status);
        if (answer.status === 401 || answer.redirected && new URL(answer.url).pathname.includes("sign-in")) { signedOut = true; break; }
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (answer.status === 400 && !$("#station", page)) { if (!await fresh()) { signedOut = true; break; } continue; }
        const rest = read().filter((scan) => scan.key !== queue[0].key);
        const session = $("#station", page)?.dataset.session;
        write(rest.map((scan) => (scan.session ? scan : { ...scan, session })));   // what was scanned after it belongs to what it began
        away = false;
        show(page);
        paint();
      }
    } catch {
      away = true;
      setTimeout(send, WAIT_MS);
    } finally { sending = false; paint(); }
  };
  addEventListener("online", send);
  if (box() && form()) { paint(); send(); }
})();
