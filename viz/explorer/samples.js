// Samples: one at a time, each one's gradient and their average, the table of samples and parameters, and a map of
// what the net answers for two inputs. This file is in pages with samples only.

const [TABLE_ROWS, TABLE_COLUMNS] = [12, 6];
const [FINE, COARSE, UNIT] = [48, 24, 20]; // cells along the side of a map, at rest and in motion, and of a unit's

let samples = null; // slots, rows, plane (two of the slots, or null), labels
let targets = []; // the slots that descent moves
let chosen = null; // the sample that the leaves have; null: the numbers as recorded
let isAverage = true; // what a step of descent uses
let known = null; // the gradients of each sample, for the numbers of now

function putRow(row) {
  samples.slots.forEach((slot, j) => { program.values[slot] = row[j]; });
}

// Run the program once for each sample, and see what it gives.
function forEachSample(see) {
  const before = samples.slots.map((slot) => program.values[slot]);
  samples.rows.forEach((row, i) => {
    putRow(row);
    program.run();
    see(i);
  });
  putRow(before);
  program.run();
}

// Of every sample the gradient of every parameter and of the selected node; means over samples, of the loss too.
function gradientsOfAll() {
  if (known) return known;
  const slot = state.node === null ? null : slotOf(state.node);
  const all = { each: [], selected: [], loss: 0, mean: new Float64Array(program.grads.length) };
  const n = samples.rows.length;
  forEachSample((i) => {
    all.each.push(targets.map((at) => program.grads[at]));
    if (slot !== null) all.selected.push(program.grads[slot]);
    all.loss += program.loss / n;
    for (let at = 0; at < all.mean.length; at += 1) all.mean[at] += program.grads[at] / n;
  });
  known = all;
  return all;
}

const mean = (numbers) => numbers.reduce((sum, x) => sum + x, 0) / (numbers.length || 1);

function chooseSample(i) {
  chosen = i === null ? null : Math.min(Math.max(i, 0), samples.rows.length - 1);
  putRow(chosen === null ? samples.slots.map((slot) => program.recorded[slot]) : samples.rows[chosen]);
  follow();
  settle();
}

// ---------------------------------------------------------------- the strip below the picture

function samplesStrip() {
  const choice = html("div", { class: "choice", role: "group", "aria-label": "What a step uses" },
    ...[["this sample", false], ["average", true]].map(([text, is]) => {
      const button = html("button", { "aria-pressed": String(is === isAverage), "data-average": String(is) }, text);
      on(button, "click", () => {
        isAverage = is;
        for (const other of choice.children) set(other, "aria-pressed", String(other === button));
        forgetDescent();
      });
      return button;
    }));
  const strip = html("div", {
    id: "strip", tabindex: "0", role: "slider", "aria-label": "sample", "aria-valuemin": "1", "aria-valuemax": String(samples.rows.length),
  });
  strip.append(samples.plane ? plane() : row());
  on(strip, "keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[event.key];
    if (!by && event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Home" || event.key === "End") chooseSample(event.key === "Home" ? 0 : samples.rows.length - 1);
    else chooseSample(chosen === null ? 0 : chosen + by);
  });
  const whose = html("p", { id: "whose" });
  const bars = svg("svg", { id: "bars", viewBox: "0 0 100 40", preserveAspectRatio: "none", "aria-hidden": "true" });
  const copy = html("button", { id: "copy", title: "The net as Python" }, "Copy");
  on(copy, "click", showWeights);
  return html("div", { id: "samples" }, html("div", { class: "column" }, choice, copy), strip,
    html("div", { class: "column wide" }, whose, bars));
}

// Dots for samples: where their inputs are, coloured by their target; over a map of what the net answers.
function plane() {
  const [low, high] = extent();
  const at = (row) => samples.plane.map((slot, i) => {
    const share = (row[samples.slots.indexOf(slot)] - low[i]) / (high[i] - low[i] || 1);
    return 100 * (i ? 1 - share : share);
  });
  const target = samples.slots.findIndex((slot) => !samples.plane.includes(slot));
  const middle = target < 0 ? 0 : mean(samples.rows.map((row) => row[target]));
  const dots = samples.rows.map((row, i) => {
    const [cx, cy] = at(row);
    const sign = target < 0 ? "zero" : row[target] > middle ? "positive" : "negative";
    const dot = svg("circle", { class: `dot ${sign}`, cx, cy, r: samples.rows.length > 60 ? 2.2 : 3.4 });
    on(dot, "click", () => chooseSample(chosen === i ? null : i));
    return dot;
  });
  return html("div", { class: "plane" }, html("canvas", { id: "map", width: FINE, height: FINE }),
    svg("svg", { viewBox: "0 0 100 100" }, ...dots));
}

function row() {
  return html("div", { class: "dots" }, ...samples.rows.slice(0, 200).map((_, i) => {
    const button = html("button", { class: "dot", tabindex: "-1" }, String(i + 1));
    on(button, "click", () => chooseSample(chosen === i ? null : i));
    return button;
  }));
}

