// A rack reader's file is sent as soon as it is chosen, or dropped anywhere on the page: one act. Without this script
// the button below the field does it.
(() => {
  "use strict";
  const form = () => document.querySelector("[data-drop] form, form[data-drop]");
  const field = () => form()?.querySelector("input[type=file]");
  const carries = (event) => Boolean(field()) && [...(event.dataTransfer?.types || [])].includes("Files");
  const mark = (event, over) => { form()?.classList.toggle("dropping", over); if (event) event.preventDefault(); };
  document.addEventListener("change", (event) => {
    if (event.target === field() && event.target.files.length === 1) form().requestSubmit();
  });
  document.addEventListener("dragover", (event) => { if (carries(event)) mark(event, true); });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) mark(null, false); });
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    mark(event, false);
    field().files = event.dataTransfer.files;
    field().dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
