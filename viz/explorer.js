// The page: what is selected, which mode and view, and how keys, buttons and pointers change that.
// Every change goes through update(), which shows the state as it then is.

const FIRST_CARDS = 12;
const STEP_TIME = 1100; // milliseconds between the steps of a pass that plays

const page = JSON.parse(document.getElementById("data").textContent);
const names = new Names(page.nodes);
const grads = page.nodes.grad.map(decoded);
const kinds = (v) => page.nodes.kinds[page.nodes.kind[v]];
const symbolOf = (v) => page.nodes.symbol[v];
const graphs = Object.fromEntries(Object.entries(page.graphs).map(([name, data]) => [name, new Graph(data)]));
const byId = (id) => document.getElementById(id);
const choices = { mode: ["paths", "backward", "forward"], show: ["data", "grad", "both"], view: ["named", "op", "neurons"].filter((name) => name in page.views) };
const themes = ["system", "light", "dark"];

const state = {
  view: page.first, mode: "paths", show: "both", node: null, shown: FIRST_CARDS, pinned: null, hovered: null,
  step: 0, playing: null, cell: null, line: null, theme: "system",
};
let panelWidth = byId("panel").clientWidth;
let ranking = null; // the paths to the selected node, as far as they were asked for
const picture = new Picture(byId("picture"), names, kinds, { click, hover, describeLine, symbolOf });

const graph = () => graphs[page.views[state.view].graph];
const steps = () => (state.mode === "backward" ? interior(graph()).reverse() : interior(graph()));

// ---------------------------------------------------------------- changing the state

function update(changes = {}) {
  const before = { ...state };
  Object.assign(state, changes);
  const isOther = (...keys) => keys.some((key) => state[key] !== before[key]);
  if (isOther("view")) showView(before.view);
  if (isOther("view", "node")) {
    ranking = null;
    Object.assign(state, { shown: FIRST_CARDS, pinned: null, hovered: null });
  }
  if (isOther("mode", "view")) state.step = Math.min(isOther("mode") ? 0 : state.step, steps().length - 1);
  if (isOther("mode", "view") && state.playing) stop();
  if (isOther("node") && state.mode === "paths") remember(state.node);
  if (isOther("node", "view") || (state.mode !== "paths" && isOther("step", "mode"))) byId("panel").scrollTop = 0;
  hideTip();
  showControls();
  light();
  if (!isOther("hovered", "pinned") || isOther("node", "view", "mode")) showPanel();
  markPinned();
}

function select(node) {
  update({ node, mode: "paths" });
}

// The node selected, or the nearest thing to it where the other view does not have it.
function showView(before) {
  picture.draw(page.views[state.view], graph());
  if (state.node !== null && !graph().has(state.node)) state.node = null;
  state.cell = null;
  if (before !== undefined) picture.fit(state.node);
}

function remember(node) {
  try {
    history.replaceState(null, "", node === null ? "#" : `#${names.link(node)}`);
  } catch { /* a page inside another has no address of its own */ }
}

function fromLink() {
  let wanted = location.hash.slice(1);
  try { wanted = decodeURIComponent(wanted); } catch { /* a stray % is part of the name */ }
  if (!wanted) return null;
  const isWanted = (v) => [names.link(v), names.line(v)].includes(wanted);
  const inGraph = (name) => graphs[page.views[name].graph].nodes.find(isWanted);
  for (const name of [state.view, ...choices.view]) {
    const node = inGraph(name);
    if (node !== undefined) return { node, view: name };
  }
  return null;
}

function followLink() {
  const found = fromLink();
  if (found) update({ ...found, mode: "paths" });
}

// ---------------------------------------------------------------- what is lit

function light() {
  const { nodes, edges, isIdle } = lights();
  picture.fill(numbersOn);
  picture.light({ nodes, edges, isIdle, label: (line) => labelOf(line, edges, isIdle) });
}

function lights() {
  if (state.mode !== "paths") return passLights();
  if (state.node === null) return idleLights();
  const weighed = graph().weigh(state.node);
  const alone = paths()[state.hovered ?? state.pinned];
  const nodes = new Map();
  const edges = new Map();
  if (alone) {
    for (const e of alone.edges) {
      edges.set(e.k, { sign: alone.value, width: 4 });
      nodes.set(e.result, "lit").set(e.operand, "lit");
    }
  } else {
    const largest = Math.max(...[...weighed.flow.values()].map(Math.abs).filter(Number.isFinite), 0);
    for (const v of weighed.nodes) nodes.set(v, "lit");
    for (const [k, flow] of weighed.flow) {
      const share = Number.isFinite(flow) && largest ? Math.abs(flow) / largest : Number.isFinite(flow) ? 0 : 1;
      edges.set(k, { sign: flow, width: 1.3 + 4.7 * share });
    }
  }
  nodes.set(state.node, "lit selected");
  return { nodes, edges, isIdle: false };
}

