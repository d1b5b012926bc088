// The page: what is selected, which mode and view, and how keys, buttons and pointers change that.
// Every change goes through update(), which shows the state as it then is.

const FIRST_CARDS = 12;
const STEP_TIME = 1100; // milliseconds between the steps of a pass that plays

const page = JSON.parse(document.getElementById("data").textContent);
significant = page.digits;
const names = new Names(page.nodes);
const grads = page.nodes.grad.map(decoded);
const kinds = (v) => page.nodes.kinds[page.nodes.kind[v]] ?? "constant";
const isArray = (v) => v !== null && /array/.test(kinds(v)); // a whole one, of a page of Tensors; see matrices.js
const symbolOf = (v) => page.nodes.symbol[v];
const graphs = {};
for (const [name, data] of Object.entries(page.graphs)) graphs[name] = graphs[data] ?? new Graph(data); // or the name of another
const byId = (id) => document.getElementById(id);
const choices = {
  mode: ["paths", "nudge", "backward", "forward"],
  show: ["data", "grad", "both"],
  view: ["named", "op", "neurons", "matrices"].filter((name) => name in page.views),
};
if (page.arrays && page.views.matrices.graph === "arrays") choices.mode.length = 1; // no number has a node of its own
const themes = ["system", "light", "dark"];

const state = {
  view: page.first, mode: "paths", show: "both", theme: document.documentElement.dataset.theme ?? "system",
  node: null, shown: FIRST_CARDS, pinned: null, hovered: null, // whose paths are shown, how many, which of them alone
  step: 0, playing: null, // of a pass
  nudge: 0.1, rate: 0.1, // how far a nudge goes, and of descent
  cell: null, line: null, // under the keyboard or the pointer
};
let ranking = null; // the paths to the selected node, as far as they were asked for
let moves = null; // how far each node is moved by a nudge
let pass = null; // the pass at this step: all its nodes, the one of this step, and what is known by then
let again = []; // what is written again when numbers change: in the panel, and in its cards
let againInCards = [];
const live = (write) => { write(); again.push(write); };
const liveInCards = (write) => { write(); againInCards.push(write); };
const picture = new Picture(byId("picture"), names, kinds, page.sizes, { click, hover, describeLine, symbolOf, grab, canChange, lineClass: (line) => lineClass(line), cellClass: (v) => cellClass(v) });

const isPass = () => state.mode === "backward" || state.mode === "forward";
const graph = () => fresh(graphs[isArray(state.node) ? "arrays" : page.views[state.view].graph]);
const shownGraph = () => fresh(graphs[page.views[state.view].graph]); // whose edges lines stand for
const countSteps = () => interior(graph()).length;

// ---------------------------------------------------------------- changing the state

function update(changes = {}) {
  const before = { ...state };
  Object.assign(state, changes);
  if (!choices.mode.includes(state.mode)) state.mode = "paths";
  if (isArray(state.node) && (state.mode !== "paths" || state.view !== "matrices")) state.node = null;
  const isOther = (...keys) => keys.some((key) => state[key] !== before[key]);
  if (isOther("view")) showView(before.view);
  if (isOther("view", "node") && program) for (const forget of forgetters) forget();
  if (isOther("view", "node")) {
    ranking = null;
    Object.assign(state, { shown: FIRST_CARDS, pinned: null, hovered: null });
  }
  if (isOther("mode", "view")) {
    state.step = Math.min(isOther("mode") ? 0 : state.step, countSteps() - 1);
    stop();
  }
  if (isOther("node") && !isPass()) remember();
  if (isOther("node", "view", "mode", "step")) byId("panel").scrollTop = 0;
  pass = isPass() ? passAt(state.step) : null;
  hideTip();
  showControls();
  light();
  if (pass && isOther("mode", "step")) picture.reveal(pass.now);
  if (!isOther("hovered", "pinned", "cell", "line") || isOther("node", "view", "mode")) showPanel();
  markPinned();
  showSentence();
  if (isOther("node", "view")) for (const show of followers) show();
}

function select(node) {
  update({ node, mode: state.mode === "nudge" && node !== null && !isArray(node) ? "nudge" : "paths" });
}

// The numbers have changed and what is shown has not: they are written where they stand.
function showNumbers() {
  if (isPass()) {
    pass = passAt(state.step);
    showPanel();
  }
  light();
  showSummary();
  showSentence();
  for (const show of followers) show();
  for (const write of again) write();
  for (const write of againInCards) write();
}