function extent() {
  const columns = samples.plane.map((slot) => samples.rows.map((one) => one[samples.slots.indexOf(slot)]));
  const edge = (some, by) => (by < 0 ? Math.min : Math.max)(...some) + 0.12 * by * ((Math.max(...some) - Math.min(...some)) || 1);
  return [columns.map((some) => edge(some, -1)), columns.map((some) => edge(some, 1))];
}

function showSamples() {
  const strip = byId("strip");
  set(strip, "aria-valuenow", String(chosen === null ? 0 : chosen + 1));
  set(strip, "aria-valuetext", chosen === null ? "none: the numbers as recorded" : `sample ${chosen + 1}`);
  strip.querySelectorAll(".dot").forEach((dot, i) => dot.classList.toggle("chosen", i === chosen));
  showBars();
  if (samples.plane) showMaps();
}

function showBars() {
  const { selected } = gradientsOfAll();
  const { node } = state;
  const largest = largestOf(selected);
  const n = selected.length;
  const y = (x) => 20 - (largest && Number.isFinite(x) ? (18 * x) / largest : 0);
  byId("bars").replaceChildren(svg("path", { class: "axis", d: "M0 20H100" }), ...selected.map((x, i) => svg("rect", {
    class: `${signOf(x)} ${i === chosen ? "chosen" : ""}`, x: (100 * (i + 0.15)) / n, width: 70 / n,
    y: Math.min(20, y(x)), height: Math.abs(20 - y(x)),
  })), ...(n ? [svg("path", { class: "mean", d: `M0 ${y(mean(selected))}H100` })] : []));
  byId("whose").replaceChildren(...(node === null ? ["Select a weight: each sample's gradient of it"] : [
    "each sample's ", formula(names.ratio(graph().target, node)), ", average ", signed(mean(selected))]));
}

// ---------------------------------------------------------------- maps

// What the slots have at points of the plane, size by size, the first row at the top.
function overPlane(size, slots) {
  const [low, high] = extent();
  const before = samples.plane.map((slot) => program.values[slot]);
  const found = slots.map(() => new Float64Array(size * size));
  for (let j = 0; j < size; j += 1) {
    for (let i = 0; i < size; i += 1) {
      const shares = [(i + 0.5) / size, 1 - (j + 0.5) / size];
      samples.plane.forEach((slot, k) => { program.values[slot] = low[k] + shares[k] * (high[k] - low[k]); });
      program.forward();
      slots.forEach((slot, k) => { found[k][j * size + i] = program.values[slot]; });
    }
  }
  samples.plane.forEach((slot, k) => { program.values[slot] = before[k]; });
  program.forward();
  return found;
}

// From -1 to 1: probabilities by how far they are from ½, other numbers by the largest.
function asShares(numbers) {
  const isProbability = numbers.every((x) => x >= 0 && x <= 1);
  const largest = largestOf([...numbers]) || 1;
  return numbers.map((x) => (isProbability ? 2 * x - 1 : Math.max(-1, Math.min(1, x / largest))));
}

const isResult = (v) => kinds(v).startsWith("result") && !kinds(v).includes("unnamed");

function outputSlot() {
  if (state.node !== null && isResult(state.node)) return slotOf(state.node);
  const before = graph().operands.get(graph().target).map((e) => e.operand).filter(isResult);
  return slotOf(before.at(-1) ?? graph().target);
}

function showMaps() {
  const size = isSettled && !descending ? FINE : COARSE;
  const canvas = byId("map");
  const [positive, negative, paper] = ["positive", "negative", "stage"].map((name) => {
    byId("said").style.color = `var(--${name})`;
    return getComputedStyle(byId("said")).color;
  });
  Object.assign(canvas, { width: size, height: size });
  const ink = canvas.getContext("2d");
  const shares = asShares(overPlane(size, [outputSlot()])[0]);
  ink.fillStyle = paper;
  ink.fillRect(0, 0, size, size);
  shares.forEach((share, at) => {
    ink.globalAlpha = Math.abs(share) * 0.6;
    ink.fillStyle = share > 0 ? positive : negative;
    ink.fillRect(at % size, Math.floor(at / size), 1, 1);
  });
  showUnitMaps();
}

// In the circle of each unit the same for the unit, in a few tones.
function showUnitMaps() {
  const cells = picture.cells.filter(({ node, shapes }) => isResult(node) && shapes?.[0].localName === "circle");
  const found = overPlane(UNIT, cells.map(({ node }) => slotOf(node)));
  cells.forEach((cell, k) => {
    cell.map ??= svg("g", { class: "map" });
    if (cell.map.parentNode !== cell.group) cell.shapes[0].after(cell.map);
    const tones = new Map();
    const side = (2 * picture.radius) / UNIT;
    asShares(found[k]).forEach((share, at) => {
      const [i, j] = [at % UNIT, Math.floor(at / UNIT)];
      const tone = Math.round(5 * share);
      const [x, y] = [i - UNIT / 2, j - UNIT / 2];
      if (!tone || Math.hypot(x + 0.5, y + 0.5) > UNIT / 2 - 1) return;
      const cellPath = `M${(x * side).toFixed(1)} ${(y * side).toFixed(1)}h${side.toFixed(1)}v${side.toFixed(1)}h-${side.toFixed(1)}z`;
      tones.set(tone, (tones.get(tone) ?? "") + cellPath);
    });
    cell.map.replaceChildren(...[...tones].map(([tone, d]) => svg("path", {
      d, class: tone > 0 ? "positive" : "negative", "fill-opacity": (Math.abs(tone) * 0.045).toFixed(3),
    })));
    cell.shapes[1].setAttribute("visibility", "hidden");
  });
}

