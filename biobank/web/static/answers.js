/* One key answers the question that has the focus, and the next one has the focus. Everything works without it, only
   with more clicks.

     form[data-one-key]        whose questions are answered so
     fieldset[data-ask]        a question; each of its radio buttons names the keys that choose it: data-keys="1yo"
     [data-last]               the button that has the focus after the last question
     [data-count="{granted} yes …"]   says how many answers there are of each kind
     [data-with-keys]          shown only where keys work
     button[data-press="F2"]   pressed by that key, whatever has the focus; a function key, for a scanner types letters

   A key that was an answer is marked, `event.answered`, so that scanner.js does not take it for the beginning of a code. */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const SAME = { Backspace: "0", Delete: "0" };
  const keyOf = (event) => SAME[event.key] || (/^Digit\d$/.test(event.code) ? event.code.slice(5) : event.key.toLowerCase());   // on a French keyboard the key 1 types &

  const count = (form) => {
    const number = { granted: 0, refused: 0, blank: 0 };
    all(".ask input:checked", form).forEach((input) => { number[input.value || "blank"] += 1; });
    all("[data-count]", form).forEach((place) => {
      place.hidden = false;
      place.textContent = place.dataset.count.replace(/\{(\w+)\}/g, (_, kind) => number[kind]);
    });
  };

  const goOn = (form, ask) => {
    const asks = all("[data-ask]", form), next = asks[asks.indexOf(ask) + 1];
    const target = next ? next.querySelector("input:checked") || next.querySelector("input") : form.querySelector("[data-last]");
    target.focus({ preventScroll: true });
    (next || target).scrollIntoView({ block: "center" });
  };

  window.addEventListener("keydown", (event) => {   // before scanner.js, which listens on the document
    const ask = document.activeElement?.closest("form[data-one-key] [data-ask]");
    if (!ask || event.ctrlKey || event.altKey || event.metaKey || event.key.length > 1 && !SAME[event.key]) return;
    const choice = all("input[data-keys]", ask).find((input) => input.dataset.keys.includes(keyOf(event)));
    if (!choice) return;
    event.preventDefault();
    event.answered = true;
    if (event.repeat) return;   // a finger that stays on a key has answered once
    choice.checked = true;
    count(choice.form);
    goOn(choice.form, ask);
  }, true);

  document.addEventListener("change", (event) => { if (event.target.form?.matches("[data-one-key]")) count(event.target.form); });

  document.addEventListener("keydown", (event) => {
    const button = /^F\d+$/.test(event.key) && document.querySelector(`button[data-press="${event.key}"]`);
    if (!button || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    button.click();
  });

  const begin = () => all("form[data-one-key]").forEach((form) => {
    all("[data-with-keys]", form).forEach((hint) => { hint.hidden = false; });
    count(form);
    if (document.activeElement === document.body) form.querySelector("[autofocus]")?.focus();   // the browser does so too, a little later
  });
  new MutationObserver(begin).observe(document.querySelector("#content") || document.body, { childList: true });
  begin();
})();
