/* shards.js: data files that are loaded when they are looked at. OB.shard(name) → promise of what data/<name>.js puts. */
"use strict";
(() => {
  const loaded = {};

  /* A script element loads from file://, where fetch() does not. */
  OB.shard = (key) => (loaded[key] ||= new Promise((resolve, reject) => {
    const script = document.createElement("script"), file = `data/${key.replace("/", "-")}.js`;
    OB.waiting[key] = resolve;
    script.src = file;
    script.onerror = () => reject(new Error(`${file} is missing`));
    document.head.append(script);
  }));

  const LOWEST = -20, STEPS = 1000, MISSING = 65535;

  /* The numbers that records.pack wrote: 16-bit logarithms in base 64, low byte first. */
  OB.unpack = (text) => {
    const bytes = atob(text), values = [];
    for (let i = 0; i < bytes.length; i += 2) {
      const code = bytes.charCodeAt(i) + 256 * bytes.charCodeAt(i + 1);
      values.push(code === MISSING ? null : 10 ** (code / STEPS + LOWEST));
    }
    return values;
  };
})();
