/* start.js: the namespace, the receiver of the data files, and the chosen theme before the first paint. */
"use strict";
window.OB = {
  data: {},
  waiting: {},
  parts: [],
  put(key, value) {
    this.data[key] = value;
    if (this.waiting[key]) this.waiting[key](value);
    delete this.waiting[key];
  },
  /* Register what draws inside the element with that id, where the page has it: draw(view), perhaps a promise. */
  part(id, draw) {
    const host = document.getElementById(id);
    if (host) this.parts.push({ host, draw });
  },
};
try {
  const theme = localStorage.getItem("optbench-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* storage is switched off: the system's theme it is */ }
