/* scale.js: from data units to pixels. OB.scale({log, domain, format}, from, to) → function with invert, ticks, format. */
"use strict";
(() => {
  const STEPS = [0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 25, 50];

  function linearTicks(low, high) {
    const step = STEPS.find((s) => (high - low) / s <= 6) || (high - low) / 5;
    return Array.from({ length: Math.floor((high - low) / step + 1e-9) + 1 }, (_, i) => +(low + i * step).toFixed(6));
  }

  /* Powers of ten, thinned to one in 62 pixels; 2 and 5 times them where there would be fewer than three. */
  function logTicks(low, high, pixels) {
    const span = high - low, every = Math.max(1, Math.ceil(span / Math.max(2, pixels / 62))), ticks = [];
    for (let e = Math.ceil(low - 1e-9); e <= high + 1e-9; e++) if (e % every === 0) ticks.push(10 ** e);
    if (ticks.length < 3 && span < 2.5) {
      for (let e = Math.floor(low); e <= high; e++) {
        for (const v of [2 * 10 ** e, 5 * 10 ** e]) if (Math.log10(v) > low && Math.log10(v) < high) ticks.push(v);
      }
    }
    return ticks.sort((a, b) => a - b);
  }

  const plain = (v) => String(+v.toPrecision(2));
  const logText = (v) => (Math.abs(Math.log10(v) % 1) < 1e-9 && (v >= 1e3 || v < 1e-2) ? OB.power(v) : plain(v));

  OB.scale = (axis, from, to) => {
    const f = axis.log ? Math.log10 : (v) => v, [low, high] = axis.domain.map(f), k = (to - from) / (high - low || 1);
    const scale = (v) => from + (f(v) - low) * k;
    scale.invert = (pixel) => (axis.log ? 10 ** (low + (pixel - from) / k) : low + (pixel - from) / k);
    scale.ticks = () => (axis.log ? logTicks(low, high, Math.abs(to - from)) : linearTicks(low, high));
    scale.format = axis.format || (axis.log ? logText : String);
    return scale;
  };
})();
