// page.js: sliders to a mix, a mix to a command and to two answers side by side.
//
// Served by `trimtab serve` the page knows the server's axes; opened from disk it knows the built-in ones, and is the command
// generator alone.
"use strict";

const $ = (id) => document.getElementById(id);
const LIMIT = 1.5;
let axes = []; // {name, group, description, classes, strength?, on, value, model?}
let similarity = null; // cosines, in the order of `axes`
let model = { id: "model", chat: true };
let served = false;
let serverPresets = {};
let chart = null;
let running = null; // AbortController

// ==== Words and numbers ====

const title = (name) => { const text = name.replaceAll("_", " "); return text[0].toUpperCase() + text.slice(1); };
const short = (value) => String(Math.round(value * 1000) / 1000);
const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const active = () => axes.filter((axis) => axis.on && axis.value !== 0);
const mix = () => Object.fromEntries(active().map((axis) => [axis.name, axis.value]));

// ==== The sliders ====

// Other makers' vectors: a set may have one side alone, whose slider ends at 0; a plain vector has a name and no classes.
const isThere = (axis, side) => axis.safe_range?.[side] !== 0;
const sideName = (axis, side) => axis.classes[side] || (!isThere(axis, side) ? "" : side ? title(axis.name) : "the other way");
const least = (axis, limit) => (isThere(axis, 0) ? -limit : 0), most = (axis, limit) => (isThere(axis, 1) ? limit : 0);
// How far a class was found to go by its evaluation, or else 1; the slider goes half as far again.
const evaluated = (axis, side) => Math.abs(axis.safe_range?.[side] ?? 1);
const sliderEnd = (axis, side) => Math.max(LIMIT, 1.5 * evaluated(axis, side));
const numberEnd = (axis, side) => Math.max(10, sliderEnd(axis, side));

function axisRow(axis) {
  const id = `axis-${axis.name}`;
  const on = element("input", { type: "checkbox", checked: axis.on, id: `${id}-on` });
  const value = element("input", { type: "number", min: least(axis, numberEnd(axis, 0)), max: most(axis, numberEnd(axis, 1)), step: 0.05, value: axis.value, id: `${id}-value` });
  const range = element("input", { type: "range", min: least(axis, sliderEnd(axis, 0)), max: most(axis, sliderEnd(axis, 1)), step: 0.05, value: axis.value, id });
  const reset = element("button", { type: "button", className: "quiet", textContent: "Reset", id: `${id}-reset` });
  value.setAttribute("aria-label", `${title(axis.name)}: value`);
  range.setAttribute("aria-label", `${title(axis.name)}: from ${sideName(axis, 0) || "none"} to ${sideName(axis, 1) || "none"}`);
  reset.setAttribute("aria-label", `Reset ${title(axis.name)}`);
  const ends = [0, 1].map((side) => element("span", { textContent: sideName(axis, side) }));
  const low = least(axis, sliderEnd(axis, 0)), high = most(axis, sliderEnd(axis, 1)); // of the slider
  const share = (number) => Math.max(0, Math.min(1, (number - low) / (high - low)));
  // Two marks on the slider: as far as is safe, by its evaluation or else 1.
  ["--least", "--most"].forEach((name, side) => {
    const safe = axis.safe_range?.[side] ?? (side ? 1 : -1);
    range.style.setProperty(name, `${Math.round(1e4 * share(safe)) / 1e4}`);
  });
  const row = element("div", { className: "axis", title: axis.description },
    element("div", { className: "axis-head" },
      element("label", {}, on, element("span", { textContent: title(axis.name) })), value, reset),
    range, element("div", { className: "ends" }, ...ends));
  axis.show = () => {
    row.classList.toggle("off", !axis.on);
    on.checked = axis.on;
    if (document.activeElement !== value) value.value = axis.value;
    range.value = axis.value;
    const middle = 100 * share(0), place = 100 * share(axis.value);
    range.style.setProperty("--from", `${Math.min(middle, place)}%`);
    range.style.setProperty("--to", `${Math.max(middle, place)}%`);
    const towards = axis.value < 0 ? 0 : 1;
    range.setAttribute("aria-valuetext", axis.value === 0 ? "0" : `${short(Math.abs(axis.value))} towards ${sideName(axis, towards)}`);
    ends.forEach((end, side) => {
      end.replaceChildren(axis.on && axis.value !== 0 && side === towards ? element("b", { textContent: sideName(axis, side) }) : sideName(axis, side));
    });
  };
  const set = (text) => {
    const number = Number(text);
    if (!Number.isFinite(number)) return;
    axis.value = Math.max(least(axis, numberEnd(axis, 0)), Math.min(most(axis, numberEnd(axis, 1)), number));
    axis.on = true;
    changed();
  };
  range.addEventListener("input", () => set(range.value));
  value.addEventListener("input", () => value.value !== "" && set(value.value));
  value.addEventListener("blur", axis.show);
  on.addEventListener("change", () => { axis.on = on.checked; changed(); });
  reset.addEventListener("click", () => { axis.value = 0; axis.on = true; changed(); });
  return row;
}