// ---------------------------------------------------------------- samples and parameters

// What each sample asks of each parameter, the last column what all of them ask together.
function samplesTable() {
  const order = targets.map((slot, k) => [slot, k]).filter(([slot]) => page.program.slot.includes(slot));
  const size = ([slot]) => Math.abs(gradientsOfAll().mean[slot]);
  const shown = order.sort((a, b) => size(b) - size(a)).slice(0, TABLE_ROWS);
  const columns = samples.rows.slice(0, TABLE_COLUMNS).map((_, i) => i);
  const rows = shown.map(([slot, k]) => {
    const v = page.program.slot.indexOf(slot);
    const made = html("tr", { tabindex: "0" }, html("th", { scope: "row" }, formula(names.math(v))),
      ...columns.map((i) => html("td", {}, liveNumber(live, () => -gradientsOfAll().each[i][k], withSign))),
      html("td", { class: "mean" }, liveNumber(live, () => -gradientsOfAll().mean[slot], withSign)));
    on(made, "click", () => select(v));
    return made;
  });
  return [
    html("h3", {}, "What each sample asks of each weight: −∂L/∂w"),
    html("div", { class: "scrolls" }, html("table", { class: "asked" },
      html("thead", {}, headOf("", ...columns.map((i) => String(i + 1)), "average")), html("tbody", {}, ...rows))),
    quiet(`The average is over all ${samples.rows.length} samples; a step goes that way.`),
  ];
}

// ---------------------------------------------------------------- the net as Python

// By the names of the parameters, and, of a net of layers, as the arrays that it is made of.
function weightsAsPython() {
  const numbers = samples.labels.map(([slot, label]) => [label, pythonNumber(program.values[slot])]);
  const named = numbers.map(([label, x]) => `    ${JSON.stringify(label)}: ${x},`);
  const text = `# for p in net.parameters(): p.data = numbers[p.label]\nnumbers = {\n${named.join("\n")}\n}\n`;
  const [weights, biases] = [[], []];
  for (const [label, x] of numbers) {
    const [, letter, layer, j, k] = /^([wb])\[(\d+)\]_(\d+)(?:,(\d+))?$/.exec(label) ?? [];
    if (!letter || (letter === "w") !== Boolean(k)) return text;
    const rows = ((letter === "w" ? weights : biases)[layer - 1] ??= []);
    if (letter === "w") (rows[j - 1] ??= [])[k - 1] = x;
    else rows[j - 1] = x;
  }
  const list = (some) => (Array.isArray(some) ? `[${some.map(list).join(", ")}]` : some);
  return `${text}\n# net.set_weights(weights, biases)\nweights = ${list(weights)}\nbiases = ${list(biases)}\n`;
}

const pythonNumber = (x) => (Number.isFinite(x) ? String(x) : `float("${Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf"}")`);

function showWeights() {
  const text = html("textarea", { readonly: "", rows: 12, cols: 52, "aria-label": "The net as Python" });
  text.value = weightsAsPython();
  const close = html("button", {}, "Close");
  const copy = html("button", {}, "Copy");
  const dialog = html("dialog", { class: "weights", "aria-label": "The net as Python" }, html("h2", {}, "The net as Python"), text, html("div", { class: "row" }, copy, close));
  on(copy, "click", () => {
    text.select();
    document.execCommand("copy");
    copy.textContent = "Copied";
  });
  on(close, "click", () => dialog.close());
  on(dialog, "close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  text.select();
}

// ---------------------------------------------------------------- joined to the page

function beginSamples() {
  if (!program) return;
  samples = page.samples;
  targets = page.program.parameters;
  document.body.classList.add("sampled");
  byId("dock").append(samplesStrip());
  Object.assign(descent, {
    slopes: () => (isAverage ? gradientsOfAll().mean : program.grads),
    loss: () => (isAverage ? gradientsOfAll().loss : program.loss),
    name: () => (isAverage ? "mean loss" : names.text(page.target)),
  });
  followers.push(showSamples);
  forgetters.push(() => { known = null; });
  restorers.push(() => { chosen = null; });
  linkParts.push(() => (chosen === null ? [] : [`sample=${chosen + 1}`]));
  linkReaders.sample = (text) => { if (Number.isInteger(Number(text))) chooseSample(Number(text) - 1); };
  isOfSample = (v) => chosen !== null && samples.slots.includes(slotOf(v));
  overviewExtras.push(samplesTable);
  forgetDescent();
  showSamples();
}
