/* scrolls.js: what scrolls sideways is reached by Tab, so that arrow keys move it; elsewhere there is nothing to stop at. */
"use strict";
(() => {
  const BOXES = ".scroll, pre";

  function settle(box) {
    if (box.scrollWidth <= box.clientWidth) { box.removeAttribute("tabindex"); return; }
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", box.closest(".card")?.querySelector("h3")?.innerText || "scrolls sideways");
  }

  const watch = new ResizeObserver((entries) => entries.forEach(({ target }) => settle(target.closest(BOXES))));
  for (const box of document.querySelectorAll(BOXES)) [box, ...box.children].forEach((element) => watch.observe(element));
})();