// And when they stay so for a while, paths are ranked by them.
function showSettled() {
  showNumbers();
  if (state.mode === "paths" && state.node !== null) {
    const before = paths();
    ranking = null;
    if (byId("cards") && paths().some((path, i) => !isSamePath(path, before[i]))) showCards();
    light();
  }
  picture.placeLabels();
  for (const show of followers) show();
  showControls();
}

const isSamePath = (one, other) => one.edges.length === other?.edges.length && one.edges.every((e, i) => e === other.edges[i]);

function selectFromAfar(node) {
  select(node);
  picture.reveal(node);
}

// Selected stays the node that was; where this view does not have it, the next of its users that there is.
function showView(before) {
  picture.draw(page.views[state.view], graph());
  while (state.node !== null && !graph().has(state.node)) {
    state.node = graphs[page.views[before].graph].users.get(state.node)[0]?.result ?? null;
  }
  state.cell = null;
  if (before !== undefined) picture.fit(state.node);
}

// The address tells what is selected and which leaves have other numbers than on record: #w[1]_11&x_1=2.
function remember() {
  const parts = [state.node === null ? "" : escaped(names.link(state.node))];
  if (isChanged) {
    for (const v of page.nodes.name.keys()) {
      if (canChange(v) && !isOfSample(v) && !Object.is(names.data[v], recorded.data[v])) parts.push(`${escaped(names.link(v))}=${names.data[v]}`);
    }
  }
  for (const more of linkParts) parts.push(...more());
  try {
    history.replaceState(null, "", `#${parts.join("&")}`);
  } catch { /* a page inside another has no address of its own */ }
}

const escaped = (name) => name.replace(/[%&=]/g, encodeURIComponent);

function unescaped(text) {
  try { return decodeURIComponent(text); } catch { return text; /* a stray % is part of the name */ }
}

function nodeCalled(wanted, nodes) {
  if (!wanted) return undefined;
  const spellings = [wanted, wanted.replace(",", "")]; // w[1]_1,1 is w[1]_11 in a small layer
  return nodes.find((v) => spellings.includes(names.link(v)) || spellings.includes(names.line(v)));
}

function fromLink() {
  const hash = location.hash.slice(1);
  const [selected, ...changes] = hash.split("&");
  const nodeIn = (name) => {
    const nodes = [...graphs[page.views[name].graph].nodes, ...(name === "matrices" ? graphs.arrays.nodes : [])];
    return nodeCalled(unescaped(selected), nodes) ?? nodeCalled(unescaped(hash), nodes);
  };
  const view = [state.view, ...choices.view].find((name) => nodeIn(name) !== undefined);
  return { found: view && { view, node: nodeIn(view) }, changes: changes.map((part) => part.split("=").map(unescaped)) };
}

function openLink(otherwise = null) {
  const { found, changes } = fromLink();
  if (program) {
    restoreNumbers();
    for (const [name, text] of changes) {
      const v = nodeCalled(name, [...page.nodes.name.keys()]);
      const x = readNumber(text ?? "");
      if (v !== undefined && canChange(v) && x !== null) program.values[slotOf(v)] = x;
    }
    follow();
    for (const [name, text] of changes) {
      if (nodeCalled(name, [...page.nodes.name.keys()]) === undefined) linkReaders[name]?.(text ?? "");
    }
    isSettled = true;
  }
  ranking = null;
  update({ node: otherwise, ...found, mode: "paths" });
  showPanel();
}

function followLink() {
  openLink();
  picture.reveal(state.node);
}

// ---------------------------------------------------------------- what is lit

function light() {
  const isIdle = veil || (!pass && state.node === null);
  moves = state.mode === "nudge" && state.node !== null && program ? nudge() : null;
  const { nodes, edges } = pass ? passLights() : isIdle ? idleLights() : pathLights();
  picture.fill(veil ? veiledNumbers : numbersOn);
  if (veil) for (const [k, one] of edges) edges.set(k, { ...one, sign: 0, width: 1.5 });
  picture.light({ nodes, edges, isIdle, ofArrays: isArray(state.node), label: (line) => labelOf(line, edges, isIdle) });
}

