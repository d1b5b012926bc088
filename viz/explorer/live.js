// Numbers that are changed in the page: by dragging, keys, digits, a slider or an exact entry; and what follows.

const REST = 350; // milliseconds without a change after which the new numbers are said aloud

// The numbers as Python recorded them. They are shown, to the last bit, until one of the leaves is another.
let recorded = null;
let program = null;
let edgesOf = new Map(); // graph -> how its derivatives are read off the program
let isChanged = false;
let isSettled = true; // false while a number is being dragged
let frame = 0;
const [linkParts, linkReaders] = [[], {}]; // what else a link says, and how it is read
let [lineClass, cellClass, veil] = [() => "", () => "", null]; // of pages with verdicts; an exercise whose numbers are hidden
let isOfSample = () => false; // whether a leaf has the number of a sample
const [followers, forgetters, restorers, overviewExtras] = [[], [], [], []]; // of pages with samples: what is shown with the numbers
let rest = 0;

// ---------------------------------------------------------------- the program, if it proves itself

// What keeps the page from computing; null if it computes what was recorded.
function beginProgram() {
  recorded = {
    data: [...names.data], grads: [...grads],
    derivatives: Object.values(graphs).map((graph) => graph.edges.map((e) => e.derivative)),
  };
  if (!page.program) return null;
  const made = new Program(page.program, names.data);
  const calls = (v) => `${names.line(v)} (${symbolOf(v)})`;
  const other = made.firstOther(names.data);
  const [found, was] = [made.values[made.slotOf[other]], names.data[other]];
  if (other !== undefined) return `computed again, ${calls(other)} is ${shortNumber(found)}, and ${shortNumber(was)} on record`;
  const readers = new Map(Object.values(graphs).map((graph) => [graph, new Edges(made, graph)]));
  for (const [graph, reader] of readers) {
    reader.read();
    const wrong = graph.edges.find((e) => !isSame(e.derivative, recordedDerivative(graph, e), 1e-3));
    restoreDerivatives(graph);
    if (wrong) return `computed again, a local derivative of ${calls(wrong.result)} is not the one on record`;
  }
  [program, edgesOf] = [made, readers];
  return null;
}

const recordedDerivative = (graph, e) => recorded.derivatives[Object.values(graphs).indexOf(graph)][e.k];

function restoreDerivatives(graph) {
  for (const e of graph.edges) e.derivative = recordedDerivative(graph, e);
}

const slotOf = (v) => program.slotOf[v];

function canChange(v) {
  return program !== null && v !== null && kinds(v).startsWith("leaf") && !isArray(v);
}

// The current graph with the derivatives that belong to the numbers of now.
function fresh(graph) {
  if (graph.isStale) {
    if (isChanged) edgesOf.get(graph).read();
    else restoreDerivatives(graph);
    graph.isStale = false;
    chooseFormulas(graph);
    graph.weighed.clear();
    graph.received = null;
  }
  return graph;
}

// A formula is that of the piece that holds. It is left out where that piece is not among those that are known, and
// where it has the number of a leaf without a name that is another now.
function chooseFormulas(graph) {
  const isOther = (slot) => !Object.is(program.values[slot], program.recorded[slot]);
  for (const { v, loose, pieces, held: was } of edgesOf.get(graph).watched) {
    const isLost = loose.some(isOther);
    const held = pieces.map((s) => program.pieceOf(s)).join(" ");
    const others = isLost || held === was ? null : graph.pieces[v]?.[held];
    graph.operands.get(v).forEach((e, i) => { e.formula = isLost ? OMITTED : held === was ? e.written : others?.[i] ?? OMITTED; });
    graph.definition.set(v, isLost ? OMITTED : graph.written.get(v));
  }
}

// ---------------------------------------------------------------- a change, and what follows

function change(v, x) {
  if (!Number.isFinite(x)) return;
  program.values[slotOf(v)] = x;
  follow();
}

// All numbers of the page from those of the leaves.
function follow() {
  program.run();
  for (const forget of forgetters) forget();
  isChanged = program.values.subarray(0, program.first).some((x, slot) => !Object.is(x, program.recorded[slot]));
  names.data.forEach((_, v) => {
    if (slotOf(v) < 0) return;
    names.data[v] = isChanged ? program.values[slotOf(v)] : recorded.data[v];
    grads[v] = isChanged ? program.grads[slotOf(v)] : recorded.grads[v];
  });
  for (const graph of Object.values(graphs)) graph.isStale = true;
  isSettled = false;
  frame ||= requestAnimationFrame(() => { frame = 0; showNumbers(); });
  clearTimeout(rest);
  rest = setTimeout(announce, REST);
}

