// The panel beside the picture: leaves and their gradients, the cards of paths, the steps of a pass.
// Everything here makes elements from what it is given; it changes nothing and remembers nothing. What it shows
// of numbers is read again when they change, by `live`.

const quiet = (...children) => html("p", { class: "quiet" }, ...children);
const paragraph = (...children) => html("p", {}, ...children);
const line = (...children) => html("div", { class: "row" }, ...children);
const headOf = (...texts) => html("tr", {}, ...texts.map((text) => html("th", { scope: "col" }, text)));
const equals = () => span("equals", "=");

// ---------------------------------------------------------------- when nothing is selected

function overview({ extras, names, leaves, select, gradientOf, live, isLive }) {
  const largest = () => largestOf(leaves.map(gradientOf));
  const rows = leaves.slice(0, 40).map((v) => {
    const row = html("tr", { tabindex: "0" },
      html("th", { scope: "row" }, formula(names.math(v))),
      html("td", { class: "number" }, liveText(live, () => shortNumber(names.data[v]))),
      html("td", { class: "wide" }, bar(live, () => gradientOf(v), largest)),
      html("td", {}, liveNumber(live, () => gradientOf(v))));
    on(row, "click", () => select(v));
    on(row, "keydown", (event) => event.key === "Enter" && select(v));
    return row;
  });
  const head = headOf("leaf", "data", "", "gradient");
  return [
    html("h2", {}, "Where does each gradient come from?"),
    quiet("Select a node: every path to it lights up and is written out. Point at an edge for its local derivative."),
    isLive ? quiet("Drag a leaf, or the line of a weight, to the side: its number changes, and with it everything else.") : null,
    ...extras,
    html("h3", {}, "Leaves, the largest gradient first"),
    html("table", { class: "leaves" }, html("thead", {}, head), html("tbody", {}, ...rows)),
    leaves.length > rows.length ? quiet(`and ${leaves.length - rows.length} more`) : null,
  ];
}

// A bar from the middle to the right for a positive number, to the left for a negative one.
function bar(live, read, largest) {
  const inner = svg("rect", { y: 0, height: 6, rx: 1 });
  const frame = svg("svg", { class: "bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" });
  frame.append(svg("rect", { class: "rail", width: 100, height: 6, rx: 1 }), inner);
  live(() => {
    const [x, most] = [read(), largest()];
    const share = most && Number.isFinite(x) ? Math.min(1, Math.abs(x) / most) : 0;
    const length = share ? Math.max(0.6, 50 * share) : 0;
    set(inner, "class", signOf(x));
    set(inner, "x", (x < 0 ? 50 - length : 50).toFixed(2));
    set(inner, "width", length.toFixed(2));
  });
  return frame;
}

// ---------------------------------------------------------------- the paths to a node

function heading(names, target, node, live, gradient) {
  return html("div", { class: "heading" },
    span("large", formula(names.ratio(target, node))),
    equals(),
    html("strong", { class: "large" }, liveNumber(live, gradient)));
}

// A leaf's number to be changed: by a slider, or exactly.
function control({ names, node, range, step, live, change, settle }) {
  const slider = html("input", { type: "range", min: range[0], max: range[1], step, "aria-label": names.line(node) });
  const entry = html("input", { class: "entry", inputmode: "decimal", size: "9", "aria-label": `${names.line(node)}, exactly` });
  live(() => {
    if (document.activeElement !== slider || Number(slider.value) !== names.data[node]) slider.value = names.data[node];
    if (document.activeElement !== entry) entry.value = shortNumber(names.data[node]);
  });
  on(slider, "input", () => change(Number(slider.value)));
  on(slider, "change", settle);
  on(entry, "focus", () => { entry.value = longNumber(names.data[node]); entry.select(); });
  on(entry, "change", () => { if (readNumber(entry.value) !== null) { change(readNumber(entry.value)); settle(); } });
  on(entry, "keydown", (event) => { if (event.key === "Enter" || event.key === "Escape") entry.blur(); });
  return html("label", { class: "control" }, formula(names.math(node)), slider, entry);
}

// A number as people type it; null for what is none.
function readNumber(text) {
  const plain = text.trim().replace(/[−–]/g, "-").replace(",", ".");
  return plain !== "" && Number.isFinite(Number(plain)) ? Number(plain) : null;
}

