// What is done with a page that computes: nudging a number to see what it does to the others, and going downhill.

const LONGEST_CURVE = 2000; // losses; then every second is left out
const PATIENCE = 250; // milliseconds between steps for eyes that want less motion

// ---------------------------------------------------------------- a nudge

// What happens to every node of the page when the selected one is nudged.
function nudge() {
  const slot = slotOf(state.node);
  const before = Float64Array.from(program.values);
  const after = program.given(slot, before[slot] + state.nudge, () => Float64Array.from(program.values));
  return (v) => after[slotOf(v)] - before[slotOf(v)];
}

const withSign = (x) => (x > 0 ? `+${shortNumber(x)}` : shortNumber(x));

function nudgePanel() {
  const { node } = state;
  if (!program) return [html("h2", {}, "Nudge"), quiet("The numbers of this page cannot be changed.")];
  if (node === null) return [html("h2", {}, "Nudge"), quiet("Select a node: it is nudged, and all that it leads to moves.")];
  const { target } = graph();
  let delta = null;
  live(() => { delta = nudge(); });
  const onTheWay = [...graph().weigh(node).nodes];
  const shown = onTheWay.length > 40 ? [...onTheWay.slice(0, 20), ...onTheWay.slice(-20)] : onTheWay;
  const slopeOf = (v) => graph().weigh(node).below.get(v);
  const ratio = (v) => delta(v) / state.nudge;
  const rows = shown.map((v) => html("tr", {},
    html("th", { scope: "row" }, formula(names.math(v))),
    html("td", {}, liveNumber(live, () => delta(v), withSign)),
    html("td", {}, liveText(live, () => shortNumber(ratio(v)))),
    html("td", {}, liveText(live, () => shortNumber(slopeOf(v))))));
  const head = html("tr", {}, html("th", {}), html("th", { scope: "col" }, "nudge Δ"),
    html("th", { scope: "col" }, formula(mathml("mi", "Δ"), operator("/"), mathml("mi", "Δ"), names.math(node))),
    html("th", { scope: "col" }, formula(operator("∂"), operator("/"), operator("∂"), names.math(node))));
  const gap = () => Math.abs(ratio(target) - slopeOf(target));
  return [
    heading(names, target, node, live, gradient),
    canChange(node) ? controlOf(node) : null,
    nudgeControl(node),
    html("table", { class: "nudges" }, html("thead", {}, head), html("tbody", {}, ...rows)),
    html("p", {}, "A nudge to ", formula(names.math(node)), " causes a nudge to everything on the way. The smaller it is, the nearer the ratios come to the derivatives; at ",
      formula(names.math(target)), " they are ", liveText(live, () => shortNumber(gap())), " apart."),
  ];
}

function nudgeControl(node) {
  const slider = html("input", { type: "range", min: -6, max: 0.5, step: 0.05, "aria-label": "size of the nudge" });
  const sign = html("button", { class: "sign", title: "The other direction" }, "±");
  const apply = (size) => { state.nudge = size; showNumbers(); };
  on(slider, "input", () => apply(Math.sign(state.nudge) * Number((10 ** Number(slider.value)).toPrecision(2))));
  on(sign, "click", () => apply(-state.nudge));
  live(() => { if (document.activeElement !== slider) slider.value = Math.log10(Math.abs(state.nudge)); });
  return html("div", { class: "control" }, formula(mathml("mi", "Δ"), names.math(node)), slider, sign,
    liveText(live, () => withSign(state.nudge), html("output", {})));
}

// ---------------------------------------------------------------- downhill

// What a step goes by, and what the curve shows.
const descent = { slopes: () => program.grads, loss: () => program.loss, name: () => names.text(page.target) };
let losses = [];
let every = 1; // so many steps lie between two losses of the curve
let steps = 0;
let descending = 0;

function takeStep() {
  if (!program) return;
  if (!losses.length) losses.push(descent.loss());
  const { values } = program;
  const slopes = descent.slopes();
  const moves = page.program.parameters.map((slot) => [slot, values[slot] - state.rate * slopes[slot]]);
  for (const [slot, x] of moves) values[slot] = x;
  follow();
  steps += 1;
  if (steps % every === 0) losses.push(descent.loss());
  if (losses.length > LONGEST_CURVE) {
    losses = losses.filter((_, i) => i % 2 === 0);
    every *= 2;
  }
  if (!Number.isFinite(descent.loss())) stopDescent();
  showDescent();
}

function toggleDescent() {
  if (descending) {
    stopDescent();
    return;
  }
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const next = () => (isCalm ? setTimeout(go, PATIENCE) : requestAnimationFrame(go));
  const go = () => {
    takeStep();
    if (descending) descending = next();
  };
  descending = next();
  showDescent();
}

function stopDescent() {
  cancelAnimationFrame(descending);
  clearTimeout(descending);
  descending = 0;
  showDescent();
  settle();
}

function forgetDescent() {
  stopDescent();
  [losses, every, steps] = [[], 1, 0];
  showDescent();
}

function showDescent() {
  const dock = byId("dock");
  if (dock.hidden) return;
  set(byId("descend"), "aria-pressed", String(Boolean(descending)));
  put(byId("descend"), descending ? "Stop" : "Play");
  put(byId("rate-is"), shortNumber(state.rate));
  const isOver = steps > 0 && !Number.isFinite(descent.loss());
  const told = steps ? ` after ${counted(steps, "step")}` : "";
  put(byId("loss"), isOver ? `No longer finite${told}: reset, and take a smaller rate` : `${descent.name()} ${shortNumber(descent.loss())}${told}`);
  const finite = losses.filter(Number.isFinite);
  const [low, high] = [Math.min(0, ...finite), Math.max(...finite, 1e-300)];
  const at = (x, i) => `${((100 * i) / Math.max(1, losses.length - 1)).toFixed(2)} ${(38 - (36 * (x - low)) / (high - low || 1)).toFixed(2)}`;
  set(byId("curve").lastElementChild, "d", finite.length > 1 ? `M${finite.map(at).join("L")}` : "M0 0");
}

const FIRST_RATE = 0.1;
linkParts.push(() => (state.rate === FIRST_RATE ? [] : [`rate=${state.rate}`]));
linkReaders.rate = (text) => {
  if (!(readNumber(text) > 0)) return;
  state.rate = readNumber(text);
  byId("rate").value = Math.log10(state.rate);
  showDescent();
};

function listenToDescent() {
  byId("dock").hidden = !program;
  document.body.classList.toggle("docked", Boolean(program));
  if (!program) return;
  on(byId("take"), "click", () => { takeStep(); settle(); });
  on(byId("descend"), "click", toggleDescent);
  on(byId("rate"), "input", () => {
    state.rate = Number((10 ** Number(byId("rate").value)).toPrecision(2));
    showDescent();
  });
  byId("rate").value = Math.log10(state.rate);
  showDescent();
}
