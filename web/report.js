// report.js: an evaluation (src/evaluate/evaluation_json.c) as tables, charts and texts.
"use strict";

const evaluation = JSON.parse(document.getElementById("evaluation").textContent);
const $ = (id) => document.getElementById(id);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const percent = (share, digits = 1) => (share == null ? "–" : `${(100 * share).toFixed(digits)}%`);
const title = (name) => name.replaceAll("_", " ");

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// An estimate with its interval: "12.3% (10.1 to 14.5)".
function estimate(of) {
  if (of.value == null) return "–";
  return [percent(of.value), element("span", { className: "interval", textContent: ` (${(100 * of.low).toFixed(1)} to ${(100 * of.high).toFixed(1)})` })];
}

// ==== At a glance ====

function recommendedRow(axis, side) {
  const size = axis.recommended[side], value = side ? size : -size;
  const at = size > 0 && axis.values.find((tried) => Math.abs(tried.value - value) < 1e-9);
  const cells = at
    ? [element("td", { textContent: value }), element("td", {}, ...estimate(at.fidelity[side])), element("td", {}, ...estimate(at.fidelity[1 - side])),
       element("td", {}, ...estimate(at.perplexity_rise))]
    : [element("td", { colSpan: 4, className: "words", textContent: "no value that was tried steers this way at tolerable damage" })];
  return element("tr", {}, element("td", { textContent: title(axis.name) }), element("td", { className: "words", textContent: axis.classes[side] }),
    ...cells, element("td", {}, ...estimate(axis.prompt_damage[side])));
}

function showSummary() {
  const about = evaluation.model;
  $("model").textContent = `${about.name || "a model without a name"} · ${about.description}`;
  $("made").textContent = `${evaluation.samples} held-out samples · damage up to ${percent(evaluation.damage_limit)} · trimtab ${evaluation.trimtab}`;
  const heads = ["axis", "towards", "value to use", "fidelity", "to the other class", "damage", "damage by message"];
  $("summary").append(element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { textContent: text, scope: "col", className: text === "towards" ? "words" : "" })))),
    element("tbody", {}, ...evaluation.axes.flatMap((axis) => [recommendedRow(axis, 0), recommendedRow(axis, 1)])));
}

// ==== Charts ====

const charts = []; // functions that draw, again at every change of width or colours

const axisStyle = () => ({ stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } });

// `lines`: [{label, colour, ys, low, high, dash}], `xs` shared. Bands are drawn between low and high.
function chart(place, xs, lines, { label, bars = false, unit = "%", marks = [] }) {
  const draw = () => {
    place.replaceChildren();
    const series = [{ label }], data = [xs], bands = [];
    for (const line of lines) {
      const stroke = colour(line.colour);
      series.push({ label: line.label, stroke, width: 2, dash: line.dash, fill: bars ? stroke + "55" : undefined, points: { show: !line.dash && !bars, size: 6 },
        paths: bars ? uPlot.paths.bars({ size: [0.8, 18] }) : undefined, value: (_, value) => (value == null ? "–" : value.toFixed(bars ? 2 : 1) + unit) });
      data.push(line.ys);
      if (!line.low) continue;
      const hidden = { stroke: "transparent", width: 0, points: { show: false }, show: true, class: "hidden-series" };
      series.push({ ...hidden, label: "" }, { ...hidden, label: "" });
      data.push(line.high, line.low);
      bands.push({ series: [data.length - 2, data.length - 1], fill: stroke + "22" });
    }
    const markers = (plot) => {
      const { ctx, bbox } = plot;
      ctx.save();
      ctx.setLineDash([3, 4]);
      for (const mark of marks) {
        ctx.strokeStyle = colour(mark.colour);
        const x = Math.round(plot.valToPos(mark.x, "x", true));
        ctx.beginPath(); ctx.moveTo(x, bbox.top); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
      }
      ctx.restore();
    };
    const made = new uPlot({
      width: Math.max(260, place.clientWidth), height: 250, scales: { x: { time: false, range: bars ? (_, low, high) => [low - 1, high + 1] : undefined } }, bands, series, hooks: { draw: [markers] },
      axes: [{ ...axisStyle(), label, labelSize: 20 }, { ...axisStyle(), size: 60, values: (_, ticks) => ticks.map((tick) => tick + unit) }],
      legend: { live: true },
    }, data, place);
    for (const row of made.root.querySelectorAll(".u-series.hidden-series")) row.hidden = true;
  };
  charts.push(draw);
}

const hundred = (numbers) => numbers.map((number) => (number == null ? null : 100 * number));
const line = (label, colourName, estimates) => ({ label, colour: colourName, ys: hundred(estimates.map((of) => of.value)),
  low: hundred(estimates.map((of) => of.low)), high: hundred(estimates.map((of) => of.high)) });

