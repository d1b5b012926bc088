// Whole arrays in the picture: their squares, what is framed under the pointer, and the panel of an array.

const HEAT = 0.5; // how strongly the largest number tints its square: ink is read on it
const SHAPE = 11.5; // the size of the shape below an array, on the stage that Python placed it for
const TERMS = 6; // of a sum, in the note on a number

// ---------------------------------------------------------------- squares

class Squares {
  // one: the mark; cells: its squares row by row, and the whole.
  constructor(picture, one, mark) {
    Object.assign(this, { picture, one, mark });
    this.whole = picture.addCell({ node: one.main, place: "array", mark }, "array");
    this.whole.name = picture.drawName(one.main, "array");
    this.whole.shape = svg("text", { class: "shape" }, one.words);
    this.whole.border = svg("rect", { class: "border" });
    this.whole.group.append(this.whole.border, this.whole.name.text, this.whole.shape);
    this.cells = one.squares.flatMap((row, i) => row.map((square, j) => {
      const numbers = Array.isArray(square) ? square.map(decoded) : null;
      const cell = picture.addCell({ node: numbers ? -1 : square, place: "square", mark, row: i, column: j, numbers, whole: this.whole }, "square");
      cell.ground = svg("rect", { class: "heat" });
      cell.data = svg("text", { class: "data" });
      cell.group.append(cell.ground, cell.data);
      return cell;
    }));
    one.group.append(this.whole.group, ...this.cells.map((cell) => cell.group));
  }

  get size() {
    return [this.one.squares[0].length, this.one.squares.length];
  }

  place() {
    const { picture, whole } = this;
    const side = this.side = this.one.side * Math.min(...picture.by);
    const [width, height] = this.size.map((n) => n * side);
    const [left, top] = [-width / 2, -height / 2];
    const name = Math.max(picture.least, 17 * Math.min(...picture.by));
    const small = Math.max(picture.least, SHAPE * Math.min(...picture.by));
    picture.sizeName(whole, name);
    set(whole.name.text, "y", top - 0.4 * name);
    set(whole.shape, "font-size", small);
    set(whole.shape, "y", top + height + 1.3 * small);
    for (const [key, value] of Object.entries({ x: left, y: top, width, height })) set(whole.border, key, value);
    for (const cell of this.cells) {
      [cell.x, cell.y] = [left + cell.column * side, top + cell.row * side];
      for (const [key, value] of Object.entries({ x: cell.x, y: cell.y, width: side, height: side })) set(cell.ground, key, value);
      set(cell.data, "x", cell.x + side / 2);
    }
  }

  // Every square is tinted by its number, as strong as that is among them; where there is room it stands there.
  fill(numberOf) {
    const numbers = this.cells.map(numberOf);
    const most = largestOf(numbers) || 1;
    const least = this.picture.least;
    // Where texts are much larger than the picture it would stand on the next name; the panel has it too.
    set(this.whole.shape, "display", SHAPE * Math.min(...this.picture.by) < 0.7 * least ? "none" : "inline");
    const size = (texts) => Math.min(0.32 * this.side, (0.84 * this.side) / Math.max(...texts.map(widthOf)));
    let texts = numbers.map((x) => shortNumber(x));
    if (size(texts) < least) texts = numbers.map((x) => shortNumber(x, 2)); // all digits are in the note
    const room = size(texts);
    const hasRoom = room >= least;
    this.cells.forEach((cell, k) => {
      const share = Number.isFinite(numbers[k]) ? Math.abs(numbers[k]) / most : Number(!Number.isNaN(numbers[k]));
      set(cell.ground, "class", `heat ${signOf(numbers[k])}`);
      set(cell.ground, "fill-opacity", (HEAT * share).toFixed(3));
      put(cell.data, hasRoom ? texts[k] : "");
      set(cell.data, "font-size", room.toFixed(1));
      set(cell.data, "y", (cell.y + this.side / 2 + 0.36 * room).toFixed(1));
    });
  }

  // A frame around those squares whose nodes are among these: one if they are a block, a row or a column.
  frames(nodes) {
    const found = this.cells.filter(({ node }) => nodes.has(node));
    if (!found.length) return [];
    const [rows, columns] = [found.map(({ row }) => row), found.map(({ column }) => column)];
    const [i, j] = [Math.min(...rows), Math.min(...columns)];
    const [height, width] = [Math.max(...rows) - i + 1, Math.max(...columns) - j + 1];
    const blocks = height * width === found.length ? [[i, j, height, width]] : found.map(({ row, column }) => [row, column, 1, 1]);
    const [x, y] = [this.one.at[0] - (this.size[0] * this.side) / 2, this.one.at[1] - (this.size[1] * this.side) / 2];
    return blocks.map(([row, column, down, across]) => svg("rect", {
      class: "frame", x: x + column * this.side, y: y + row * this.side, width: across * this.side, height: down * this.side,
    }));
  }
}

