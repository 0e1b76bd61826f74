-- report/script.lua: what happens in a report: names in legends hide and show their series, by
-- mouse or keyboard; pointing at a chart shows the values nearest to that place. Without JavaScript
-- all is there but for this.
return [[
"use strict";
document.querySelectorAll("figure[data-plot]").forEach(function (figure) {
  var svg = figure.querySelector("svg"), hidden = {};
  var store = figure.querySelector("script[type='application/json']");
  var panels = store ? JSON.parse(store.textContent) : [];
  function each(attribute, name, change) {
    svg.querySelectorAll("[" + attribute + "]").forEach(function (g) {
      if (g.getAttribute(attribute) === name) change(g);
    });
  }
  svg.querySelectorAll("[data-legend]").forEach(function (g) {
    var name = g.getAttribute("data-legend");
    g.setAttribute("tabindex", "0");
    g.setAttribute("role", "button");
    g.setAttribute("aria-pressed", "true");
    g.setAttribute("aria-label", "show " + name);
    function toggle() {
      hidden[name] = !hidden[name];
      each("data-series", name, function (s) { s.classList.toggle("gone", hidden[name]); });
      each("data-legend", name, function (s) {
        s.classList.toggle("off", hidden[name]);
        s.setAttribute("aria-pressed", String(!hidden[name]));
      });
    }
    g.addEventListener("click", toggle);
    g.addEventListener("keydown", function (e) {
      if (e.key === "Enter" || e.key === " ") { e.preventDefault(); toggle(); }
    });
  });
  if (panels.length === 0) return;
  var svgns = "http://www.w3.org/2000/svg", tip = document.createElement("div");
  var marks = document.createElementNS(svgns, "g");
  svg.appendChild(marks);
  tip.className = "tip";
  tip.setAttribute("role", "status");
  tip.hidden = true;
  figure.appendChild(tip);
  function place(v, lo, hi, log, from, to) {
    if (log) { v = Math.log(v); lo = Math.log(lo); hi = Math.log(hi); }
    return from + (v - lo) / (hi - lo) * (to - from);
  }
  function nearest(p, x) {
    var best = null;
    p.series.forEach(function (s) {
      if (hidden[s.name]) return;
      s.x.forEach(function (v) {
        var d = Math.abs(place(v, p.x0, p.x1, p.xlog, p.left, p.left + p.width) - x);
        if (best === null || d < best.d) best = { d: d, v: v };
      });
    });
    return best && best.v;
  }
  function add(kind, attributes) {
    var e = document.createElementNS(svgns, kind);
    Object.keys(attributes).forEach(function (k) { e.setAttribute(k, attributes[k]); });
    marks.appendChild(e);
  }
  function clear() { marks.textContent = ""; tip.hidden = true; }
  function show(p, v, event) {
    var at = place(v, p.x0, p.x1, p.xlog, p.left, p.left + p.width);
    clear();
    add("line", { x1: at, x2: at, y1: p.top, y2: p.top + p.height, stroke: "var(--axis)" });
    tip.textContent = "";
    var head = document.createElement("div");
    head.textContent = (p.xlabel || "x") + " " + v;
    tip.appendChild(head);
    p.series.forEach(function (s) {
      var i = s.x.indexOf(v);
      if (i < 0 || s.y[i] === null || hidden[s.name]) return;
      var y = place(s.y[i], p.y0, p.y1, p.ylog, p.top + p.height, p.top);
      if (y >= p.top - 1 && y <= p.top + p.height + 1) {
        add("circle", { cx: at, cy: y, r: 4, fill: s.color, stroke: "var(--paper)" });
      }
      var row = document.createElement("div"), dot = document.createElement("i");
      dot.style.background = s.color;
      row.appendChild(dot);
      row.appendChild(document.createTextNode((s.name ? s.name + ": " : "") + s.y[i]));
      tip.appendChild(row);
    });
    tip.hidden = false;
    var box = figure.getBoundingClientRect();
    var x = event.clientX - box.left, y = event.clientY - box.top;
    var left = x + 14 + tip.offsetWidth > box.width ? x - 14 - tip.offsetWidth : x + 14;
    tip.style.left = Math.max(0, left) + "px";
    tip.style.top = Math.max(0, y - 10 - tip.offsetHeight / 2) + "px";
  }
  svg.addEventListener("pointermove", function (event) {
    var point = svg.createSVGPoint();
    point.x = event.clientX;
    point.y = event.clientY;
    point = point.matrixTransform(svg.getScreenCTM().inverse());
    var found = panels.filter(function (p) {
      return point.x >= p.left - 8 && point.x <= p.left + p.width + 8 && point.y >= p.top
        && point.y <= p.top + p.height;
    })[0];
    var v = found ? nearest(found, point.x) : null;
    if (v === null) clear(); else show(found, v, event);
  });
  svg.addEventListener("pointerleave", clear);
});
]]