function idleLights() {
  const edges = new Map(graph().edges.map((e) => {
    const size = Math.abs(e.derivative);
    return [e.k, { sign: e.derivative, width: 0.9 + 1.6 * (Number.isFinite(size) ? size / (1 + size) : 1) }];
  }));
  return { nodes: new Map(), edges, isIdle: true };
}

function passLights() {
  const all = steps();
  const now = all[state.step];
  const nodes = new Map();
  const edges = new Map();
  const operands = graph().operands.get(now);
  if (state.mode === "backward") {
    for (const v of backwardState(graph(), all, state.step).received.keys()) nodes.set(v, "lit past");
    const past = new Set(all.slice(0, state.step));
    for (const e of graph().edges) if (past.has(e.result)) edges.set(e.k, { sign: e.derivative, width: 1, isPast: true });
    for (const e of operands) edges.set(e.k, { sign: e.derivative, width: 3 });
  } else {
    const done = new Set(all.slice(0, state.step + 1));
    for (const v of graph().nodes) if (done.has(v) || !graph().operands.get(v).length) nodes.set(v, "lit past");
    for (const e of graph().edges) if (done.has(e.result)) edges.set(e.k, { sign: e.derivative, width: e.result === now ? 3 : 1, isPast: e.result !== now });
  }
  for (const e of operands) nodes.set(e.operand, "lit");
  nodes.set(now, "lit selected");
  return { nodes, edges, isIdle: false };
}

function labelOf(line, edges, isIdle) {
  if (isIdle && picture.lines.length > 40) return null;
  const shown = line.edges.filter((k) => edges.has(k));
  if (!shown.length) return null;
  if (shown.every((k) => edges.get(k).isPast)) return null;
  const edge = graph().edges[isIdle ? shown[shown.length - 1] : shown.reduce((a, b) => (edges.get(b).width > edges.get(a).width ? b : a))];
  return { text: shortNumber(edge.derivative), sign: edge.derivative, quiet: isIdle };
}

// What stands on a node: its numbers, or those it has at this step of a pass.
function numbersOn(v) {
  let [data, grad] = [names.data[v], grads[v]];
  if (state.mode === "backward") grad = passState().received.get(v)?.value;
  const isComputed = state.mode !== "forward" || passState().computed.has(v);
  const shows = (what) => state.show === what || state.show === "both";
  return {
    data: shows("data") ? (isComputed ? shortNumber(data) : "·") : "",
    grad: shows("grad") && state.mode !== "forward" ? (grad === undefined ? "·" : shortNumber(grad)) : shows("data") ? "" : "·",
    gradSign: signOf(grad ?? 0),
  };
}

let passCache = {};
function passState() {
  const key = `${state.view} ${state.mode} ${state.step}`;
  if (passCache.key !== key) {
    const all = steps();
    if (state.mode === "backward") passCache = { key, ...backwardState(graph(), all, state.step) };
    else {
      const later = new Set(all.slice(state.step + 1));
      passCache = { key, computed: new Set(graph().nodes.filter((v) => !later.has(v))) };
    }
  }
  return passCache;
}

// ---------------------------------------------------------------- the panel

function paths() {
  ranking ??= new Ranking(graph(), state.node);
  return ranking.strongest(state.shown);
}

function showPanel() {
  byId("panel").replaceChildren(...panelOf().filter(Boolean));
}

function markPinned() {
  document.querySelectorAll("#panel .path").forEach((made, i) => {
    made.classList.toggle("pinned", i === state.pinned);
    made.querySelector(".badge").setAttribute("aria-pressed", String(i === state.pinned));
  });
}

function panelOf() {
  const all = steps();
  if (state.mode === "backward") {
    return backwardPanel({ names, graph: graph(), node: all[state.step], step: state.step, steps: all, state: passState() });
  }
  if (state.mode === "forward") {
    return forwardPanel({ names, graph: graph(), node: all[state.step], step: state.step, steps: all, symbol: symbolOf(all[state.step]) });
  }
  return state.node === null ? overviewPanel() : pathsPanel();
}

