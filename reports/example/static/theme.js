/* theme.js: the button that goes through system, light and dark colours. */
"use strict";
(() => {
  const root = document.documentElement, themes = ["", "light", "dark"];
  document.getElementById("theme").onclick = () => {
    const theme = themes[(themes.indexOf(root.dataset.theme || "") + 1) % themes.length];
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    try {
      if (theme) localStorage.setItem("optbench-theme", theme);
      else localStorage.removeItem("optbench-theme");
    } catch { /* storage is switched off: the choice lasts as long as the page */ }
    document.getElementById("live").textContent = `${theme || "system"} colours`;
  };
})();
