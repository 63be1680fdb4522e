// gallery.js: an evaluation's texts (src/evaluate/evaluation_json.c), with a slider for each axis.
"use strict";

const evaluation = JSON.parse(document.getElementById("evaluation").textContent);
const STEPS = 3; // values to each side of the unsteered text
const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

// As many of a side's values as there is room for, evenly, up to the one that is recommended; to the strongest where none is.
function chosen(axis, side) {
  const most = axis.recommended[side] || Infinity;
  const all = axis.values.filter((way) => (side ? way.value > 0 : way.value < 0) && Math.abs(way.value) <= most + 1e-9)
    .sort((a, b) => Math.abs(a.value) - Math.abs(b.value));
  const count = Math.min(STEPS, all.length);
  return Array.from({ length: count }, (_, i) => all[Math.round((i + 1) * all.length / count) - 1]);
}

function showAxis(axis) {
  const below = chosen(axis, 0).reverse(), ways = [...below, axis.unsteered, ...chosen(axis, 1)];
  const slider = element("input", { type: "range", min: 0, max: ways.length - 1, value: below.length, ariaLabel: axis.name.replaceAll("_", " ") });
  const ends = axis.classes.map((name) => element("span", { textContent: name }));
  const value = element("p", { className: "value" }), place = element("div", { className: "samples" });
  const show = () => {
    const way = ways[slider.value], side = way === axis.unsteered ? -1 : way.value > 0 ? 1 : 0;
    value.textContent = side < 0 ? "unsteered" : `${axis.classes[side]}: ${way.value}`;
    ends.forEach((end, i) => end.classList.toggle("on", i === side));
    place.replaceChildren(...way.texts.map((text, i) => element("article", { className: ["negative", "positive"][side] || "" },
      element("h3", { textContent: evaluation.prompts[i] || "" }), element("div", { className: "text", textContent: text.trim() }))));
  };
  slider.addEventListener("input", show);
  show();
  document.getElementById("axes").append(element("section", { className: "panel" },
    element("h2", { textContent: `${axis.classes[0]} or ${axis.classes[1]}` }), slider, element("div", { className: "ends" }, ...ends), value, place));
}

document.getElementById("model").textContent = `${evaluation.model.name || "a model without a name"} · ${evaluation.model.description}`;
for (const axis of evaluation.axes) showAxis(axis);