function pathLights() {
  const weighed = graph().weigh(state.node);
  if (isArray(state.node)) {
    return {
      nodes: new Map([...[...weighed.nodes, page.target].map((v) => [v, "lit"]), [state.node, "lit selected"]]),
      edges: new Map([...weighed.flow.keys()].map((k) => [k, { sign: 0, width: 3 }])),
    };
  }
  const alone = paths()[state.hovered ?? state.pinned];
  const nodes = new Map();
  const edges = new Map();
  if (alone) {
    for (const e of alone.edges) {
      edges.set(e.k, { sign: valueOf(alone), width: 4 });
      nodes.set(e.result, "lit").set(e.operand, "lit");
    }
  } else {
    const largest = largestOf([...weighed.flow.values()]);
    for (const v of weighed.nodes) nodes.set(v, "lit");
    for (const [k, flow] of weighed.flow) {
      const share = Number.isFinite(flow) ? Math.abs(flow) / (largest || 1) : 1;
      edges.set(k, { sign: flow, width: 1.3 + 4.7 * share });
    }
  }
  nodes.set(state.node, "lit selected");
  return { nodes, edges };
}

function idleLights() {
  const edges = new Map(graph().edges.map((e) => {
    const size = Math.abs(e.derivative);
    return [e.k, { sign: e.derivative, width: 0.9 + 1.6 * (Number.isFinite(size) ? size / (1 + size) : 1) }];
  }));
  return { nodes: new Map(), edges };
}

function passLights() {
  const { now } = pass;
  const nodes = new Map([...pass.known.keys()].map((v) => [v, "lit past"]));
  const edges = new Map();
  for (const e of graph().edges) {
    if (e.result === now) edges.set(e.k, { sign: e.derivative, width: 3 });
    else if (pass.past.has(e.result)) edges.set(e.k, { sign: e.derivative, width: 1, isPast: true });
  }
  for (const e of graph().operands.get(now)) nodes.set(e.operand, "lit");
  nodes.set(now, "lit selected");
  return { nodes, edges };
}

function passAt(step) {
  const all = interior(graph());
  if (state.mode === "backward") all.reverse();
  const made = { all, now: all[step], past: new Set(all.slice(0, step)) };
  if (state.mode === "backward") return { ...made, ...backwardState(graph(), all, step) };
  const later = new Set(all.slice(step + 1));
  return { ...made, known: new Set(graph().nodes.filter((v) => !later.has(v))) };
}

function labelOf(line, edges, isIdle) {
  if (line.arrow !== null || isArray(state.node) || (veil && line.node === undefined)) return null;
  const shown = line.edges.filter((k) => edges.has(k) && !edges.get(k).isPast);
  if (!shown.length || (isIdle && picture.lines.length > LABELLED)) return null;
  if (line.node !== undefined) { // a line between units has the number of its weight
    const by = moves && line.node === state.node ? withSign(state.nudge) : "";
    return { text: shortNumber(names.data[line.node]) + (by && ` ${by[0]} ${by.slice(1)}`), sign: names.data[line.node] };
  }
  const widest = (a, b) => (edges.get(b).width > edges.get(a).width ? b : a);
  const edge = graph().edges[isIdle ? shown.at(-1) : shown.reduce(widest)];
  return { text: shortNumber(edge.derivative), sign: edge.derivative, quiet: isIdle };
}

// A node that the backward pass did not reach, as below a relu that is off, has none in .grad, which is 0.
function gradOf(v) {
  if (isChanged) return grads[v];
  return grads[v] ?? (page.backward && (graph().gradients().get(v) ?? 0) === 0 ? 0 : null);
}

// In an exercise: what is given, and what the reader has found.
function veiledNumbers(v) {
  const of = (what) => veil.gaps.find((gap) => gap.node === v && gap.of === what);
  const said = (gap) => (answers.has(gap) ? answers.get(gap) : "?");
  return { data: of("data") ? said(of("data")) : shortNumber(names.data[v]), grad: of("grad") ? said(of("grad")) : "", gradSign: "zero" };
}

// What stands on a node: its numbers, or those it has at this step of a pass.
function numbersOn(v) {
  if (moves) {
    const isMoved = graph().weigh(state.node).nodes.has(v);
    return { data: shortNumber(names.data[v]), grad: isMoved ? withSign(moves(v)) : "", gradSign: signOf(isMoved ? moves(v) : 0) };
  }
  const data = names.data[v];
  const grad = state.mode === "backward" ? pass.known.get(v)?.value : gradOf(v);
  const isComputed = state.mode !== "forward" || pass.known.has(v);
  const shows = (what) => state.show === what || state.show === "both";
  const known = { data: isComputed ? shortNumber(data) : "·", grad: grad === undefined ? "·" : shortNumber(grad) };
  if (state.mode === "forward") known.grad = shows("data") ? "" : "·";
  else if (!shows("grad")) known.grad = "";
  if (!shows("data")) known.data = "";
  return { ...known, gradSign: signOf(grad ?? 0) };
}

