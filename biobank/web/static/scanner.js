/* Hears the scanner from anywhere on the page. A scanner types like a keyboard, only faster, and ends with Enter or Tab.

     input[data-scan]         hears every scan, whatever has the focus; one in the page goes before the header's
     input[data-scan-here]    keeps a scan made while it has the focus, and moves on to the next field
     input[name=ended]        beside a scan field: told how the scan ended (enter, tab, lf, silence)
     input[name=how]          beside a scan field: told whether it was scanned, typed or pressed; empty where nobody can tell
     form[data-type-again]    what is typed by hand and proves nothing by its check digits is asked for twice, with this text;
                              [data-typed-differs] is said when the two are not the same
     [data-twice="yes"]       around the scan field: our own numbers as well, for what follows cannot be taken back;
                              form[data-unsure="yes"]: and where nobody knows yet what follows
     [data-enter]             what Enter does on the empty scan field: the likeliest act of the card that is shown
     event.answered           set by answers.js: the key answered a question; of a whole scan it is still the beginning

   Without it the scan field still works: it has the focus, and Enter sends it. */
(() => {
  "use strict";
  // A hand types fewer than 10 characters a second; a scanner sends one every 1 to 30 ms, though a busy computer may stumble
  // once, and a Bluetooth one may take 150 ms. That slow it is told from a hand by what it types.
  const MEAN_MS = 50, PAUSE_MS = 200, SLOW_MEAN_MS = 170, SLOW_PAUSE_MS = 350, MIN_LENGTH = 4;
  // Slower than this, or unevenly, it counts as typed: what proves nothing by itself is then asked for twice.
  const SURE_MEAN_MS = 120;
  // A scanner that ends with nothing is heard by its silence: soon where the code is whole, later where more may come.
  const SILENT_LENGTH = 6, SILENCE_MS = 300, LONG_SILENCE_MS = 700;
  // What was left in the scan field this long before a scan is no part of it; an Enter this soon after a scan belongs to it.
  const LEFT_MS = 2000, ENTER_AFTER_MS = 500, ENTER_AFTER_SLOW_MS = 3000;
  const GS = "\x1d";
  const scanField = () => document.querySelector("#content [data-scan]") || document.querySelector("[data-scan]");
  const editable = (field) => field.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");
  let burst = null;     // keys without a pause between them; a scan when they came faster than a hand types
  let slow = null;      // the same with the pauses of a slow scanner
  let ended = -LEFT_MS; // when the last scan ended
  let silence = 0;

  const ends = (event) => ({ Enter: "enter", Tab: "tab" })[event.key] || (event.ctrlKey && event.key.toLowerCase() === "j" ? "lf" : "");
  const mean = (keys) => (keys.last - keys.first) / keys.text.length;
  const isFast = (now) => burst && burst.text.length >= MIN_LENGTH && now - burst.last < PAUSE_MS && mean(burst) < MEAN_MS;
  const isSlow = (now) => slow && slow.text.length >= MIN_LENGTH && now - slow.last < SLOW_PAUSE_MS && mean(slow) < SLOW_MEAN_MS;

  // One of our own numbers, its digits perhaps typed on the wrong keyboard, after an AIM identifier or before a place.
  const DIGITS = ["0123456789", "à&é\"'(-è_ç", ")!@#$%^&*("];
  const isOurs = (text) => DIGITS.some((keys) => {
    const plain = [...text.replace(/ /g, "")].map((key) => (keys.includes(key) ? keys.indexOf(key) : key)).join("");
    const [, letter, digits] = plain.match(/^(?:[\]$][A-Za-z]\d)?([A-Za-z])(\d{8,12})(?:[Pp]\d{2,5}|[Ll])?$/) || [];
    return letter && Number(`${letter.toUpperCase().charCodeAt(0) - 55}${digits}`) % 97 === 1;
  });
  // Somebody else's code: no blank, capitals and digits, and typed as evenly as no hand does.
  const isEven = (keys, much = 1.8) => keys.longest < much * mean(keys);
  const isCode = (text) => text.length >= 8 && /^[A-Z0-9\-._/]+$/.test(text) && /[A-Z]/.test(text) && (text.match(/\d/g) || []).length >= 4;

  // The text as the field made it of the keys (it knows the dead keys of a French keyboard), else the keys themselves.
  const typed = ({ field, before, from, to, text }) => {
    if (!editable(field) || typeof from !== "number") return text;
    const made = field.value.slice(from, field.value.length - (before.length - to));
    return made.length >= text.length ? made : text;
  };
  // In a scan field everything is the scan, however slowly its beginning came.
  const scanned = (scan) => (scan.field.matches("[data-scan]") && !scan.left ? scan.field.value : typed(scan));

  const deliver = (scan, how, now) => {
    const { field } = scan, text = scanned(scan), target = field.matches("[data-scan]") ? field : scanField();
    const quick = mean(scan) < MEAN_MS, read = quick || (mean(scan) < SURE_MEAN_MS && isEven(scan, 1.5)) ? "scanned" : "typed";
    burst = slow = null;
    clearTimeout(silence);
    ended = how !== "silence" ? now : now + (quick ? ENTER_AFTER_MS : ENTER_AFTER_SLOW_MS);
    if (field.matches("[data-scan-here]")) {
      const fields = [...(field.form || document).querySelectorAll("input:not([type=hidden]), select, textarea, button")];
      (fields[fields.indexOf(field) + 1] || field).focus();
      return;
    }
    if (target !== field && editable(field)) field.value = scan.before;   // it was not meant for that field
    if (!target) return;
    target.value = text;
    if (target.form.elements.ended) target.form.elements.ended.value = how;
    way = read;
    target.form.requestSubmit();
    way = null;
  };

  const listen = (again = false) => {   // for the silence after a scan that ends with nothing
    clearTimeout(silence);
    silence = setTimeout(() => {
      const field = document.activeElement, quick = burst && mean(burst) < MEAN_MS, keys = quick ? burst : slow;
      if (!keys || keys.field !== field || !field.matches("[data-scan]") || keys.text.length < SILENT_LENGTH) return;
      const text = scanned(keys), ours = isOurs(text);
      // What came slowly is a scan where it came evenly, and is a whole code.
      if (!quick && (mean(keys) >= SLOW_MEAN_MS || !isEven(keys, ours ? 2.5 : 1.5) || !(ours || isCode(text)))) return;
      if (again || (quick && ours)) deliver(keys, "silence", performance.now());
      else listen(true);
    }, again ? LONG_SILENCE_MS - SILENCE_MS : SILENCE_MS);
  };

  // ---- how it got here, and what a hand types twice
  let way = null;      // of the scan that is being sent
  let keyed = null;    // the scan field that a hand types into, and how many keys
  let once = null;     // what was typed the first time
  const isNumber = (text) => /^\d{1,5}$/.test(text);   // a count or a time of day, and no code
  const say = (form, text) => {
    if (!text && !form.querySelector(".type-again")) return;
    const note = form.querySelector(".type-again") || form.appendChild(Object.assign(document.createElement("p"), { className: "type-again", role: "alert" }));
    note.textContent = text;
    note.hidden = !text;
  };
  const askAgain = (form, field) => {   // true: it is not sent yet
    const text = field.value.replace(/ /g, ""), before = once?.form === form ? once.text : "";
    once = null;
    say(form, "");
    const final = field.closest("[data-twice=yes]") || form.dataset.unsure === "yes";
    if (!form.dataset.typeAgain || !text || isNumber(text) || (isOurs(text) && !final) || text === before) return false;
    if (!before) once = { form, text };
    say(form, before ? form.dataset.typedDiffers : form.dataset.typeAgain);
    field.value = "";
    field.focus();
    return true;
  };
  addEventListener("submit", (event) => {   // before station.js and biobank.js, which send it
    const form = event.target, field = form.querySelector("[data-scan]"), pressed = event.submitter?.name === "raw";
    const typedNow = keyed && keyed.field === field && keyed.count >= field.value.trim().length;
    const how = pressed ? "pressed" : way ?? (typedNow ? "typed" : "");
    way = keyed = null;
    if (form.elements.how) form.elements.how.value = how;
    if (field && how === "typed" && askAgain(form, field)) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    if (how === "scanned" && once) { say(once.form, ""); once = null; }
  }, true);

  // The end of a scan, or the Enter, Tab or Ctrl+J of a hand.
  const end = (event, field, how, now) => {
    const inScan = field.matches("[data-scan]"), empty = inScan && !field.value.trim(), slowly = isSlow(now) ? slow : null;
    const meant = slowly && (inScan || isOurs(typed(slowly)) || (isCode(typed(slowly)) && isEven(slowly)));
    const scan = isFast(now) ? burst : (meant && (how !== "tab" || !event.shiftKey) ? slowly : null);
    burst = slow = null;
    clearTimeout(silence);
    if (scan) { event.preventDefault(); deliver(scan, how, now); return; }
    if (now - ended < PAUSE_MS || (how === "lf" && inScan)) event.preventDefault();   // the LF after a CR opens no downloads
    if (how !== "enter" || !inScan) return;
    if (!empty) { ended = now; return; }   // typed by hand: the browser sends it
    const act = document.querySelector("#content:not([aria-busy]) [data-enter]");
    if (act && !event.repeat && now - ended > ENTER_AFTER_MS) { event.preventDefault(); act.click(); }
  };

  const begin = (keys, field, now, left) => ({ field, before: field.value || "", from: field.selectionStart, to: field.selectionEnd,
    first: now, last: now, longest: 0, text: "", left: left && Boolean(field.value), ...keys });
  const add = (keys, now, text) => { keys.longest = Math.max(keys.longest, now - keys.last); keys.last = now; keys.text += text; };

  // A scan finds its field wherever the page stands: asking for the focus does not scroll down to it.
  const asks = document.querySelector("[data-scan][autofocus]");
  if (asks && document.activeElement === document.body) asks.focus({ preventScroll: true });
  else if (asks && document.activeElement === asks && !location.hash) scrollTo(0, 0);   // the browser was quicker

  document.addEventListener("keydown", (event) => {
    const field = document.activeElement || document.body, now = event.timeStamp, how = ends(event);
    if (field.type === "password") return;
    if (how) { end(event, field, how, now); return; }
    const separator = event.ctrlKey && !event.altKey && (event.key === "]" || event.code === "BracketRight");   // GS arrives as Ctrl+]
    if ((event.key.length !== 1 && event.key !== "Dead") || (event.altKey && !event.ctrlKey) || event.metaKey) return;
    if (event.repeat) { burst = slow = null; return; }   // a finger that stays on a key
    const going = burst && now - burst.last <= PAUSE_MS, crawling = slow && now - slow.last <= SLOW_PAUSE_MS;
    if (event.ctrlKey && !event.altKey && !separator) { if (going) event.preventDefault(); return; }
    if (separator && !going && !crawling && editable(field) && !field.matches("[data-scan]")) return;
    if (!event.answered && !editable(field) && event.key !== " ") {
      const target = scanField(), begun = going && burst.answers ? burst.text : "";   // its first characters were taken for answers
      if (target) { target.value = begun; target.focus(); }   // the key itself still goes into it
      if (target && begun) burst = { ...burst, field: target, before: "", from: 0, to: 0, answers: false };
    }
    const into = document.activeElement, same = (keys) => keys.field === into || (keys.answers && event.answered);
    const left = !burst || now - burst.last > LEFT_MS;
    if (!going || !same(burst)) burst = begin({ answers: Boolean(event.answered) }, into, now, left);
    if (!crawling || !same(slow)) slow = begin({}, into, now, left);
    const text = separator ? GS : event.key.length === 1 ? event.key : "";
    add(burst, now, text);
    add(slow, now, text);
    if (into.matches("[data-scan]")) keyed = keyed?.field === into && into.value ? { field: into, count: keyed.count + 1 } : { field: into, count: 1 };
    if (separator) { event.preventDefault(); if (editable(into)) into.setRangeText(GS, into.selectionStart, into.selectionEnd, "end"); }
    if (into.matches("[data-scan]")) listen();
  }, true);
})();