function card({ names, path, number, share, strongest, isAlone, hover, pin, live }) {
  const chain = [path.edges[0].result, ...path.edges.map((e) => e.operand)];
  const button = html("button", { class: "badge", title: number < 10 ? `Pin (${number})` : "Pin" }, String(number));
  on(button, "click", pin);
  const made = html("article", { class: "card path", tabindex: "0", "aria-label": `path ${number}` },
    html("div", { class: "top" },
      button,
      chainOf(names, chain),
      isAlone ? null : liveText(live, () => percent(share()), span("share"))),
    factorsOf(names, path, live),
    html("div", { class: "row product" },
      bar(live, () => valueOf(path), strongest), html("strong", {}, liveNumber(live, () => valueOf(path)))));
  for (const [type, is] of [["pointerenter", true], ["pointerleave", false], ["focus", true], ["blur", false]]) {
    on(made, type, () => hover(is));
  }
  return made;
}

function chainOf(names, nodes) {
  const shown = nodes.length > 14 ? [...nodes.slice(0, 8), null, ...nodes.slice(-5)] : nodes;
  const last = shown.length - 1;
  const parts = shown.map((v, i) => formula(v === null ? operator("…") : names.math(v), i < last ? operator("→") : null));
  return span("chain", ...parts); // in pieces, so that it can be broken
}

// The factors of a path, a row for each: the ratio, its formula, the formula with numbers, its number.
function factorsOf(names, path, live) {
  const { edges } = path;
  const shown = edges.length > 25 ? [...edges.slice(0, 16), null, ...edges.slice(-8)] : edges;
  return html("div", { class: "factors" }, ...shown.flatMap((e) => {
    if (!e) return [span("ratio", "⋮"), span("meaning", ""), span("factor", "⋮")];
    return [
      span("ratio", formula(names.quotient(e.result, e.operand))),
      meaningOf(names, e, live),
      span("factor", liveNumber(live, () => e.derivative)),
    ];
  }));
}

// What an edge's derivative is: its formula, and the formula with numbers in it.
// It is written anew where another formula holds.
function meaningOf(names, edge, live) {
  const made = span("meaning");
  let [template, figures] = [null, []];
  live(() => {
    if (template !== edge.formula) {
      template = edge.formula;
      figures = [];
      const isNumber = template === OMITTED || template === `<mn>${shortNumber(edge.derivative)}</mn>`;
      const inNumbers = isCompound(template) ? names.formula(template, (write) => { write(); figures.push(write); }) : null;
      made.replaceChildren(
        span("symbols", isNumber ? "" : formula(names.formula(template))), inNumbers && span("figures", formula(inNumbers)) || "");
    }
    for (const write of figures) write();
  });
  return made;
}

// The sum beside what the reverse pass gives and what the difference quotient does.
function summary({ name, isAll, listed, rest, count, whole, backward, difference, verdict, live }) {
  const row = (what, read, kind = "") => [
    html("dt", {}, what), html("dd", { class: kind }, liveText(live, () => { const x = read(); return x === null ? "none" : longNumber(x); }))];
  const sums = isAll ? row(`sum of ${counted(count, "path")}`, listed) : [
    ...row(`sum of the ${rest.listed} strongest`, listed),
    ...row(`the other ${counted(rest.count, "path")}`, () => whole() - listed()),
    ...row("all together", whole),
  ];
  const name_ = html("dt", {});
  live(() => put(name_, backward().isRecorded ? `${name}.grad` : "backward pass"));
  const list = html("dl", {}, ...sums, name_, row("", () => backward().value, "grad")[1],
    ...(difference ? [html("dt", {}, "central difference"), html("dd", {}, liveText(live, () => longNumber(difference().central, 10)))] : []));
  return html("section", { class: isAll ? "sum whole" : "sum" }, list, liveText(live, verdict, html("p", {})));
}

function verdict({ sum, backward, strength, wasBackward, differences, why }) {
  const { value: grad, isRecorded } = backward;
  if (grad === null && wasBackward) return "Cleared since the last backward pass.";
  if (grad === null) return "No backward pass yet: backward() fills in .grad.";
  const isBit = grad === sum || (Number.isNaN(grad) && Number.isNaN(sum));
  if (!isBit && !(Math.abs(grad - sum) <= 1e-9 * strength)) {
    return isRecorded ? `Not equal: ${why}.` : "Not equal.";
  }
  if (Number.isFinite(grad) && Number.isFinite(differences?.central)) {
    const { central, left, right, rounding } = differences;
    const tolerance = 1e-5 * Math.max(strength, Math.abs(central)) + rounding;
    if (!(Math.abs(central - grad) <= tolerance)) {
      if (Math.abs(left - right) > tolerance) return "✓ paths and pass equal; the difference quotient sees a kink";
      return "Paths and pass equal; the difference quotient is not.";
    }
  }
  return isBit ? "✓ equal to the last bit" : `✓ equal but for rounding: ${shortNumber(Math.abs(grad - sum))}`;
}

