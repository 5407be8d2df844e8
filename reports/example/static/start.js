/* start.js: the namespace, the receiver of the data files, and the chosen theme before the first paint. */
"use strict";
window.OB = {
  data: {},
  waiting: {},
  sections: [],
  put(key, value) {
    this.data[key] = value;
    if (this.waiting[key]) this.waiting[key](value);
    delete this.waiting[key];
  },
  /* Register what draws a part of the section with that id: draw(view), perhaps a promise. */
  section(id, draw) {
    if (document.getElementById(id)) this.sections.push({ id, draw });
  },
};
try {
  const theme = localStorage.getItem("optbench-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch { /* storage is switched off: the system's theme it is */ }
