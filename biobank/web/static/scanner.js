/* Hears the scanner from anywhere on the page. A scanner types like a keyboard, only faster, and ends with Enter or Tab.

     input[data-scan]         hears every scan, whatever has the focus; one in the page goes before the header's
     input[data-scan-here]    keeps a scan made while it has the focus, and moves on to the next field
     event.answered           set by answers.js: the key answered a question; of a whole scan it is still the beginning

   Without it the scan field still works: it has the focus, and Enter sends it. */
(() => {
  "use strict";
  // A hand types fewer than 10 characters a second; a scanner sends one every 1 to 30 ms, though a busy computer may stumble once.
  const MEAN_MS = 50, PAUSE_MS = 200, MIN_LENGTH = 4;
  const scanField = () => document.querySelector("#content [data-scan]") || document.querySelector("[data-scan]");
  const editable = (field) => field.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");
  let burst = null;     // keys without a pause between them; a scan when they came faster than a hand types
  let ended = 0;        // when the last scan ended

  const ends = (event) => event.key === "Enter" || event.key === "Tab" || (event.ctrlKey && event.key.toLowerCase() === "j");

  const isScan = (now) => burst && burst.text.length >= MIN_LENGTH && now - burst.last < PAUSE_MS
    && (now - burst.first) / burst.text.length < MEAN_MS;

  // The text as the field made it of the keys (it knows the dead keys of a French keyboard), else the keys themselves.
  const scanned = ({ field, before, from, to, text }) => {
    if (!editable(field) || typeof from !== "number") return text;
    const made = field.value.slice(from, field.value.length - (before.length - to));
    return made.length >= text.length ? made : text;
  };

  const deliver = (field, scan) => {
    const text = scanned(scan), target = field.matches("[data-scan]") ? field : scanField();
    if (field.matches("[data-scan-here]")) {
      const fields = [...(field.form || document).querySelectorAll("input:not([type=hidden]), select, textarea, button")];
      (fields[fields.indexOf(field) + 1] || field).focus();
      return;
    }
    if (target !== scan.field && editable(scan.field)) scan.field.value = scan.before;   // it was not meant for that field
    if (!target) return;
    target.value = text;
    target.form.requestSubmit();
  };

  document.addEventListener("keydown", (event) => {
    const field = document.activeElement || document.body, now = event.timeStamp;
    if (field.type === "password") return;
    if (ends(event)) {
      const scan = isScan(now) ? burst : null;
      burst = null;
      if (scan) ended = now;
      if (scan || now - ended < PAUSE_MS) event.preventDefault();   // the LF after a CR opens no downloads
      if (scan) deliver(field, scan);
      return;
    }
    if ((event.key.length !== 1 && event.key !== "Dead") || (event.altKey && !event.ctrlKey)) return;
    if ((event.ctrlKey && !event.altKey) || event.metaKey) {
      if (burst && now - burst.last < PAUSE_MS) event.preventDefault();   // a group separator arrives as Ctrl+]
      return;
    }
    const going = burst && now - burst.last <= PAUSE_MS;
    if (!event.answered && !editable(field) && event.key !== " ") {
      const target = scanField(), begun = going && burst.answers ? burst.text : "";   // its first characters were taken for answers
      if (target) { target.value = begun; target.focus(); }   // the key itself still goes into it
      if (target && begun) burst = { ...burst, field: target, before: "", from: 0, to: 0, answers: false };
    }
    if (!going || (burst.field !== document.activeElement && !(burst.answers && event.answered))) {
      const into = document.activeElement;
      burst = { field: into, before: into.value || "", from: into.selectionStart, to: into.selectionEnd, first: now, text: "", answers: Boolean(event.answered) };
    }
    burst.last = now;
    if (event.key.length === 1) burst.text += event.key;
  }, true);
})();