function overviewPanel() {
  const gradient = new Map();
  const { received } = backwardState(graph(), interior(graph()).reverse(), interior(graph()).length - 1);
  for (const v of graph().nodes) gradient.set(v, grads[v] ?? received.get(v)?.value ?? 0);
  const size = (v) => (Number.isNaN(gradient.get(v)) ? Infinity : Math.abs(gradient.get(v)));
  const isGiven = (v) => Number(kinds(v).includes("given")); // inputs and targets come last
  const leaves = graph().nodes.filter((v) => !graph().operands.get(v).length)
    .sort((a, b) => isGiven(a) - isGiven(b) || size(b) - size(a) || a - b);
  return overview({ names, leaves, select, gradientOf: (v) => gradient.get(v) });
}

function pathsPanel() {
  const { node } = state;
  const weighed = graph().weigh(node);
  const listed = paths();
  const target = graph().target;
  const intro = [
    heading(names, target, node, weighed.gradient),
    html("p", { class: "quiet" }, `data ${shortNumber(names.data[node])} · `, html("span", { id: "count", "data-count": weighed.count.toString() }, counted(weighed.count, "path")), ` from ${names.line(target)}`),
  ];
  if (node === target) return [...intro, html("p", { class: "quiet" }, "The result itself: every path begins here. Select what it was computed from.")];
  const cards = listed.map((path, i) => card({
    names, path, number: i + 1, isAlone: weighed.count === 1n,
    share: weighed.strength ? Math.abs(path.value) / weighed.strength : 0, strength: Math.max(...listed.map((p) => Math.abs(p.value)).filter(Number.isFinite), 0),
    room: panelWidth - 66,
    hover: (is) => update({ hovered: is ? i : null }), pin: () => pin(i),
  }));
  const left = weighed.count - BigInt(listed.length);
  const more = left > 0n ? html("button", { id: "more" }, `Show ${bigNumber(left < 12n ? left : 12n)} more of the other ${bigNumber(left)}`) : null;
  if (more) on(more, "click", morePaths);
  const sum = summary({
    name: names.line(node), paths: listed, count: weighed.count, gradient: weighed.gradient, grad: grads[node],
    strength: weighed.strength, wasBackward: page.backward,
  });
  return [...intro, ...(weighed.count > BigInt(FIRST_CARDS) ? [sum, ...cards, more] : [...cards, more, sum])];
}

function morePaths() {
  if (state.mode === "paths" && state.node !== null) update({ shown: state.shown + FIRST_CARDS });
  byId("more")?.focus();
}

function pin(i) {
  if (state.node !== null && i < paths().length) update({ pinned: state.pinned === i ? null : i, hovered: null });
}

// ---------------------------------------------------------------- the note on an edge

function edgesOn(line) {
  return line.edges.map((k) => graph().edges[k]);
}

function describeLine(line) {
  return line.edges.map((k) => picture.graph.edges[k]).map((e) => `∂${names.line(e.result)}/∂${names.line(e.operand)} = ${shortNumber(e.derivative)}`).join(", ");
}

