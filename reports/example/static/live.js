/* live.js: while a suite runs, look now and then whether the report was written again, and then reload it. */
"use strict";
(() => {
  const EVERY = 3000;
  const ours = document.documentElement.dataset.stamp;

  function look() {
    const script = document.createElement("script");
    OB.waiting.now = (stamp) => { if (stamp !== ours) location.reload(); };
    script.src = `data/now.js?${Date.now()}`;
    script.onload = script.onerror = () => { script.remove(); setTimeout(look, EVERY); };
    document.head.append(script);
  }
  setTimeout(look, EVERY);
})();