// ---------------------------------------------------------------- the panel

function paths() {
  ranking ??= new Ranking(graph(), state.node);
  return ranking.strongest(state.shown);
}

function showPanel() {
  again = [];
  againInCards = [];
  byId("panel").replaceChildren(...panelOf().filter(Boolean));
}

function markPinned() {
  document.querySelectorAll("#panel .path").forEach((made, i) => {
    made.classList.toggle("pinned", i === state.pinned);
    made.querySelector(".badge").setAttribute("aria-pressed", String(i === state.pinned));
  });
}

function panelOf() {
  if (veil) return exercisePanel();
  if (state.mode === "nudge") return nudgePanel();
  if (!pass) return state.node === null ? overviewPanel() : isArray(state.node) ? arrayPanel() : pathsPanel();
  const seen = { names, graph: graph(), step: state.step, pass };
  return state.mode === "backward" ? backwardPanel(seen) : forwardPanel({ ...seen, symbol: symbolOf(pass.now) });
}

function overviewPanel() {
  if (page.views[state.view].graph === "arrays") return [html("h2", {}, "Where does each gradient come from?"), quiet("Select an array: the chain to it is written out."), ...arraysOverview()];
  const gradientOf = (v) => (isChanged ? grads[v] : grads[v] ?? graph().gradients().get(v) ?? 0);
  const size = (v) => (Number.isNaN(gradientOf(v)) ? Infinity : Math.abs(gradientOf(v)));
  const isGiven = (v) => Number(kinds(v).includes("given")); // inputs and targets come last
  const leaves = graph().nodes.filter((v) => !graph().operands.get(v).length)
    .sort((a, b) => isGiven(a) - isGiven(b) || size(b) - size(a) || a - b);
  const extras = overviewExtras.flatMap((make) => make());
  if (state.view === "matrices") extras.push(...arraysOverview());
  return overview({ extras, names, leaves, select: selectFromAfar, gradientOf, live, isLive: program !== null });
}

const gradient = () => graph().weigh(state.node).gradient;

function pathsPanel() {
  const { node } = state;
  const { target } = graph();
  const weighed = graph().weigh(node);
  const count = html("span", { id: "count", "data-count": weighed.count.toString() }, counted(weighed.count, "path"));
  const intro = [
    heading(names, target, node, live, gradient),
    quiet("data ", liveText(live, () => shortNumber(names.data[node])), " · ", count, ` from ${names.text(target)}`),
  ];
  if (node === target) {
    return [...intro, quiet("The result itself: every path begins here. Select what it was computed from.")];
  }
  const cards = html("div", { id: "cards" });
  showCards(cards);
  return [...intro, canChange(node) ? controlOf(node) : null, cards, summaryOf()];
}

function controlOf(node) {
  const middle = Number.isFinite(recorded.data[node]) ? recorded.data[node] : 0;
  const reach = Math.max(2, 2 * Math.abs(middle), 1.2 * Math.abs(names.data[node] - middle) || 0);
  return control({
    names, node, live, range: [middle - reach, middle + reach], step: unitOf(node),
    change: (x) => change(node, x), settle,
  });
}

function showCards(where = byId("cards")) {
  againInCards = [];
  const weighed = graph().weigh(state.node);
  const listed = paths();
  let strongest = 0; // once for all cards
  liveInCards(() => { strongest = largestOf(listed.map(valueOf)); });
  const strength = () => graph().weigh(state.node).strength;
  const cards = listed.map((path, i) => card({
    names, path, live: liveInCards, strongest: () => strongest, number: i + 1, isAlone: weighed.count === 1n,
    share: () => (strength() ? Math.abs(valueOf(path)) / strength() : 0),
    hover: (is) => update({ hovered: is ? i : null }), pin: () => pin(i),
  }));
  const left = weighed.count - BigInt(listed.length);
  if (left > 0n) {
    const next = bigNumber(left < 12n ? left : 12n);
    const more = html("button", { id: "more" }, `Show ${next} more of the other ${bigNumber(left)}`);
    on(more, "click", morePaths);
    cards.push(more);
  }
  where.replaceChildren(...cards);
  markPinned();
}