function showTip(line, at) {
  const weighed = state.mode === "paths" && state.node !== null ? graph().weigh(state.node) : null;
  const isNamed = page.views[state.view].graph === "named" && graphs.op;
  const notes = edgesOn(line).slice(0, 4).map((edge) => {
    const flow = weighed?.flow.get(edge.k);
    return html("section", {}, ...edgeNote({
      names, edge, symbolOf,
      inner: isNamed ? graphs.op.between(edge.result, edge.operand, (v) => !graph().has(v)) : [],
      share: flow === undefined ? null : `carries ${shortNumber(flow)} of ${shortNumber(weighed.gradient)}`,
      weight: line.edges.length > 1 && kinds(edge.operand).startsWith("leaf") ? `${names.line(edge.operand)} = ${shortNumber(names.data[edge.operand])}, grad ${shortNumber(grads[edge.operand])}` : null,
    }));
  });
  const tip = byId("tip");
  tip.replaceChildren(...notes);
  tip.hidden = false;
  const stage = byId("picture");
  const [x, y] = at ?? picture.middleOf(line);
  tip.style.left = `${Math.max(8, Math.min(x + 16, stage.clientWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${Math.max(8, y + 20 + tip.offsetHeight > stage.clientHeight ? y - tip.offsetHeight - 14 : y + 18)}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}

// ---------------------------------------------------------------- pointers

function click({ cell, line }, event) {
  if (cell && !/constant/.test(kinds(cell.node))) {
    goTo(cell);
    select(cell.node);
  } else if (line?.edges.length) {
    if (event.pointerType === "touch" || line.edges.length === 1) showTip(line);
    else selectLine(line);
  } else if (state.mode === "paths") select(null);
}

// A line between neurons stands for its weight.
function selectLine(line) {
  const edges = edgesOn(line);
  const weight = edges.find((e) => kinds(e.operand) === "leaf") ?? edges[0];
  select(weight.operand);
}

function hover({ line }, event, at) {
  state.line = line ?? null;
  if (line?.edges.length) showTip(line, event.type === "focusin" ? undefined : at);
  else hideTip();
}

// ---------------------------------------------------------------- keys

function goTo(cell) {
  state.cell = cell;
  picture.mark(cell);
}

function move(direction) {
  const cells = picture.cells.filter((cell) => !/constant/.test(kinds(cell.node)));
  const from = state.cell ?? picture.cellsOf.get(state.node)?.[0];
  const to = from ? neighbour(from, direction, cells) : picture.cellsOf.get(graph().target)[0];
  if (!to) return;
  goTo(to);
  picture.reveal(to);
  to.group.focus({ preventScroll: true });
}

// Left and right follow edges; up and down, and where there is no edge, the nearest cell that way.
function neighbour(from, direction, cells) {
  const linked = direction === "ArrowLeft" ? graph().operands.get(from.node).map((e) => e.operand)
    : direction === "ArrowRight" ? graph().users.get(from.node).map((e) => e.result) : [];
  const isVertical = direction === "ArrowUp" || direction === "ArrowDown";
  const sign = direction === "ArrowLeft" || direction === "ArrowUp" ? -1 : 1;
  const middle = (cell) => [cell.x + cell.width / 2, cell.y + cell.height / 2];
  const [x, y] = middle(from);
  const away = (cell) => {
    const [u, v] = middle(cell);
    const [along, across] = isVertical ? [(v - y) * sign, Math.abs(u - x)] : [(u - x) * sign, Math.abs(v - y)];
    return along > 1 ? along + 4 * across : Infinity;
  };
  const nearest = (some) => some.map((cell) => [away(cell), cell]).filter(([d]) => d < Infinity).sort(([a], [b]) => a - b)[0]?.[1];
  return nearest(cells.filter((cell) => linked.includes(cell.node))) ?? nearest(cells);
}

function nextEdge(by) {
  const node = state.cell?.node ?? state.node ?? graph().target;
  const around = picture.lines.filter((line) => edgesOn(line).some((e) => e.result === node || e.operand === node));
  if (!around.length) return;
  const at = around.indexOf(state.line);
  const line = around[(at + by + around.length) % around.length] ?? around[0];
  line.group.focus({ preventScroll: true });
  state.line = line;
  showTip(line);
}

function cycle(key, list, by = 1) {
  update({ [key]: list[(list.indexOf(state[key]) + by + list.length) % list.length] });
}

const arrows = Object.fromEntries(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].map((key) => [key, () => move(key)]));
const keys = {
  ...arrows,
  Enter: () => (state.line && document.activeElement === state.line.group ? selectLine(state.line) : state.cell && select(state.cell.node)),
  Escape: () => (byId("tip").hidden ? select(null) : hideTip()),
  e: () => nextEdge(1), E: () => nextEdge(-1), m: morePaths,
  p: () => update({ mode: "paths" }), b: () => update({ mode: "backward" }), f: () => update({ mode: "forward" }),
  " ": () => togglePlay(), ",": () => goToStep(state.step - 1), ".": () => goToStep(state.step + 1),
  Home: () => goToStep(0), End: () => goToStep(steps().length - 1),
  d: () => cycle("show", choices.show), v: () => cycle("view", choices.view), t: nextTheme,
  "+": () => picture.zoom(1.25), "=": () => picture.zoom(1.25), "-": () => picture.zoom(0.8), 0: () => picture.fit(state.node),
  "?": () => byId("keys").showModal(),
};
for (let i = 0; i < 9; i += 1) keys[i + 1] = () => pin(i);

on(document, "keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("keys").open) return;
  const isControl = event.target.closest("button, input, tr, summary");
  if (isControl && (["Enter", " "].includes(event.key) || (event.target.matches("input") && /^(Arrow|Home|End)/.test(event.key)))) return;
  if (event.target.closest("#panel") && event.key.startsWith("Arrow")) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// ---------------------------------------------------------------- playing a pass

function goToStep(step) {
  if (state.mode !== "paths") update({ step: Math.min(Math.max(step, 0), steps().length - 1) });
}

function togglePlay() {
  if (state.mode === "paths") return;
  if (state.playing) stop();
  else {
    if (state.step === steps().length - 1) goToStep(0);
    state.playing = setInterval(() => (state.step === steps().length - 1 ? stop() : goToStep(state.step + 1)), STEP_TIME);
  }
  showControls();
}

function stop() {
  clearInterval(state.playing);
  state.playing = null;
  showControls();
}

// ---------------------------------------------------------------- controls

function showControls() {
  for (const key of ["mode", "show", "view"]) {
    for (const button of byId(`${key}s`).children) set(button, "aria-pressed", String(button.dataset.value === state[key]));
  }
  const isPass = state.mode !== "paths";
  byId("player").hidden = !isPass;
  if (isPass) {
    const last = steps().length - 1;
    byId("scrub").max = last;
    byId("scrub").value = state.step;
    byId("step").value = `${state.step + 1} / ${last + 1}`;
    byId("play").classList.toggle("playing", Boolean(state.playing));
  }
  const { target } = graph();
  byId("summary").textContent = `${names.line(target)} = ${shortNumber(names.data[target])}; ${counted(graph().nodes.length, "node")}, ${counted(graph().edges.length, "edge")}`;
  showLegend();
}

function showLegend() {
  const isShare = state.mode === "paths" && state.node !== null;
  const width = isShare ? "share of the gradient" : "size of the local derivative";
  const sign = (kind, text) => span("key", sample(kind, 2.5), text);
  byId("legend").replaceChildren(...[
    sign("positive", isShare ? "adds to the gradient" : "positive"), sign("negative", isShare ? "takes away (dashed)" : "negative (dashed)"),
    state.mode !== "paths" ? null : span("key", sample("zero", 1), sample("zero", 3), sample("zero", 5), width),
    isShare ? span("key", html("b", { class: "number" }, "0.12"), " local derivative") : null,
  ].filter(Boolean));
}

function sample(kind, width) {
  const frame = svg("svg", { class: `sample line ${kind} lit`, viewBox: "0 0 24 8", "aria-hidden": "true" });
  frame.append(svg("path", { class: "stroke", d: "M1 4H23", "stroke-width": width }));
  return frame;
}

function nextTheme() {
  state.theme = themes[(themes.indexOf(state.theme) + 1) % themes.length];
  document.documentElement.dataset.theme = state.theme;
  byId("theme").title = `Colours: ${state.theme} (t)`;
}

function listen() {
  for (const key of ["mode", "show", "view"]) {
    for (const button of byId(`${key}s`).children) {
      const { value } = button.dataset;
      if (!choices[key].includes(value)) {
        button.disabled = true;
        button.title = page.missing[value];
      }
      on(button, "click", () => update({ [key]: value }));
    }
  }
  const clicks = {
    theme: nextTheme, help: keys["?"], close: () => byId("keys").close(), play: togglePlay,
    begin: keys.Home, back: keys[","], next: keys["."], closer: keys["+"], farther: keys["-"], whole: keys[0],
  };
  for (const [id, act] of Object.entries(clicks)) on(byId(id), "click", act);
  on(byId("scrub"), "input", (event) => goToStep(Number(event.target.value)));
  on(window, "hashchange", followLink);
  new ResizeObserver(() => {
    panelWidth = byId("panel").clientWidth; // read here, since reading it makes the browser lay out the page
    picture.fit(state.node);
  }).observe(byId("picture"));
}

function begin() {
  const notes = [...page.notes];
  if (!page.backward) notes.unshift("No backward pass yet: .grad is empty, the gradients here are sums over paths.");
  byId("notes").replaceChildren(...notes.map((note) => html("p", {}, note)));
  showView();
  listen();
  const selected = page.selected !== null && graph().has(page.selected) ? page.selected : null;
  update({ node: selected, ...fromLink() });
  picture.fit(state.node);
}

begin();