function showAxes() {
  const known = ["Writing style", "Dark tetrad"];
  const groups = [...new Set(axes.map((axis) => axis.group || "Other"))];
  const place = (group) => (known.includes(group) ? known.indexOf(group) : group === "Other" ? 99 : 50);
  groups.sort((a, b) => place(a) - place(b));
  $("axes").replaceChildren(...groups.map((group) => element("fieldset", {}, element("legend", { textContent: group }),
    ...axes.filter((axis) => (axis.group || "Other") === group).map(axisRow))));
  if (axes.length === 0) $("axes").append(element("p", { className: "note", textContent: "The server was started without vectors (--vectors), so there is nothing to mix." }));
}

function changed() {
  axes.forEach((axis) => axis.show());
  showSafety();
  showCommand();
  showStrength();
}

// ==== What is safe ====

// At values s the mix moves the model by sqrt(s' R s) units, R the cosines between the axes; one unit is what is safe: as far as a
// class was found to go, or else 1. Without the vectors R is not known: then unrelated axes are assumed.
const evaluatedLimit = (axis) => evaluated(axis, axis.value < 0 ? 0 : 1);
const inUnits = (axis) => (axis.on ? axis.value / Math.max(1, evaluatedLimit(axis)) : 0);
function strengthOfMix() {
  let sum = 0;
  axes.forEach((a, i) => axes.forEach((b, j) => {
    const cosine = similarity ? similarity[i][j] : i === j ? 1 : 0;
    sum += inUnits(a) * cosine * inUnits(b);
  }));
  return Math.sqrt(Math.max(0, sum));
}

// Where an evaluation has found what each class bears, that counts too.
const excess = () => Math.max(strengthOfMix(), ...active().filter((axis) => evaluatedLimit(axis) !== 1)
  .map((axis) => Math.abs(axis.value) / evaluatedLimit(axis)));

function showSafety() {
  const strength = excess(), over = strength > 1.0005, count = active().length;
  const largest = Math.max(0, ...active().map((axis) => Math.abs(axis.value)));
  $("safety").classList.toggle("over", over);
  $("meter-fill").style.width = `${Math.min(100, 100 * strength)}%`;
  $("scale-down").hidden = !over;
  const safe = short(Math.floor(1000 * largest / strength) / 1000);
  $("safety-text").textContent = count === 0 ? "No steering."
    : over ? `Stronger than is safe: at these proportions the largest value should be at most ${safe}.`
    : `Within what is safe${count > 1 ? `: at these proportions the largest value may be ${safe}` : ""}.`;
}

$("scale-down").addEventListener("click", () => {
  const strength = excess();
  active().forEach((axis) => { axis.value = Math.trunc(100 * axis.value / strength) / 100; });
  changed();
});
$("reset-all").addEventListener("click", () => { axes.forEach((axis) => { axis.value = 0; axis.on = true; }); changed(); });