function summaryOf() {
  const { node } = state;
  const { count } = graph().weigh(node);
  const listed = () => paths().reduce((sum, path) => sum + valueOf(path), 0);
  const isAll = BigInt(paths().length) === count;
  const backward = () => ({ value: gradOf(node), isRecorded: !isChanged });
  let differences = null; // computed once for each state of the numbers
  if (program) live(() => { differences = program.differences(slotOf(node)); });
  return summary({
    name: names.text(node), isAll, listed, count, whole: gradient, backward, live,
    rest: { listed: paths().length, count: count - BigInt(paths().length) },
    difference: program && (() => differences),
    verdict: () => verdict({
      sum: isAll ? listed() : gradient(), backward: backward(), differences, why: page.unequal.replace("{target}", names.text(page.target)),
      strength: graph().weigh(node).strength, wasBackward: page.backward && !isChanged,
    }),
  });
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
  return line.edges.map((k) => shownGraph().edges[k]);
}

function describeLine(line) {
  if (line.arrow !== null) return `from ${names.line(graphs.arrays.edges[line.arrow].operand)} to ${names.line(graphs.arrays.edges[line.arrow].result)}`;
  const describe = (e) => `∂${names.line(e.result)}/∂${names.line(e.operand)}${veil ? "" : ` = ${shortNumber(e.derivative)}`}`;
  return edgesOn(line).map(describe).join(", ");
}

function showTip(line, at) {
  if (veil) return;
  if (line.arrow !== null) return placeTip([arrayNote(line)], at ?? picture.onStage(middleOf(line)));
  const weighed = !isPass() && state.node !== null ? graph().weigh(state.node) : null;
  const isNamed = page.views[state.view].graph === "named" && graphs.op;
  const notes = edgesOn(line).slice(0, 4).map((edge) => {
    const flow = weighed?.flow.get(edge.k);
    const w = edge.operand;
    const isWeight = line.edges.length > 1 && kinds(w).startsWith("leaf");
    return html("section", {}, ...edgeNote({
      names, edge, symbolOf,
      inner: isNamed ? fresh(graphs.op).between(edge.result, w, (v) => !graph().has(v)) : [],
      share: flow === undefined ? null : `carries ${shortNumber(flow)} of ${shortNumber(weighed.gradient)}`,
      weight: isWeight ? `${names.text(w)} = ${shortNumber(names.data[w])}, grad ${shortNumber(gradOf(w))}` : null,
    }));
  });
  return placeTip(notes, at ?? picture.onStage(middleOf(line)));
}