function showCurves(axis, place) {
  const xs = axis.values.map((tried) => tried.value);
  const marks = [0, 1].filter((side) => axis.recommended[side] > 0).map((side) => ({ x: (side ? 1 : -1) * axis.recommended[side], colour: side ? "--steered" : "--accent" }));
  const into = (heading) => {
    const box = element("div");
    place.append(element("div", {}, element("h3", { textContent: heading }), box));
    return box;
  };
  chart(into("Fidelity"), xs, [0, 1].map((side) => line(axis.classes[side], side ? "--steered" : "--accent", axis.values.map((tried) => tried.fidelity[side]))),
    { label: "value", marks });
  const flat = (share) => xs.map(() => 100 * share);
  chart(into("Damage: rise of perplexity"), xs, [line("damage", "--ink", axis.values.map((tried) => tried.perplexity_rise)),
    { label: "limit", colour: "--warn", dash: [8, 4], ys: flat(evaluation.damage_limit) },
    ...[0, 1].map((side) => ({ label: `message (${axis.classes[side]})`, colour: side ? "--steered" : "--accent", dash: [2, 4], ys: flat(axis.prompt_damage[side].value) }))],
    { label: "value", marks });
  if (axis.values[0].distinct_2.value != null)
    chart(into("Free writing"), xs, [line("distinct pairs of tokens", "--accent", axis.values.map((tried) => tried.distinct_2)),
      line("repeated fours", "--warn", axis.values.map((tried) => tried.repetition))], { label: "value" });
  chart(into("Length of each block's row"), axis.blocks.map((block) => block.row),
    [{ label: "side", colour: "--steered", ys: axis.blocks.map((block) => block.positive) }, { label: "de-bias", colour: "--accent", ys: axis.blocks.map((block) => block.debias) }],
    { label: "block", bars: true, unit: "" });
}

// ==== An axis ====

function showValues(axis) {
  const heads = ["value", axis.classes[0], axis.classes[1], "damage", "distinct 1", "distinct 2", "repeated"];
  return element("details", { className: "note" }, element("summary", { textContent: "All figures" }), element("div", { className: "scroll" },
    element("table", { className: "plain" }, element("thead", {}, element("tr", {}, ...heads.map((text) => element("th", { textContent: text, scope: "col" })))),
      element("tbody", {}, ...axis.values.map((tried) => element("tr", {}, element("td", { textContent: tried.value }),
        ...[tried.fidelity[0], tried.fidelity[1], tried.perplexity_rise, tried.distinct_1, tried.distinct_2, tried.repetition].map((of) => element("td", {}, ...estimate(of)))))))));
}

function showTexts(axis) {
  // At -1 and 1, or the nearest values that were tried.
  const near = (sign) => axis.values.filter((tried) => tried.value * sign > 0).sort((a, b) => Math.abs(a.value - sign) - Math.abs(b.value - sign))[0];
  const [low, high] = [near(-1), near(1)];
  const shown = [["negative", `${axis.classes[0]}, value ${low?.value}`, low], ["", "unsteered", axis.unsteered], ["positive", `${axis.classes[1]}, value ${high?.value}`, high]];
  return shown.filter(([, , of]) => of && of.text).map(([name, head, of]) =>
    element("article", { className: name }, element("h3", { textContent: head }), element("div", { className: "text", textContent: of.text.trim() })));
}

function showAxis(axis) {
  const place = element("div", { className: "charts" });
  const how = `${axis.method || "made elsewhere"}${axis.trained_samples ? `, ${axis.trained_samples} samples` : ""}`;
  const section = element("section", { className: "panel" }, element("h2", {}, `${title(axis.name)}: ${axis.classes[0]} or ${axis.classes[1]}`,
    element("small", { textContent: how })), place);
  $("axes").append(section);
  showCurves(axis, place);
  const texts = showTexts(axis);
  if (texts.length) section.append(element("div", { className: "samples" }, ...texts));
  section.append(showValues(axis));
}

// ==== Between axes ====

function heat(value, text) {
  const made = element("td", { textContent: text });
  if (value != null)
    made.style.background = `color-mix(in srgb, var(${value < 0 ? "--accent" : "--steered"}) ${Math.round(45 * Math.min(1, Math.abs(value)))}%, transparent)`;
  return made;
}

function showBetween() {
  const axes = evaluation.axes;
  if (axes.length < 2) return;
  $("between").hidden = false;
  const head = (text, scope) => element("th", { textContent: text, scope });
  const heads = () => element("thead", {}, element("tr", {}, element("td"), ...axes.map((axis) => head(title(axis.name), "col"))));
  $("similarity").append(heads(), element("tbody", {}, ...axes.map((axis, i) =>
    element("tr", {}, head(title(axis.name), "row"), ...evaluation.similarity[i].map((value) => heat(value, value.toFixed(2)))))));
  if (!axes[0].effect_on_axes) return;
  $("effects-part").hidden = false;
  $("effects").append(heads(), element("tbody", {}, ...axes.flatMap((axis) => [0, 1].map((side) =>
    element("tr", {}, head(axis.classes[side], "row"), ...axes.map((other) => {
      const of = axis.effect_on_axes[other.name][side];
      return heat(of.value, percent(of.value, 0));
    }))))));
}

showSummary();
for (const axis of evaluation.axes) showAxis(axis);
showBetween();
const redraw = () => charts.forEach((draw) => draw());
redraw();
let resizing = 0;
addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(redraw, 120); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