// ==== Commands ====

const quote = (word) => (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

function commandLines() {
  const file = $("model-file").value || "model.gguf", folder = ($("vector-folder").value || ".").replace(/\/+$/, "") || "/";
  const path = (axis, suffix) => `${folder === "/" ? "" : folder}/${$("vector-model").value || "model"}-${axis.name}__${suffix}.gguf`;
  const parts = active(), side = (axis) => axis.classes[axis.value < 0 ? 0 : 1], size = (axis) => short(Math.abs(axis.value));
  const named = parts.map((axis) => `--axis ${quote(`${axis.name}=${short(axis.value)}`)}`);
  switch ($("syntax").value) {
    case "trimtab": return [`trimtab run -m ${quote(file)} --vectors ${quote(folder)}`, ...named];
    case "serve": return [`trimtab serve -m ${quote(file)} --vectors ${quote(folder)}`, ...named];
    case "request": {
      const body = { messages: [{ role: "user", content: $("prompt").value }], steering: mix() };
      const base = served ? location.origin : "http://127.0.0.1:8080";
      return [`curl ${quote(`${base}/v1/chat/completions`)}`, "-H 'Content-Type: application/json'", `-d ${quote(JSON.stringify(body))}`];
    }
    case "llama-old": return [`llama-cli -m ${quote(file)}`, ...parts.flatMap((axis) => [
      `--control-vector ${quote(path(axis, "debias"))}`, `--control-vector-scaled ${quote(path(axis, side(axis)))} ${size(axis)}`])];
    default: return [`llama-cli -m ${quote(file)}`, ...parts.flatMap((axis) => [
      `--control-vector ${quote(path(axis, "debias"))}`, `--control-vector-scaled ${quote(`${path(axis, side(axis))}:${size(axis)}`)}`])];
  }
}

function showCommand() { $("command").textContent = commandLines().join(" \\\n  "); }

for (const id of ["syntax", "model-file", "vector-folder", "vector-model", "prompt"]) $(id).addEventListener("input", showCommand);

$("syntax").addEventListener("change", showCommand);

$("copy").addEventListener("click", async () => {
  const text = $("command").textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch { // without a secure origin: the old way
    const area = element("textarea", { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    $("copy").focus();
  }
  $("copied").textContent = "Copied.";
  setTimeout(() => { $("copied").textContent = ""; }, 2500);
});

// ==== Presets, kept in the browser ====

const KEY = "trimtab.presets";
const readPresets = () => { try { return JSON.parse(localStorage.getItem(KEY)) || {}; } catch { return {}; } };
const writePresets = (presets) => { try { localStorage.setItem(KEY, JSON.stringify(presets)); } catch { /* private window */ } };

function applyMix(values) {
  axes.forEach((axis) => { axis.on = true; axis.value = Number(values[axis.name]) || 0; });
  changed();
}

function showPresets(chosen = "") {
  const group = (label, prefix, presets) => element("optgroup", { label }, ...Object.keys(presets).sort()
    .map((name) => element("option", { value: prefix + name, textContent: name, selected: prefix + name === chosen })));
  const own = readPresets();
  $("preset").replaceChildren(element("option", { value: "", textContent: "choose…" }));
  if (Object.keys(own).length) $("preset").append(group("Yours", "own:", own));
  if (Object.keys(serverPresets).length) $("preset").append(group("The server's", "server:", serverPresets));
  $("preset-delete").disabled = !$("preset").value.startsWith("own:");
}

$("preset").addEventListener("change", () => {
  const [where, name] = [$("preset").value.split(":", 1)[0], $("preset").value.slice($("preset").value.indexOf(":") + 1)];
  const found = where === "own" ? readPresets()[name] : where === "server" ? serverPresets[name] : null;
  $("preset-delete").disabled = where !== "own";
  if (found) applyMix(found);
});
const showPresetForm = (shown) => { $("preset-form").hidden = !shown; (shown ? $("preset-name") : $("preset-save")).focus(); };
$("preset-save").addEventListener("click", () => showPresetForm(true));
$("preset-cancel").addEventListener("click", () => showPresetForm(false));
$("preset-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("preset-name").value.trim();
  if (!name) return;
  writePresets({ ...readPresets(), [name]: mix() });
  $("preset-name").value = "";
  showPresets(`own:${name}`);
  showPresetForm(false);
});
$("preset-delete").addEventListener("click", () => {
  const presets = readPresets();
  delete presets[$("preset").value.slice(4)];
  writePresets(presets);
  showPresets();
});

// ==== Writing, both sides at once ====

const headers = () => ({ "Content-Type": "application/json", ...($("key").value ? { Authorization: `Bearer ${$("key").value}` } : {}) });

async function explain(response) {
  if (response.status === 401) { $("key-label").hidden = false; $("key").focus(); }
  try { return (await response.json()).error.message; } catch { return `the server answered ${response.status}`; }
}

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) if (part.startsWith("data: ") && part !== "data: [DONE]") yield JSON.parse(part.slice(6));
  }
}

