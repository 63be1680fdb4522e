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

const number = (value, digits = 2) => (value == null ? "–" : value.toFixed(digits));
const signed = (value) => (value == null ? "–" : `${value > 0 ? "+" : ""}${value.toFixed(2)}`);

// An estimate with its interval: "+1.86 (+1.20 to +2.41)".
function estimate(of, show = number) {
  if (!of || of.value == null) return "–";
  return [show(of.value), element("span", { className: "interval", textContent: ` (${show(of.low)} to ${show(of.high)})` })];
}

// The figures of one way of writing, as cells.
function cells(way) {
  return [element("td", {}, ...estimate(way.steering, signed)), element("td", { textContent: way.share_of_asking == null ? "–" : `${way.share_of_asking.toFixed(1)} ×` }),
    element("td", { textContent: way.wrong_way ? percent(way.wrong_way.value, 0) : "–" }), element("td", {}, ...estimate(way.coherence)),
    element("td", {}, ...estimate(way.relevance)), element("td", { textContent: percent(way.repetition.value, 0) }), element("td", { textContent: way.refusals })];
}
const CELLS = ["steering, nats", "of asking", "wrong way", "coherence", "relevance", "repeated", "refused"];

const headRow = (heads) => element("thead", {}, element("tr", {}, ...heads.map((text, i) => element("th", { textContent: text, scope: "col", className: i < 1 ? "words" : "" }))));

// ==== At a glance ====

function recommendedRow(axis, side) {
  const size = axis.recommended[side], value = side ? size : -size;
  const at = size > 0 && axis.values.find((tried) => Math.abs(tried.value - value) < 1e-9);
  const found = at ? [element("td", { textContent: value }), ...cells(at)]
    : [element("td", { colSpan: CELLS.length + 1, className: "words", textContent: "no value that was tried leads this way within the limits" })];
  return element("tr", {}, element("td", { className: "words", textContent: title(axis.name) }), element("td", { className: "words", textContent: axis.classes[side] }), ...found);
}

function showSummary() {
  const about = evaluation.model;
  $("model").textContent = `${about.name || "a model without a name"} · ${about.description}`;
  $("made").textContent = `${evaluation.samples} held-out samples of ${evaluation.text_tokens} tokens · perplexity up to ${evaluation.coherence_limit} × asking's · trimtab ${evaluation.trimtab}`;
  $("summary").append(headRow(["axis", "towards", "value to use", ...CELLS]),
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
        paths: bars ? uPlot.paths.bars({ size: [0.8, 18] }) : undefined, value: (_, value) => (value == null ? "–" : value.toFixed(2) + unit) });
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

const line = (label, colourName, estimates) => ({ label, colour: colourName, ys: estimates.map((of) => of.value),
  low: estimates.map((of) => of.low), high: estimates.map((of) => of.high) });

function showCurves(axis, place) {
  const xs = axis.values.map((tried) => tried.value);
  const marks = [0, 1].filter((side) => axis.recommended[side] > 0).map((side) => ({ x: (side ? 1 : -1) * axis.recommended[side], colour: side ? "--steered" : "--accent" }));
  const into = (heading) => {
    const box = element("div");
    place.append(element("div", {}, element("h3", { textContent: heading }), box));
    return box;
  };
  const flat = (value) => xs.map(() => value);
  if (axis.judged)
    chart(into("Steering, in nats"), xs, [line("steering", "--steered", axis.values.map((tried) => tried.steering)),
      ...[0, 1].map((side) => ({ label: `asked for ${axis.classes[side]}`, colour: side ? "--steered" : "--accent", dash: [2, 4], ys: flat(axis.asked[side].steering.value) }))],
      { label: "value", marks, unit: "" });
  chart(into("Coherence: perplexity next to asking's"), xs, [line("coherence", "--ink", axis.values.map((tried) => tried.coherence)),
    { label: "limit", colour: "--warn", dash: [8, 4], ys: flat(evaluation.coherence_limit) }], { label: "value", marks, unit: "" });
  chart(into("Relevance, next to the unsteered texts'"), xs, [line("relevance", "--accent", axis.values.map((tried) => tried.relevance)),
    { label: "limit", colour: "--warn", dash: [8, 4], ys: flat(evaluation.relevance_limit) }], { label: "value", marks, unit: "" });
  chart(into("Length of each block's row"), axis.blocks.map((block) => block.row),
    [{ label: "side", colour: "--steered", ys: axis.blocks.map((block) => block.positive) }, { label: "de-bias", colour: "--accent", ys: axis.blocks.map((block) => block.debias) }],
    { label: "block", bars: true, unit: "" });
}

// ==== An axis ====

// Every way of writing in its order: from one end to the other, asked and unsteered in the middle, random directions last.
function ways(axis) {
  const below = axis.values.filter((tried) => tried.value < 0), above = axis.values.filter((tried) => tried.value >= 0);
  const of = (tried) => [String(tried.value), tried, tried.value < 0 ? "negative" : "positive"];
  return [...below.map(of), [`asked for ${axis.classes[0]}`, axis.asked[0], "negative"], ["unsteered", axis.unsteered, ""],
    [`asked for ${axis.classes[1]}`, axis.asked[1], "positive"], ...above.map(of),
    ...axis.random.filter((way) => way.value != null).map((way) => [`random, as long as ${way.value}`, way, ""])];
}

function showValues(axis) {
  return element("details", { className: "note" }, element("summary", { textContent: "All figures" }), element("div", { className: "scroll" },
    element("table", { className: "plain figures" }, headRow(["texts", ...CELLS]),
      element("tbody", {}, ...ways(axis).map(([name, way]) => element("tr", {}, element("td", { className: "words", textContent: name }), ...cells(way)))))));
}

// A slider walks through the ways; three texts of each are shown.
function showTexts(axis) {
  const all = ways(axis), middle = all.findIndex(([name]) => name === "unsteered");
  const head = element("h3"), place = element("div", { className: "samples" });
  const slider = element("input", { type: "range", min: 0, max: all.length - 1, value: middle, ariaLabel: `texts of ${title(axis.name)}` });
  const show = () => {
    const [name, way, side] = all[slider.value];
    head.textContent = Number.isNaN(Number(name)) ? name : `value ${name}`;
    place.replaceChildren(...way.texts.map((text) => element("article", { className: side }, element("div", { className: "text", textContent: text.trim() }))));
  };
  slider.addEventListener("input", show);
  show();
  return element("div", { className: "texts" }, head, slider, place);
}

function showAxis(axis) {
  const place = element("div", { className: "charts" });
  const how = `${axis.method || "made elsewhere"}${axis.trained_samples ? `, ${axis.trained_samples} samples` : ""}`;
  const section = element("section", { className: "panel" }, element("h2", {}, `${title(axis.name)}: ${axis.classes[0]} or ${axis.classes[1]}`,
    element("small", { textContent: how })), place);
  $("axes").append(section);
  showCurves(axis, place);
  if (!axis.judged)
    section.append(element("p", { className: "note", textContent: `This model cannot judge this axis: of ${axis.known_passages.pairs} pairs of passages whose class is known it puts ${axis.known_passages.right} right. So there is no figure for steering.` }));
  section.append(showTexts(axis));
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
  if (!axes[0].steering_of_axes) return;
  $("effects-part").hidden = false;
  $("effects").append(heads(), element("tbody", {}, ...axes.flatMap((axis) => [0, 1].map((side) =>
    element("tr", {}, head(axis.classes[side], "row"), ...axes.map((other) => {
      const of = axis.steering_of_axes[other.name][side];
      return heat(of.value == null ? null : of.value / 3, signed(of.value));
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
