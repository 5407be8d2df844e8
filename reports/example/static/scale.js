/* scale.js: from data units to pixels. OB.scale({log, domain, format}, from, to) → function with invert, ticks, format. */
"use strict";
(() => {
  const STEPS = [1, 2, 2.5, 5, 10], MOST = 6, WIDE = 20;

  /* Round numbers, at most MOST of their steps apart. */
  function linearTicks(low, high) {
    const unit = 10 ** Math.floor(Math.log10((high - low) / MOST)), step = unit * STEPS.find((s) => (high - low) / (s * unit) <= MOST + 1e-9);
    const first = Math.ceil(low / step - 1e-9), count = Math.floor(high / step + 1e-9) - first + 1;
    return Array.from({ length: count }, (_, i) => +((first + i) * step).toPrecision(12));
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

  const isPower = (v) => Math.abs(Math.log10(v) % 1) < 1e-9;

  /* Powers of ten as such; among other numbers they are written out. */
  const logText = (ticks) => (v) => (ticks.every(isPower) && (v >= 1e3 || v < 1e-2) ? OB.power(v) : v < 1e-3 || v >= 1e6 ? OB.number(v) : (+v.toPrecision(2)).toLocaleString("en"));

  /* From the smallest to the largest of the positive numbers in lists; `pad` is a factor of room. */
  OB.extent = (lists, pad = 1) => {
    let low = Infinity, high = 0;
    for (const list of lists) for (const v of list) if (v > 0 && isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
    return [low / pad, high > low ? high * pad : low * 10];
  };

  /* The axis for numbers of any sign: logarithmic where all are positive and far apart. */
  OB.roomFor = (values) => {
    const known = values.filter((v) => v != null && isFinite(v)), low = Math.min(...known), high = Math.max(...known);
    if (low > 0 && high >= WIDE * low) return { log: true, domain: [low / 1.2, high * 1.2] };
    const room = 0.05 * (high - low || Math.abs(high) || 1);
    return { log: false, domain: [low - room, high + room] };
  };

  OB.scale = (axis, from, to) => {
    const f = axis.log ? Math.log10 : (v) => v, [low, high] = axis.domain.map(f), k = (to - from) / (high - low || 1);
    const scale = (v) => from + (f(v) - low) * k;
    scale.invert = (pixel) => (axis.log ? 10 ** (low + (pixel - from) / k) : low + (pixel - from) / k);
    scale.ticks = () => (axis.log ? logTicks(low, high, Math.abs(to - from)) : linearTicks(low, high));
    scale.format = axis.format || (axis.log ? logText(scale.ticks()) : String);
    return scale;
  };
})();