async function writeInto(id, steering, signal) {
  const pane = $(id), note = $(`${id}-note`), words = document.createTextNode("");
  pane.replaceChildren(words);
  pane.classList.remove("failed");
  pane.setAttribute("aria-busy", "true");
  note.textContent = "";
  const prompt = $("prompt").value;
  const body = { stream: true, stream_options: { include_usage: true }, max_tokens: Number($("tokens").value) || 160, steering,
    temperature: Number($("temperature").value), seed: Number($("seed").value) || 0,
    ...(model.chat ? { messages: [{ role: "user", content: prompt }] } : { prompt }) };
  const begin = performance.now();
  try {
    const response = await fetch(model.chat ? "v1/chat/completions" : "v1/completions", { method: "POST", headers: headers(), body: JSON.stringify(body), signal });
    if (!response.ok) throw new Error(await explain(response));
    for await (const event of events(response)) {
      if (event.error) throw new Error(event.error.message);
      const choice = event.choices[0];
      if (choice) words.appendData(model.chat ? choice.delta.content || "" : choice.text);
      if (event.usage) {
        const seconds = (performance.now() - begin) / 1000;
        note.textContent = `${event.usage.completion_tokens} tokens, ${(event.usage.completion_tokens / seconds).toFixed(0)} a second`;
      }
    }
  } catch (error) {
    if (error.name === "AbortError") {
      note.textContent = "Stopped.";
    } else {
      pane.classList.add("failed");
      words.appendData(`${words.data ? "\n" : ""}${error.message}`);
    }
  }
  pane.setAttribute("aria-busy", "false");
}

async function generate() {
  if (running || !served) return;
  running = new AbortController();
  $("stop").disabled = false;
  $("generate").disabled = true;
  await Promise.all([writeInto("plain", {}, running.signal), writeInto("steered", mix(), running.signal)]);
  running = null;
  $("stop").disabled = true;
  $("generate").disabled = false;
}

const stop = () => running && running.abort();
$("generate").addEventListener("click", generate);
$("stop").addEventListener("click", stop);
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) generate();
  if (event.key === "Escape") stop();
});

// ==== Charts ====

