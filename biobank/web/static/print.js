/* Opens the browser's print dialogue once the labels of the page are drawn. */
addEventListener("load", () => { if (document.querySelector("[data-print]")) window.print(); });
