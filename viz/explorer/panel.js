// The panel beside the picture: leaves and their gradients, the cards of paths, the steps of a pass.
// Everything here makes elements from what it is given; it changes nothing and remembers nothing.

const quiet = (...children) => html("p", { class: "quiet" }, ...children);
const paragraph = (...children) => html("p", {}, ...children);
const line = (...children) => html("div", { class: "row" }, ...children);
const headOf = (...texts) => html("tr", {}, ...texts.map((text) => html("th", { scope: "col" }, text)));
const equals = () => span("equals", "=");

// ---------------------------------------------------------------- when nothing is selected

function overview({ names, leaves, select, gradientOf }) {
  const largest = largestOf(leaves.map(gradientOf));
  const rows = leaves.slice(0, 40).map((v) => {
    const gradient = gradientOf(v);
    const row = html("tr", { tabindex: "0" },
      html("th", { scope: "row" }, formula(names.math(v))),
      html("td", { class: "number" }, shortNumber(names.data[v])),
      html("td", { class: "wide" }, bar(gradient, largest)),
      html("td", {}, signed(gradient)));
    on(row, "click", () => select(v));
    on(row, "keydown", (event) => event.key === "Enter" && select(v));
    return row;
  });
  const head = headOf("leaf", "data", "", "gradient");
  return [
    html("h2", {}, "Where does each gradient come from?"),
    quiet("Select a node: every path to it lights up and is written out. Point at an edge for its local derivative."),
    html("h3", {}, "Leaves, the largest gradient first"),
    html("table", { class: "leaves" }, html("thead", {}, head), html("tbody", {}, ...rows)),
    leaves.length > rows.length ? quiet(`and ${leaves.length - rows.length} more`) : null,
  ];
}

// A bar from the middle to the right for a positive number, to the left for a negative one.
function bar(x, largest) {
  const share = largest && Number.isFinite(x) ? Math.min(1, Math.abs(x) / largest) : 0;
  const length = share ? Math.max(0.6, 50 * share) : 0;
  const inner = svg("rect", { class: signOf(x), x: x < 0 ? 50 - length : 50, width: length, y: 0, height: 6, rx: 1 });
  const frame = svg("svg", { class: "bar", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" });
  frame.append(svg("rect", { class: "rail", width: 100, height: 6, rx: 1 }), inner);
  return frame;
}

// ---------------------------------------------------------------- the paths to a node

function heading(names, target, node, gradient) {
  return html("div", { class: "heading" },
    span("large", formula(names.ratio(target, node))),
    equals(),
    html("strong", { class: "large" }, signed(gradient, shortNumber(gradient))));
}

function card({ names, path, number, share, strongest, isAlone, hover, pin }) {
  const chain = [path.edges[0].result, ...path.edges.map((e) => e.operand)];
  const button = html("button", { class: "badge", title: number < 10 ? `Pin (${number})` : "Pin" }, String(number));
  on(button, "click", pin);
  const made = html("article", { class: "card path", tabindex: "0", "aria-label": `path ${number}` },
    html("div", { class: "top" },
      button,
      span("chain", chainOf(names, chain)),
      isAlone ? null : span("share", percent(share))),
    factorsOf(names, path),
    html("div", { class: "row product" }, equals(), strong(signed(path.value)), bar(path.value, strongest)));
  for (const [type, is] of [["pointerenter", true], ["pointerleave", false], ["focus", true], ["blur", false]]) {
    on(made, type, () => hover(is));
  }
  return made;
}

function chainOf(names, nodes) {
  const shown = nodes.length > 14 ? [...nodes.slice(0, 8), null, ...nodes.slice(-5)] : nodes;
  const parts = shown.flatMap((v, i) => [i ? operator("→") : null, v === null ? operator("…") : names.math(v)]);
  return formula(...parts);
}

// The factors of a path, each with what stands above its number: the ratio, its formula, the formula with numbers.
function factorsOf(names, path) {
  const { edges } = path;
  const shown = edges.length > 25 ? [...edges.slice(0, 16), null, ...edges.slice(-8)] : edges;
  const hasFigures = shown.some((e) => e && isCompound(e.formula));
  return html("div", { class: "factors" }, ...shown.map((e, i) => {
    if (!e) return html("div", {}, span("ratio", "…"), span("factor", "…"));
    const number = shortNumber(e.derivative);
    const figures = isCompound(e.formula) ? formula(names.formula(e.formula, { numbers: true })) : "\u00a0";
    return html("div", {},
      i ? span("sign ratio", "·") : null,
      span("ratio", formula(names.ratio(e.result, e.operand))),
      span("symbols", e.formula === `<mn>${number}</mn>` ? "" : formula(names.formula(e.formula))),
      hasFigures ? span("figures", figures) : null,
      i ? span("sign factor", "×") : null,
      span("factor", signed(e.derivative, number.startsWith("−") ? `(${number})` : number)));
  }));
}

// The sum beside the gradient that the reverse pass left in the node.
function summary({ name, paths, count, gradient, grad, strength, wasBackward }) {
  const listed = paths.reduce((sum, path) => sum + path.value, 0);
  const isAll = BigInt(paths.length) === count;
  const row = (what, number, kind = "") => [html("dt", {}, what), html("dd", { class: kind }, number)];
  const sums = isAll ? row(`sum of ${counted(count, "path")}`, longNumber(listed)) : [
    ...row(`sum of the ${paths.length} strongest`, longNumber(listed)),
    ...row(`the other ${counted(count - BigInt(paths.length), "path")}`, longNumber(gradient - listed)),
    ...row("all together", longNumber(gradient)),
  ];
  const list = html("dl", {}, ...sums, ...row(`${name}.grad`, grad === null ? "none" : longNumber(grad), "grad"));
  const said = verdict(isAll ? listed : gradient, grad, strength, wasBackward);
  return html("section", { class: "sum" }, list, paragraph(said));
}

function verdict(sum, grad, strength, wasBackward) {
  if (grad === null && wasBackward) return "Cleared since the last backward pass.";
  if (grad === null) return "No backward pass yet: backward() fills in .grad.";
  if (grad === sum || (Number.isNaN(grad) && Number.isNaN(sum))) return "✓ equal to the last bit";
  const difference = Math.abs(grad - sum);
  if (difference <= 1e-9 * strength) return `✓ equal but for rounding: ${shortNumber(difference)}`;
  return "Not equal: .grad adds up over passes, or belongs to another result.";
}

// ---------------------------------------------------------------- an edge

function edgeNote({ names, edge, inner, share, weight, symbolOf }) {
  const parts = [names.ratio(edge.result, edge.operand)];
  const number = shortNumber(edge.derivative);
  if (edge.formula !== `<mn>${number}</mn>`) parts.push(operator("="), names.formula(edge.formula));
  if (isCompound(edge.formula)) parts.push(operator("="), names.formula(edge.formula, { numbers: true }));
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
    heading(names, target, node, g),
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
        ? html("div", { class: "row figures" }, equals(), formula(names.formula(definition, { numbers: true })))
        : null,
      line(equals(), html("strong", { class: "large" }, shortNumber(names.data[node])))),
    quiet(`Operation: ${symbol}. The local derivatives are kept for the backward pass.`),
    html("table", { class: "leaves" }, html("thead", {}, head), html("tbody", {}, ...rows)),
  ];
}