// ---------------------------------------------------------------- an edge

function edgeNote({ names, edge, inner, share, weight, symbolOf }) {
  const parts = [names.ratio(edge.result, edge.operand)];
  const number = shortNumber(edge.derivative);
  if (edge.formula !== `<mn>${number}</mn>`) parts.push(operator("="), names.formula(edge.formula));
  if (isCompound(edge.formula)) parts.push(operator("="), names.formula(edge.formula, once));
  const rows = [html("div", { class: "main" }, formula(...parts), equals(), signed(edge.derivative))];
  if (weight) rows.push(paragraph(weight));
  if (share) rows.push(paragraph(share));
  if (inner.length > 1) {
    rows.push(paragraph(`Contracted from ${inner.length} local derivatives:`));
    const shown = inner.slice(0, 8).map((e) => html("li", {},
      html("b", {}, symbolOf(e.result)), " ",
      formula(names.ratio(e.result, e.operand)), " = ",
      signed(e.derivative)));
    rows.push(html("ul", {}, ...shown, inner.length > 8 ? html("li", {}, `and ${inner.length - 8} more`) : null));
  } else if (edge.via) {
    rows.push(paragraph(`Contracted from the operations ${edge.via.split(" ").join(" , ")}`));
  } else {
    rows.push(paragraph(`One operation: ${symbolOf(edge.result)}`));
  }
  return rows;
}

const once = (write) => write();

// ---------------------------------------------------------------- the passes, step by step

function backwardPanel({ names, graph, step, pass }) {
  const { target } = graph;
  const { all, now: node } = pass;
  const g = pass.known.get(node).value;
  const cards = pass.changes.map(({ edge, before, after, reports }) => {
    const waiting = graph.users.get(edge.operand).length - reports;
    return html("article", { class: "card" },
      line(formula(
        names.ratio(target, edge.operand), operator("+="),
        names.ratio(target, node), operator("·"), names.ratio(node, edge.operand))),
      line(
        equals(), signed(g), " × ", signed(edge.derivative),
        span("equals", " = "), strong(signed(g * edge.derivative))),
      quiet(
        signed(before), " → ", strong(signed(after)),
        waiting ? ` · waiting for ${counted(waiting, "more use")}: ` : " · complete",
        waiting ? awaited(names, graph, edge.operand, pass) : null));
  });
  const uses = graph.users.get(node).length;
  return [
    html("h2", {}, `Step ${step + 1} of ${all.length}: `, formula(names.math(node)), " passes its gradient back"),
    heading(names, target, node, once, () => g),
    quiet(uses
      ? `Complete: ${counted(uses, "use")} added to it. Each operand receives this times the local derivative.`
      : "The pass begins here: the result changes as fast as itself."),
    ...cards,
  ];
}

// Who has not yet passed its gradient on to a node.
function awaited(names, graph, operand, { past, now }) {
  const left = [...new Set(graph.users.get(operand).map((e) => e.result))].filter((v) => v !== now && !past.has(v));
  const shown = left.slice(0, 4).flatMap((v, i) => [i ? operator(",") : null, names.math(v)]);
  return formula(...shown, left.length > 4 ? operator("…") : null);
}

function forwardPanel({ names, graph, step, pass: { all, now: node }, symbol }) {
  const definition = graph.definition.get(node);
  const operands = graph.operands.get(node);
  const rows = operands.map((e) => html("tr", {},
    html("th", { scope: "row" }, formula(names.math(e.operand))),
    html("td", { class: "number" }, shortNumber(names.data[e.operand])),
    html("td", { class: "wide quiet" }, formula(names.ratio(node, e.operand))),
    html("td", {}, signed(e.derivative))));
  const head = headOf("from", "data", "local derivative", "");
  return [
    html("h2", {}, `Step ${step + 1} of ${all.length}: `, formula(names.math(node)), " is computed"),
    html("article", { class: "card definition" },
      line(formula(names.math(node), operator("="), names.formula(definition))),
      isCompound(definition)
        ? html("div", { class: "row figures" }, equals(), formula(names.formula(definition, once)))
        : null,
      line(equals(), html("strong", { class: "large" }, shortNumber(names.data[node])))),
    quiet(`Operation: ${symbol}. The local derivatives are kept for the backward pass.`),
    html("table", { class: "leaves" }, html("thead", {}, head), html("tbody", {}, ...rows)),
  ];
}