// Told apart on light paper, and on dark.
const COLOURS = [["#1d6d75", "#a4531a", "#6b5aa8", "#4f7d2f", "#a83c62", "#8a7a1f", "#3d6fa8", "#7a4a2b"],
  ["#6fc3ca", "#e3a066", "#b3a5ee", "#9cc97a", "#ee8fb0", "#d8c766", "#8db8ee", "#cfa183"]];
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function showStrength() {
  if (!served || !axes.some((axis) => axis.strength)) return;
  const shown = active().length ? active() : axes;
  const size = (axis, value) => axis.strength[value < 0 ? 0 : 1].map((length) => length * Math.abs(value));
  const rows = shown.map((axis) => size(axis, active().length ? axis.value : 1));
  $("strength").setAttribute("aria-label", `Strength a block. ${shown.map((axis, i) => {
    const most = Math.max(...rows[i]);
    return `${title(axis.name)}: most, ${most.toFixed(2)}, at block ${rows[i].indexOf(most)}`;
  }).join("; ")}`);
  if (chart) chart.destroy();
  const line = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  chart = new uPlot({
    width: Math.max(240, $("strength").clientWidth), height: 230, scales: { x: { time: false } },
    axes: [{ ...line, label: "block", labelSize: 20, incrs: [1, 2, 5, 10, 20, 50] }, { ...line, size: 56 }],
    series: [{ label: "block" }, ...shown.map((axis) => ({
      label: title(axis.name), stroke: COLOURS[Number(dark.matches)][axes.indexOf(axis) % COLOURS[0].length], width: 2, points: { show: false },
      value: (_, value) => (value == null ? "–" : value.toFixed(2)) }))],
  }, [rows[0].map((_, block) => block), ...rows], $("strength"));
}

function showSimilarity() {
  const cell = (value) => {
    const made = element("td", { textContent: value.toFixed(2) });
    made.style.background = `color-mix(in srgb, var(${value < 0 ? "--steered" : "--accent"}) ${Math.round(45 * Math.abs(value))}%, transparent)`;
    return made;
  };
  const head = (text, scope) => element("th", { textContent: text, scope });
  $("similarity").replaceChildren(
    element("thead", {}, element("tr", {}, element("td"), ...axes.map((axis) => head(title(axis.name), "col")))),
    element("tbody", {}, ...axes.map((axis, i) => element("tr", {}, head(title(axis.name), "row"), ...similarity[i].map(cell)))));
}

let resizing = 0;
addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(showStrength, 120); });
dark.addEventListener("change", showStrength);

// ==== Beginning ====

function begin(list) {
  axes = list.map((axis) => ({ ...axis, on: true, value: 0 }));
  showAxes();
  showPresets();
  changed();
}

async function connect() {
  const response = await fetch("v1/axes", { headers: headers() });
  if (!response.ok) throw Object.assign(new Error(await explain(response)), { status: response.status });
  const known = await response.json();
  served = true;
  document.body.classList.remove("offline");
  model = known.model;
  similarity = known.axes.length ? known.similarity : null;
  begin(known.axes);
  applyMix(known.default.steering);
  if (known.axes.length) { $("vector-model").value = known.axes[0].model; showSimilarity(); }
  $("charts").hidden = known.axes.length === 0;
  $("state").textContent = `${model.name || model.id} · ${model.description}`;
  const models = await (await fetch("v1/models", { headers: headers() })).json();
  const values = (text) => Object.fromEntries(text.split(",").filter(Boolean).map((part) => [part.slice(0, part.lastIndexOf("=")), Number(part.slice(part.lastIndexOf("=") + 1))]));
  serverPresets = Object.fromEntries(models.data.filter((entry) => entry.parent).map((entry) => [entry.id, values(entry.steering)]));
  showPresets();
  showCommand();
}

function offline(why) {
  served = false;
  document.body.classList.add("offline");
  $("state").textContent = why;
  begin(BUILTIN_AXES);
}

async function start() {
  if (location.protocol === "file:") { offline("Command generator: not connected to a server"); return; }
  try {
    await connect();
  } catch (error) {
    if (error.status === 401) {
      $("state").textContent = "This server wants an API key.";
      begin([]);
      $("axes").replaceChildren(element("p", { className: "note", textContent: "Enter the API key to see the axes." }));
      return;
    }
    offline(`No answer from the server (${error.message}): command generator alone`);
  }
}

$("key").addEventListener("change", start);
start();