// What a number of a square tells by its tint.
function squareNumber({ node, numbers }) {
  const isGrad = state.show === "grad";
  if (numbers) return (isGrad ? numbers[1] : numbers[0]) ?? NaN;
  if (moves) return graph().weigh(state.node).nodes.has(node) ? moves(node) : 0;
  return (isGrad ? gradOf(node) : names.data[node]) ?? NaN;
}

// ---------------------------------------------------------------- a number under the pointer

// What is multiplied and added up to a number, or for a leaf to its gradient: a row of one array, a column of another.
function around(v) {
  const near = new Set([v]);
  const operands = graph().operands.get(v) ?? [];
  for (const e of operands) near.add(e.operand);
  if (operands.length) return near;
  for (const e of graph().users.get(v) ?? []) {
    near.add(e.result);
    for (const [, other] of e.formula.matchAll(/\{(\d+)\}/g)) near.add(Number(other));
  }
  return near;
}

function numberNote(v) {
  const { target } = graph();
  const rows = [html("section", {}, html("div", { class: "main" }, formula(names.math(v)), equals(), signed(names.data[v])))];
  const definition = graph().definition.get(v);
  if (isCompound(definition ?? "")) {
    rows[0].append(paragraph(formula(names.formula(definition))), paragraph(equals(), " ", formula(names.formula(definition, once))));
  }
  const users = graph().users.get(v) ?? [];
  if (users.length) {
    const shown = users.slice(0, TERMS).map((e) => html("li", {}, formula(names.ratio(target, e.result), operator("·"), names.ratio(e.result, v)),
      " = ", signed(graph().gradients().get(e.result) ?? 0), " · ", signed(e.derivative)));
    rows.push(html("section", {}, html("div", { class: "main" }, formula(names.ratio(target, v)), equals(), signed(graph().gradients().get(v) ?? 0)),
      users.length > 1 ? paragraph(`${counted(users.length, "product")} that add up:`) : null,
      html("ul", {}, ...shown, users.length > TERMS ? html("li", {}, `and ${users.length - TERMS} more`) : null)));
  }
  return rows;
}

// ---------------------------------------------------------------- an array in the panel

const matrixFormula = (template) => formula(names.formula(template));
const gradientName = (v) => mathml("mrow", mathml("mi", "d"), names.math(v));

function arrayLine(v, what, left) {
  const right = page.arrays[v]?.[what];
  return right ? html("div", { class: "matrix" }, formula(left), equals(), matrixFormula(right)) : null;
}

// The chain in matrices: from the target down to the array, each step as the notes of a course write it.
function arrayPanel() {
  const { node } = state;
  const { target } = graph();
  const way = [...graph().weigh(node).nodes].filter((v) => v !== target).reverse();
  const steps = way.map((v) => [v, arrayLine(v, "step", gradientName(v))]).filter(([, made]) => made);
  const cards = steps.map(([v, made]) => {
    const one = html("article", { class: v === node ? "card step pinned" : "card step", tabindex: "0" }, made);
    on(one, "click", () => select(v));
    on(one, "keydown", (event) => event.key === "Enter" && select(v));
    return one;
  });
  const isMean = way.some((v) => page.arrays[v]?.factor);
  const definitions = [target, ...way].filter((v) => graph().operands.get(v).length).map((v) => arrayLine(v, "definition", names.math(v))).filter(Boolean);
  return [
    html("div", { class: "heading" }, span("large", formula(names.ratio(target, node))),
      span("quiet", `an array of shape ${page.arrays[node].shape}`)),
    cards.length ? html("h3", {}, "The chain in matrices") : quiet("The result itself: every gradient begins here."),
    isMean ? quiet("The 1/m of the mean stands in the derivatives by the parameters.") : null,
    ...cards,
    ...(definitions.length ? [html("h3", {}, "How they were computed"), ...definitions] : []),
    program || page.views.named ? quiet("Click a number of it: its paths through single numbers are written out.") : null,
  ];
}

function arraysOverview() {
  const rows = graphs.arrays.nodes.map((v) => {
    const row = html("tr", { tabindex: "0" }, html("th", { scope: "row" }, formula(names.math(v))),
      html("td", { class: "number" }, page.arrays[v].shape), html("td", { class: "wide" }, arrayLine(v, "step", gradientName(v)) ?? ""));
    on(row, "click", () => select(v));
    on(row, "keydown", (event) => event.key === "Enter" && select(v));
    return row;
  });
  return [html("h3", {}, "Arrays"), html("table", { class: "leaves arrays" },
    html("thead", {}, headOf("array", "shape", "derivative")), html("tbody", {}, ...rows))];
}

// The note on a line between arrays: what of the gradient goes back on it.
function arrayNote({ arrow }) {
  const e = graphs.arrays.edges[arrow];
  return html("section", {}, paragraph(formula(gradientName(e.operand)), " gets "), html("div", { class: "main" }, formula(names.formula(e.formula))));
}