// A drag has ended, a key was let go: the paths are ranked again, the address tells the new numbers.
function settle() {
  if (isSettled) return;
  isSettled = true;
  cancelAnimationFrame(frame);
  frame = 0;
  showSettled();
  remember();
}

function restoreNumbers() {
  program.restore();
  for (const forget of restorers) forget();
}

function resetNumbers() {
  if (!program || !isChanged) return;
  restoreNumbers();
  follow();
  forgetDescent();
}

function announce() {
  const { node } = state;
  const told = [];
  if (node !== null) told.push(`${names.line(node)} ${shortNumber(names.data[node])}`);
  told.push(`${names.line(graph().target)} ${shortNumber(names.data[graph().target])}`);
  if (node !== null) told.push(`gradient ${shortNumber(graph().weigh(node).gradient)}`);
  byId("said").textContent = told.join(", ");
}

// ---------------------------------------------------------------- how far a number moves

// One pixel, or one press of a key, changes a hundredth of the leading digit of the number that was recorded.
function unitOf(v) {
  const x = Math.abs(recorded.data[v]);
  return (x && Number.isFinite(x) ? 10 ** Math.floor(Math.log10(x)) : 1) / 100;
}

function moved(v, from, units) {
  const grain = unitOf(v) / 10;
  return Number((Math.round((from + units * unitOf(v)) / grain) * grain).toPrecision(12));
}

const pace = (event) => (event.shiftKey ? 10 : 1) * (event.altKey ? 0.1 : 1);

// What is dragged by a pointer that went down on a cell or a line: { move, end }, or null.
function grab({ cell, line }) {
  const v = cell ? cell.node : line?.node;
  if (v === undefined || !canChange(v)) return null;
  let [x, isMoved, waiting] = [names.data[v], false, 0];
  return {
    move(dx, event, isClick) {
      waiting += dx;
      if (isClick) return;
      if (!isMoved) select(v);
      isMoved = true;
      x += waiting * pace(event) * unitOf(v);
      waiting = 0;
      change(v, moved(v, x, 0));
    },
    end: () => isMoved && settle(),
  };
}

// The number that has the keyboard, if it can be changed.
function held() {
  const group = document.activeElement?.closest?.('[role="spinbutton"]');
  if (!group) return null;
  const v = group.dataset.cell !== undefined ? picture.cells[group.dataset.cell].node : picture.lines[group.dataset.line].node;
  return v !== undefined && canChange(v) ? v : null;
}

function nudgeKey(event) {
  const v = held();
  const units = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
  if (v === null || event.altKey) return false;
  if (units) {
    if (state.node !== v || isPass()) select(v);
    change(v, moved(v, names.data[v], units * (event.shiftKey ? 10 : 1)));
    return true;
  }
  if (/^[0-9.,-]$/.test(event.key)) {
    openEntry(v, event.key);
    return true;
  }
  return false;
}

// ---------------------------------------------------------------- an exact number, where it stands

function openEntry(v, text) {
  const focus = document.activeElement;
  const entry = byId("entry");
  const field = entry.querySelector("input");
  entry.querySelector("span").replaceChildren(formula(names.math(v)));
  field.value = text ?? longNumber(names.data[v]);
  set(field, "aria-label", names.line(v));
  entry.hidden = false;
  const [x, y] = picture.onStage(picture.whereIs(v) ?? [0, 0]);
  const stage = byId("picture");
  entry.style.left = `${Math.max(4, Math.min(x - entry.offsetWidth / 2, stage.clientWidth - entry.offsetWidth - 4))}px`;
  entry.style.top = `${Math.max(4, Math.min(y - entry.offsetHeight / 2, stage.clientHeight - entry.offsetHeight - 4))}px`;
  field.focus();
  if (text === undefined) field.select();
  field.onkeydown = (event) => {
    event.stopPropagation();
    if (event.key === "Escape") field.value = "";
    if (event.key === "Enter" || event.key === "Escape") focus.focus({ preventScroll: true });
  };
  field.onblur = () => {
    entry.hidden = true;
    const x = readNumber(field.value);
    if (x === null) return;
    select(v);
    change(v, x);
    settle();
  };
}