function placeTip(notes, [x, y]) {
  const tip = byId("tip");
  tip.replaceChildren(...notes);
  tip.hidden = false;
  const stage = byId("picture");
  const fitsBelow = y + 20 + tip.offsetHeight <= stage.clientHeight;
  tip.style.left = `${Math.max(8, Math.min(x + 16, stage.clientWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${Math.max(8, fitsBelow ? y + 18 : y - tip.offsetHeight - 14)}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}

// ---------------------------------------------------------------- pointers

function click({ cell, line }, event) {
  if (cell?.numbers && !/constant/.test(cell.whole.kind)) return click({ cell: cell.whole }, event);
  if (cell && !/constant/.test(cell.kind)) {
    goTo(cell);
    select(cell.node);
  } else if (line?.touch && line.arrow !== null) {
    select(graphs.arrays.edges[line.arrow].operand);
  } else if (line?.edges.length) {
    if (event.pointerType === "touch" || line.edges.length === 1) showTip(line);
    else selectLine(line);
  } else if (!isPass()) select(null);
}

// A line between neurons stands for its weight.
function selectLine(line) {
  if (line.node !== undefined) {
    select(line.node);
    return;
  }
  const operands = edgesOn(line).map((e) => e.operand);
  select(operands.find((v) => kinds(v) === "leaf") ?? operands[0]);
}

function hover({ cell, line }, event, at) {
  state.line = line ?? null;
  const v = picture.arrays.length && cell && cell.node >= 0 && !isArray(cell.node) && !isArray(state.node) && !isPass() ? cell.node : null;
  picture.frame(v === null ? null : around(v));
  if (v !== null && cell.place === "square" && !cell.group.classList.contains("grabbed")) placeTip(numberNote(v), event.type === "focusin" ? picture.onStage(picture.middleOfCell(cell)) : at);
  else if (line?.touch) showTip(line, event.type === "focusin" ? undefined : at);
  else hideTip();
}

// ---------------------------------------------------------------- keys

function goTo(cell) {
  state.cell = cell;
  picture.mark(cell);
}

function move(direction) {
  const cells = picture.cells.filter((cell) => !/constant/.test(cell.kind));
  const from = state.cell ?? picture.cellsOf.get(state.node)?.[0];
  const to = from ? neighbour(from, direction, cells) : picture.cellsOf.get(graph().target)[0];
  if (!to) return;
  goTo(to);
  picture.reveal(to.node);
  to.group.focus({ preventScroll: true });
}

// Left and right follow edges; up and down, and where there is no edge, the nearest cell that way.
function neighbour(from, direction, cells) {
  let linked = [];
  const around = isArray(from.node) ? graphs.arrays : graph();
  if (direction === "ArrowLeft") linked = (around.operands.get(from.node) ?? []).map((e) => e.operand);
  if (direction === "ArrowRight") linked = (around.users.get(from.node) ?? []).map((e) => e.result);
  const isVertical = direction === "ArrowUp" || direction === "ArrowDown";
  const sign = direction === "ArrowLeft" || direction === "ArrowUp" ? -1 : 1;
  const middle = (cell) => picture.middleOfCell(cell);
  const [x, y] = middle(from);
  const away = (cell) => {
    const [u, v] = middle(cell);
    const [along, across] = isVertical ? [(v - y) * sign, Math.abs(u - x)] : [(u - x) * sign, Math.abs(v - y)];
    return along > 1 ? along + 4 * across : Infinity;
  };
  const nearest = (some) => {
    const there = some.map((cell) => [away(cell), cell]).filter(([d]) => d < Infinity);
    return there.sort(([a], [b]) => a - b)[0]?.[1];
  };
  return nearest(cells.filter((cell) => linked.includes(cell.node))) ?? nearest(cells);
}

function nextEdge(by) {
  const node = state.cell?.node ?? state.node ?? graph().target;
  const around = picture.lines.filter((line) => edgesOn(line).some((e) => e.result === node || e.operand === node));
  if (!around.length) return;
  const line = around.at((around.indexOf(state.line) + by) % around.length);
  line.group.focus({ preventScroll: true });
  state.line = line;
  showTip(line);
}

const following = (list, now) => list[(list.indexOf(now) + 1) % list.length];
const cycle = (key) => update({ [key]: following(choices[key], state[key]) });

function selectMarked() {
  if (state.line && document.activeElement === state.line.group) selectLine(state.line);
  else if (state.cell) select(state.cell.node);
}

const keys = {
  r: resetNumbers,
  s: saveSvg,
  S: savePng,
  "\\": togglePresent,
  Enter: selectMarked,
  Escape: () => (byId("tip").hidden ? select(null) : hideTip()),
  e: () => nextEdge(1),
  E: () => nextEdge(-1),
  m: morePaths,
  p: () => update({ mode: "paths" }),
  u: () => update({ mode: "nudge" }),
  n: () => { takeStep(); settle(); },
  b: () => update({ mode: "backward" }),
  f: () => update({ mode: "forward" }),
  " ": () => togglePlay(),
  ",": () => goToStep(state.step - 1),
  ".": () => goToStep(state.step + 1),
  Home: () => goToStep(0),
  End: () => goToStep(countSteps() - 1),
  d: () => cycle("show"),
  v: () => cycle("view"),
  t: nextTheme,
  "+": () => picture.zoom(1.25),
  "=": () => picture.zoom(1.25),
  "-": () => picture.zoom(0.8),
  0: () => picture.fit(state.node, !picture.isWhole),
  "?": () => byId("keys").showModal(),
};
for (const key of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]) keys[key] = () => move(key);
for (let i = 0; i < 9; i += 1) keys[i + 1] = () => pin(i);

on(document, "keydown", (event) => {
  if (event.ctrlKey || event.metaKey || byId("keys").open) return;
  if (nudgeKey(event)) event.preventDefault();
  if (event.defaultPrevented || (event.altKey && !event.key.startsWith("Arrow"))) return;
  if (event.target.matches(".entry") || event.target.closest("#divider")) return;
  if (event.target.closest("button, input, tr") && ["Enter", " "].includes(event.key)) return;
  if (event.target.matches("input") && /^(Arrow|Home|End)/.test(event.key)) return;
  if (event.target.closest("#panel") && event.key.startsWith("Arrow")) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
on(document, "keyup", (event) => { if (/^(Arrow|Page)/.test(event.key) && !event.target.matches("input")) settle(); });

// ---------------------------------------------------------------- playing a pass

function goToStep(step) {
  if (isPass()) update({ step: Math.min(Math.max(step, 0), countSteps() - 1) });
}

function togglePlay() {
  if (!isPass()) {
    if (program) toggleDescent();
    return;
  }
  if (state.playing) stop();
  else {
    if (state.step === countSteps() - 1) goToStep(0);
    const isOver = () => state.step === countSteps() - 1;
    state.playing = setInterval(() => (isOver() ? stop() : goToStep(state.step + 1)), STEP_TIME);
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
    for (const button of byId(`${key}s`).children) {
      set(button, "aria-pressed", String(button.dataset.value === state[key]));
    }
  }
  byId("player").hidden = !isPass();
  if (isPass()) {
    const last = countSteps() - 1;
    byId("scrub").max = last;
    byId("scrub").value = state.step;
    byId("step").value = `${state.step + 1} / ${last + 1}`;
    set(byId("play"), "aria-pressed", String(Boolean(state.playing)));
  }
  byId("reset").hidden = !isChanged;
  showSummary();
  showLegend();
}

function showSummary() {
  const { nodes, edges } = graph();
  const what = graph() === graphs.arrays ? "array" : "node";
  const size = `${counted(nodes.length, what)}, ${counted(edges.length, "edge")}`;
  const told = veil || Number.isNaN(names.data[page.target]) ? "" : `${names.text(page.target)} = ${shortNumber(names.data[page.target])}; `;
  put(byId("summary"), told + size);
}

function showLegend() {
  const isShare = !isPass() && state.node !== null;
  const width = isShare ? "share of the gradient" : "size of the local derivative";
  const sign = (kind, text) => span("key", sample(kind, 2.5), text);
  if (state.view === "matrices") {
    const tint = (kind, text) => span("key", svg("svg", { class: "sample", viewBox: "0 0 24 8" }, svg("rect", { class: kind, width: 24, height: 8, "fill-opacity": HEAT })), text);
    byId("legend").replaceChildren(tint("positive", "positive"), tint("negative", "negative"),
      span("key", `the stronger, the larger in its array${page.blocks ? "; a square is the largest number of a block" : ""}`));
    return;
  }
  byId("legend").replaceChildren(...[
    sign("positive", isShare ? "adds to the gradient" : "positive"),
    sign("negative", isShare ? "takes away (dashed)" : "negative (dashed)"),
    !isPass() ? span("key", sample("zero", 1), sample("zero", 3), sample("zero", 5), width) : null,
    isShare ? span("key", html("b", { class: "number" }, "0.12"), " local derivative") : null,
  ].filter(Boolean));
}

function sample(kind, width) {
  const frame = svg("svg", { class: `sample line ${kind} lit`, viewBox: "0 0 24 8", "aria-hidden": "true" });
  frame.append(svg("path", { class: "stroke", d: "M1 4H23", "stroke-width": width }));
  return frame;
}

// The picture alone, for a room: the panel is put away, what it says of the selected node is one line.
function togglePresent() {
  const isPresent = document.body.classList.toggle("present");
  set(byId("present"), "aria-pressed", String(isPresent));
  showSentence();
}

function showSentence() {
  const { node } = state;
  const sentence = byId("sentence");
  sentence.hidden = veil || node === null || state.mode !== "paths" || node === graph().target;
  if (sentence.hidden || !document.body.classList.contains("present")) return;
  const listed = paths().slice(0, 4).map(valueOf);
  const terms = listed.map((x, i) => span("", i || x < 0 ? (x < 0 ? " − " : " + ") : "", signed(x, shortNumber(Math.abs(x)))));
  const isAll = BigInt(listed.length) === graph().weigh(node).count;
  sentence.replaceChildren(
    formula(names.ratio(graph().target, node)), equals(), strong(signed(gradient())),
    ...(listed.length > 1 ? [equals(), ...terms, isAll ? "" : " + …"] : []));
}

// The border between picture and panel, moved by pointer and keys; on a phone it is the upper edge of a sheet. Without
// a width, or a height, of its own the panel has that of the style sheet.
function listenToDivider() {
  const divider = byId("divider");
  const main = document.querySelector("main");
  const isSheet = () => getComputedStyle(main).display === "flex";
  const place = (length) => {
    const [whole, least, most] = isSheet() ? [main.clientHeight, 22, 0.88 * main.clientHeight] : [innerWidth, 260, innerWidth - 320];
    const fits = Math.round(Math.min(Math.max(length, least), most));
    main.style.setProperty(isSheet() ? "--sheet" : "--panel", `${fits}px`);
    set(divider, "aria-orientation", isSheet() ? "horizontal" : "vertical");
    set(divider, "aria-valuenow", String(Math.round((100 * fits) / whole)));
  };
  on(divider, "pointerdown", (event) => {
    event.preventDefault();
    divider.setPointerCapture(event.pointerId);
    divider.onpointermove = ({ clientX, clientY }) => place(isSheet() ? main.getBoundingClientRect().bottom - clientY + 11 : innerWidth - clientX);
  });
  on(divider, "lostpointercapture", () => { divider.onpointermove = null; });
  on(divider, "dblclick", () => ["--panel", "--sheet"].forEach((name) => main.style.removeProperty(name)));
  on(divider, "keydown", (event) => {
    const by = (isSheet() ? { ArrowUp: 24, ArrowDown: -24 } : { ArrowLeft: 24, ArrowRight: -24 })[event.key];
    if (!by) return;
    event.preventDefault();
    place(isSheet() ? byId("panel").offsetHeight + 22 + by : byId("panel").offsetWidth + by);
  });
}

function nextTheme() {
  state.theme = following(themes, state.theme);
  document.documentElement.dataset.theme = state.theme;
  byId("theme").title = `Colours: ${state.theme} (t)`;
}

function listen() {
  for (const key of ["mode", "show", "view"]) {
    for (const button of byId(`${key}s`).children) {
      const { value } = button.dataset;
      button.hidden = value === "matrices" && !page.arrays;
      if (button.hidden) continue;
      if (!choices[key].includes(value)) {
        button.disabled = true;
        button.title = page.missing[value] ?? page.missing.named ?? "";
      }
      on(button, "click", () => update({ [key]: value }));
    }
  }
  const clicks = {
    theme: nextTheme, help: keys["?"], close: () => byId("keys").close(), play: togglePlay,
    reset: resetNumbers, svg: saveSvg, png: savePng, present: togglePresent, leave: togglePresent, begin: keys.Home, back: keys[","], next: keys["."], closer: keys["+"], farther: keys["-"], whole: keys[0],
  };
  for (const [id, act] of Object.entries(clicks)) on(byId(id), "click", act);
  on(byId("scrub"), "input", (event) => goToStep(Number(event.target.value)));
  on(window, "hashchange", followLink);
  listenToDivider();
  listenToDescent();
  on(byId("picture"), "dblclick", ({ target }) => {
    const cell = target.closest?.("[data-cell]");
    const line = target.closest?.("[data-line]");
    const v = cell ? picture.cells[cell.dataset.cell].node : picture.lines[line?.dataset.line]?.node;
    if (v !== undefined && canChange(v)) openEntry(v);
  });
  new ResizeObserver(() => picture.fit(state.node)).observe(byId("picture"));
  on(window, "beforeprint", () => picture.print(true));
  on(window, "afterprint", () => picture.print(false));
}

function begin() {
  const stale = beginProgram();
  const notes = [...page.notes];
  if (stale) notes.push(`The numbers of this page cannot be changed: ${stale}.`);
  if (!page.backward) notes.unshift("No backward pass yet: .grad is empty, the gradients here are sums over paths.");
  byId("notes").replaceChildren(...notes.map((note) => html("p", {}, note)));
  if (page.marking || page.exercise) beginCheck();
  showView();
  picture.fit(null);
  listen();
  const isThere = page.selected !== null && (isArray(page.selected) ? graphs.arrays : graph()).has(page.selected);
  const selected = isThere ? page.selected : null;
  if (page.samples) beginSamples();
  if (location.hash.length > 1) openLink(selected);
  else update({ node: selected });
  picture.fit(state.node);
}

begin();
