/* Walks through pictures of freezers and boxes by keys. Without it Tab and the links do the same.

     .front, .map-grid            arrow keys go to the next place in that direction
     a[data-up] a[rel=prev|next]  Home, and the left and right arrow, where no place and no text has the focus
     form[data-at-once]           sent when another choice is made */
(() => {
  "use strict";
  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const middle = (piece) => {
    const box = piece.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  // The nearest place that lies that way: what is out of line counts three times.
  const nearest = (from, picture, [right, down]) => {
    const [x, y] = middle(from);
    const reach = (piece) => {
      const [toX, toY] = middle(piece), along = (toX - x) * right + (toY - y) * down, aside = (toX - x) * down + (toY - y) * right;
      return along > 2 ? along + 3 * Math.abs(aside) : Infinity;
    };
    const ranked = [...picture.querySelectorAll("a[href], button")].map((piece) => [reach(piece), piece]).sort((one, other) => one[0] - other[0]);
    return ranked.length && ranked[0][0] < Infinity ? ranked[0][1] : null;
  };
  const idle = (field) => field === document.body || field.closest(".neighbours") || (field.matches("input[data-scan]") && !field.value);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.defaultPrevented) return;
    const here = document.activeElement || document.body, picture = here.closest(".front, .map-grid");
    const step = STEPS[event.key];
    let target = null;
    if (picture && step) target = nearest(here, picture, step);
    else if (event.key === "Home" && (picture || idle(here))) document.querySelector("#content a[data-up]")?.click();
    else if (step && step[0] && idle(here)) document.querySelector(`#content a[rel=${step[0] < 0 ? "prev" : "next"}]`)?.click();
    else if (event.key === "ArrowDown" && idle(here)) target = document.querySelector("#content .front a[href], #content .map-grid a[href]");
    else return;
    event.preventDefault();
    target?.focus();
  });
  document.addEventListener("change", (event) => {
    if (event.target.form?.matches("form[data-at-once]")) event.target.form.requestSubmit();
  });
})();
