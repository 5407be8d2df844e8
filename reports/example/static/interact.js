/* interact.js: reading a chart by pointer and keyboard, and zooming in x. */
"use strict";
(() => {
  const esc = OB.esc, MOST = 16;
  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));

  /* The last row at or before x, since curves hold their value. */
  const row = (s, x) => {
    let i = -1;
    while (i + 1 < s.x.length && s.x[i + 1] <= x * (1 + 1e-9)) i++;
    return i;
  };

  class Reader {
    constructor(host, frame) {
      Object.assign(this, frame, { host, x: null, pick: 0, drag: null });
      this.svg = host.querySelector("svg");
      this.tip = host.querySelector(".tip");
      this.cursor = host.querySelector(".cursor");
      this.brush = host.querySelector(".brush");
      this.left = frame.m.l;
      this.right = frame.W - frame.m.r;
      frame.spec.home = frame.spec.home || frame.spec.x.domain;
    }

    tell(o) { this.host.dispatchEvent(new CustomEvent("pick", { bubbles: true, detail: o })); }

    zoom(low, high) {
      this.spec.x = { ...this.spec.x, domain: [low, high] };
      OB.lineChart(this.host, this.spec);
    }

    hide() {
      this.cursor.setAttribute("hidden", "");
      this.tip.hidden = true;
      this.tell(null);
    }

    /* Show the values at a pixel; y chooses the nearest curve, without it the choice stays. */
    show(pixel, y) {
      this.x = this.sx.invert(pixel);
      const rows = this.spec.series.map((s) => ({ s, v: s.y[row(s, this.x)] })).filter((r) => r.v != null);
      if (!rows.length) return null;
      rows.sort((a, b) => (this.spec.descending ? b.v - a.v : a.v - b.v));
      const distance = (r) => Math.abs(this.sy(r.v) - y);
      if (y != null) this.pick = rows.reduce((best, r, i) => (distance(r) < distance(rows[best]) ? i : best), 0);
      this.pick = (this.pick + rows.length) % rows.length;
      const chosen = rows[this.pick];
      this.tell(y == null || distance(chosen) < 14 ? chosen.s.o : null);
      this.place(pixel, chosen, rows);
      return chosen;
    }

    place(pixel, chosen, rows) {
      const [line, dot] = this.cursor.children, text = this.spec.y.tip || OB.number;
      this.cursor.removeAttribute("hidden");
      line.setAttribute("d", `M${pixel} ${this.m.t}V${this.H - this.m.b}`);
      dot.setAttribute("cx", pixel);
      dot.setAttribute("cy", clamp(this.sy(chosen.v), this.m.t, this.H - this.m.b));
      dot.setAttribute("class", `o${chosen.s.o}`);
      const grey = OB.data.suite.grey, shown = rows.length > MOST ? rows.filter((r) => r === chosen || !grey.includes(r.s.o)) : rows;
      this.tip.innerHTML = `<b>${esc(this.spec.x.label)} ${OB.number(this.x)}</b>` + shown.map((r) =>
        `<div class="${r === chosen ? "on" : ""}"><i class="sw o${r.s.o}"></i>${esc(r.s.name)}<span>${text(r.v)}</span></div>`).join("");
      this.tip.hidden = false;
      const left = pixel > (this.left + this.right) / 2 ? pixel - this.tip.offsetWidth - 16 : pixel + 16;
      this.tip.style.transform = `translate(${left}px, ${this.m.t}px)`;
    }

    local(event) {
      const box = this.svg.getBoundingClientRect();
      return [clamp(event.clientX - box.left, this.left, this.right), event.clientY - box.top];
    }

    move(event) {
      const [x, y] = this.local(event);
      if (this.drag != null) {
        this.brush.removeAttribute("hidden");
        this.brush.setAttribute("x", Math.min(x, this.drag));
        this.brush.setAttribute("width", Math.abs(x - this.drag));
      }
      this.show(x, y);
    }

    release(event) {
      const [x] = this.local(event), from = this.drag;
      this.drag = null;
      this.brush.setAttribute("hidden", "");
      if (from != null && Math.abs(x - from) > 12) this.zoom(this.sx.invert(Math.min(x, from)), this.sx.invert(Math.max(x, from)));
    }

    press(event) {
      const at = this.x == null ? this.left : clamp(this.sx(this.x), this.left, this.right), step = (this.right - this.left) / 40;
      const go = { ArrowRight: [step, 0], ArrowLeft: [-step, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (go) {
        this.pick += go[1];
        const r = this.show(clamp(at + go[0], this.left, this.right), null);
        if (r) document.getElementById("live").textContent = `${r.s.name}, ${(this.spec.y.tip || OB.number)(r.v)} at ${OB.number(this.x)}`;
        event.preventDefault();
      } else if (event.key === "0") this.zoom(...this.spec.home);
      else if (event.key === "Escape") this.hide();
      else if ("+=-".includes(event.key)) {
        const k = event.key === "-" ? 1.4 : 0.7;
        this.zoom(this.sx.invert(at - (at - this.left) * k), this.sx.invert(at + (this.right - at) * k));
      }
    }
  }

  OB.interact = (host, frame) => {
    const reader = new Reader(host, frame), svg = reader.svg;
    svg.onpointermove = (event) => reader.move(event);
    svg.onpointerleave = () => reader.hide();
    svg.onpointerdown = (event) => { reader.drag = reader.local(event)[0]; };
    svg.onpointerup = (event) => reader.release(event);
    svg.ondblclick = () => reader.zoom(...frame.spec.home);
    svg.onblur = () => reader.hide();
    svg.onkeydown = (event) => reader.press(event);
  };
})();
