// The picture: marks for nodes, lines for edges, numbers on lines; zooming and panning. Where everything stands was
// decided in Python, for a stage of one size; here it is stretched to the stage there is.
// What is lit is decided elsewhere and told to light(); clicks and hovers are reported to `on`.

const LABELLED = 60; // with more lines to label than that only the one under the pointer is
const MANY = 200; // with so many lines colours change at once
const CLOSEST = 6; // the largest scale
const [LEAST, TINY, SMALL, READABLE] = [6, 12, 18, 24]; // radii in pixels: of a whole picture; for a name; for all texts; of one shown in part
const PHONE = [480, 14]; // on a stage narrower than that a picture of smaller radii is shown in part
const PAPER = [1000, 560]; // the stage on paper
const BESIDE = 6; // pixels between lines that join the same marks
const TEXT = 9; // pixels; no text is smaller

class Picture {
  // sizes: of the texts, where they stand in and beside a mark and how long they may be, in radii
  constructor(stage, names, kinds, sizes, on) {
    Object.assign(this, { stage, names, kinds, sizes, on });
    this.world = svg("g");
    stage.append(this.world);
    this.scale = 1;
    this.origin = [0, 0];
    this.listenToPointers();
  }

  // ------------------------------------------------------------ drawing

  draw(view, graph) {
    Object.assign(this, { view, graph });
    this.cells = [];
    this.cellsOf = new Map();
    this.lit = null;
    this.labelled = [];
    this.lines = view.lines.map(([edges, start, end, weight, label, ...way], i) => ({
      i, start, end, label, way, node: weight < 0 ? undefined : weight, text: null,
      ...(Array.isArray(edges[0]) ? { edges: edges[0], arrow: edges[1] } : { edges, arrow: null }), // arrow: between arrays
    }));
    this.spreadParallels();
    this.marks = view.marks.map(([x, y, main, ...rest]) => (rest.length > 2
      ? { x, y, main, side: rest[0], words: rest[1], squares: rest[2] } : { x, y, main, above: rest[0], below: rest[1] }));
    this.arrays = [];
    const layers = ["lines", "labels", "marks", "frames"].map((name) => svg("g", { class: name }));
    layers[0].append(...this.lines.map((line) => this.drawLine(line)));
    layers[2].append(...this.marks.map((one, i) => this.drawMark(one, i)));
    [, this.labels, , this.frames] = layers;
    this.world.replaceChildren(...layers);
    this.stage.classList.toggle("few", this.lines.length < MANY);
    if (this.size?.[0]) this.stretch();
  }

  spreadParallels() {
    const beside = new Map();
    for (const line of this.lines) {
      const ends = `${line.start} ${line.end}`;
      beside.set(ends, [...(beside.get(ends) ?? []), line]);
    }
    for (const some of beside.values()) some.forEach((line, i) => { line.shift = (i - (some.length - 1) / 2) * BESIDE; });
  }

  drawLine(line) {
    line.shape = svg("path", { class: "stroke" });
    line.group = svg("g", { class: "line", "data-line": line.i }, line.shape);
    line.weight = this.on.canChange(line.node ?? null) ? line.node : null;
    if (line.edges.length || line.arrow >= 0 && line.arrow !== null) {
      line.touch = svg("path", { class: "touch" });
      line.group.append(line.touch);
      set(line.group, "tabindex", "-1");
      this.makeControl(line.group, line.weight);
    }
    return line.group;
  }

  // A number that can be changed is a control with a value, anything else a button.
  makeControl(group, v) {
    const isNumber = this.on.canChange(v);
    set(group, "role", isNumber ? "spinbutton" : "button");
    group.classList.toggle("changeable", isNumber);
  }

  tellValue(group, v) {
    set(group, "aria-valuenow", String(this.names.data[v]));
    set(group, "aria-valuetext", `${this.names.line(v)} ${shortNumber(this.names.data[v])}`);
  }

  drawMark(one, i) {
    one.group = svg("g", { class: "box" });
    if (one.squares) {
      this.arrays.push(new Squares(this, one, i));
      return one.group;
    }
    if (typeof one.main === "string") {
      one.words = svg("text", { class: "rest" }, one.main);
      one.group.append(one.words);
      return one.group;
    }
    for (const [place, node] of [["main", one.main], ["above", one.above], ["below", one.below]]) {
      if (node >= 0) one.group.append(this.drawCell({ node, place, mark: i }));
    }
    return one.group;
  }

  // What stands for a node, or for a number that has none.
  addCell(cell, kind) {
    cell.kind = `${kind} ${this.kinds(cell.node)}`;
    cell.group = svg("g", { class: `cell ${cell.kind}`, "data-cell": this.cells.length });
    if (!/constant/.test(cell.kind)) {
      set(cell.group, "tabindex", "-1");
      this.makeControl(cell.group, cell.node);
    }
    this.cells.push(cell);
    if (!this.cellsOf.has(cell.node)) this.cellsOf.set(cell.node, []);
    this.cellsOf.get(cell.node).push(cell);
    return cell;
  }

  drawCell(cell) {
    const { node, place } = this.addCell(cell, "");
    const { kind } = cell;
    const isConstant = /constant/.test(kind);
    if (place === "main") {
      const shape = /leaf|cut/.test(kind) ? "rect" : "circle";
      cell.shapes = isConstant ? [] : ["ground", "tint"].map((name) => svg(shape, { class: name }));
      cell.name = isConstant ? null : this.drawName(node, kind);
      [cell.data, cell.grad] = ["data", "grad number"].map((name) => svg("text", { class: name }));
      cell.group.append(...[...cell.shapes, cell.name?.text, cell.data, cell.grad].filter(Boolean));
    } else {
      cell.data = svg("tspan", { class: "data" });
      cell.caption = svg("text", { class: "caption" }, svg("tspan", { class: "letter" }, this.names.pieces[node][0]), " ", cell.data);
      cell.group.append(cell.caption);
    }
    if (!isConstant) cell.group.append(svg("title", {}, this.names.text(node)));
    return cell.group;
  }

  // A name with what stands above and below it; of what has none the sign of its operation.
  drawName(node, kind) {
    const isSign = /unnamed/.test(kind) && !/leaf|target/.test(kind);
    const [base, above, below] = isSign ? [this.on.symbolOf(node), "", ""] : this.names.pieces[node];
    const shown = cut(base, 8);
    const parts = [
      svg("tspan", { class: base.length > 2 || isSign ? "" : "letter" }, shown),
      above && svg("tspan", {}, cut(above, 8)), below && svg("tspan", {}, cut(below, 8)),
    ];
    const back = above && below ? -widthOf(cut(above, 8)) : 0;
    const long = widthOf(shown) + 0.66 * Math.max(widthOf(cut(above, 8)), widthOf(cut(below, 8)));
    return { text: svg("text", { class: "name" }, ...parts.filter(Boolean)), parts, back, long };
  }

  // ------------------------------------------------------------ stretching

  // Places by the width and the height of the stage, sizes by the smaller of the two: what was apart stays so.
  stretch() {
    const [width, height] = this.view.size;
    const least = LEAST / this.view.radius;
    const [kx, ky] = [Math.max(this.size[0] / width, least), Math.max(this.size[1] / height, least)];
    this.by = [kx, ky];
    this.whole = [width * kx, height * ky];
    this.radius = this.view.radius * Math.min(kx, ky);
    this.pen = Math.max(1, this.radius / 30); // lines and their dashes grow with the marks
    this.stage.style.setProperty("--pen", this.pen.toFixed(2));
    for (const one of this.marks) this.placeMark(one);
    for (const array of this.arrays) array.place();
    for (const line of this.lines) {
      const ends = [line.start, line.end].map((i) => [this.marks[i].x, this.marks[i].y]);
      const points = line.way.length ? [] : ends;
      for (let i = 0; i < line.way.length; i += 2) points.push([line.way[i], line.way[i + 1]]);
      line.points = points.map((point) => this.stretched(point)).map(([x, y]) => [x, y + line.shift]);
      const path = `M${line.points[0]}${line.points.length > 2 ? "C" : "L"}${line.points.slice(1).join(" ")}`;
      set(line.shape, "d", path);
      if (line.touch) set(line.touch, "d", path);
    }
    this.placeLabels();
  }

  stretched([x, y]) {
    return [x * this.by[0], y * this.by[1]];
  }

  // No text is smaller than TEXT pixels of the screen, whatever the scale.
  get least() {
    return TEXT / this.scale;
  }

  font(what) {
    return Math.max(this.least, this.sizes.fonts[what] * this.radius);
  }

  get isSmall() {
    return this.radius * this.scale < SMALL;
  }

  placeMark(one) {
    one.at = this.stretched([one.x, one.y]);
    set(one.group, "transform", `translate(${one.at})`);
    if (one.words?.nodeType) {
      set(one.words, "font-size", this.font("line"));
      set(one.words, "y", this.font("line") * 0.36);
    }
  }

  placeCell(cell) {
    const r = this.radius;
    if (cell.caption) {
      const size = this.font("small");
      const far = r * this.sizes.caption + 0.6 * size;
      set(cell.caption, "font-size", size);
      set(cell.caption, "y", (cell.place === "above" ? -far : far) + 0.36 * size);
      return;
    }
    for (const shape of cell.shapes) {
      const box = shape.localName === "circle" ? { r } : { x: -r, y: -r, width: 2 * r, height: 2 * r, rx: 0.24 * r };
      for (const [name, value] of Object.entries(box)) set(shape, name, value);
    }
    if (!cell.name) return;
    const [size, room] = this.isSmall ? [0.7, 1.7] : [this.sizes.fonts.name, this.sizes.chords.name]; // alone it has the whole mark
    this.sizeName(cell, Math.max(this.least, Math.min(size * r, (room * r) / cell.name.long)));
  }

  sizeName(cell, size) {
    const [, above, below] = cell.name.parts;
    set(cell.name.text, "font-size", size);
    const script = Math.max(0.66 * size, this.least);
    for (const part of [above, below].filter(Boolean)) set(part, "font-size", script);
    if (above) set(above, "dy", -0.42 * size);
    if (below) set(below, "dy", (above ? 0.66 : 0.24) * size);
    if (below && above) set(below, "dx", cell.name.back * script);
  }

  // The rows of a mark: where its name, its number and its gradient stand, by which of them there are.
  placeRows(cell, isBoth, isOne) {
    const r = this.radius;
    const at = this.sizes.rows[isBoth ? "both" : isOne ? "one" : "none"];
    for (const [what, row] of Object.entries(at)) {
      const text = what === "name" ? cell.name?.text : cell[what];
      if (!text) continue;
      const size = what === "name" ? Number(text.getAttribute("font-size")) : this.fitting(what, text.textContent);
      if (what !== "name") set(text, "font-size", size);
      const middle = this.isSmall || !cell.name ? 0 : row * r;
      set(text, "y", middle + 0.36 * size);
    }
  }

  fitting(what, text) {
    const room = this.sizes.chords[what] * this.radius;
    return Math.max(this.least, Math.min(this.sizes.fonts[what] * this.radius, room / Math.max(widthOf(text), 0.1)));
  }

  // ------------------------------------------------------------ what is shown on it

  // numbers(node) gives { data, grad, gradSign, value } as texts, either of them "" to show one alone.
  fill(numbers) {
    this.numbers = numbers;
    for (const array of this.arrays) array.fill(squareNumber);
    for (const cell of this.cells) {
      if (cell.place === "square" || cell.place === "array") {
        if (cell.place === "square" && cell.node >= 0) this.tellSquare(cell);
        continue;
      }
      const isConstant = /constant/.test(this.kinds(cell.node));
      const shown = isConstant ? { data: shortNumber(this.names.data[cell.node]), grad: "", gradSign: "zero" } : numbers(cell.node);
      const key = `${shown.data} ${shown.grad} ${shown.gradSign} ${this.radius} ${this.scale}`;
      if (this.on.canChange(cell.node)) this.tellValue(cell.group, cell.node);
      if (cell.shapes?.[1]) this.tint(cell.shapes[1], shown.data === "" || document.body.classList.contains("veiled") ? 0 : this.names.data[cell.node]);
      if (cell.shown === key) continue; // to write it again would cost the layout of all texts
      cell.shown = key;
      this.placeCell(cell);
      put(cell.data, shown.data);
      if (cell.grad) {
        set(cell.grad, "class", `grad number ${shown.gradSign}`);
        put(cell.grad, shown.grad);
        this.placeRows(cell, shown.data !== "" && shown.grad !== "", shown.data !== "" || shown.grad !== "");
      }
      const told = [this.names.line(cell.node)];
      told.push(shown.data && `data ${shown.data}`, shown.grad && `gradient ${shown.grad}`);
      if (!isConstant) set(cell.group, "aria-label", told.filter(Boolean).join(", "));
    }
  }

  tellSquare(cell) {
    if (this.on.canChange(cell.node)) this.tellValue(cell.group, cell.node);
    set(cell.group, "aria-label", `${this.names.line(cell.node)}, data ${shortNumber(this.names.data[cell.node])}`);
  }

  // The ground of a mark is tinted by its number.
  tint(shape, x) {
    const share = Number.isFinite(x) ? Math.abs(x) / (1 + Math.abs(x)) : Number(!Number.isNaN(x));
    set(shape, "class", `tint ${signOf(x)}`);
    set(shape, "fill-opacity", (0.22 * share).toFixed(3));
  }

  // nodes: Map node -> class; edges: Map edge -> { width, sign }; label(line) gives the number to write on a line.
  // ofArrays: the edges are those between arrays.
  light({ nodes, edges, isIdle, label, ofArrays }) {
    for (const cell of this.cells) {
      const state = nodes.get(cell.node) ?? (cell.whole && nodes.has(cell.whole.node) ? "whole" : "");
      const isChangeable = this.on.canChange(cell.node) ? "changeable" : "";
      set(cell.group, "class", `cell ${cell.kind} ${isChangeable} ${isIdle ? "" : state || "dim"} ${this.on.cellClass(cell.node)}`);
      if (state.includes("selected")) set(cell.group, "aria-current", "true");
      else cell.group.removeAttribute("aria-current");
    }
    const lit = [];
    for (const line of this.lines) {
      const shown = ofArrays ? edges.get(line.arrow) : this.strongestOf(line, edges, isIdle);
      const state = isIdle ? "idle" : shown ? "lit" : "dim";
      set(line.group, "class", `line ${state} ${signOf(shown?.sign ?? 0)} ${line.weight === null ? "" : "changeable"} ${this.on.lineClass(line)}`);
      set(line.shape, "stroke-width", ((shown?.width ?? 0.8) * (this.pen ?? 1)).toFixed(2));
      if (!line.touch) continue;
      set(line.group, "aria-label", this.on.describeLine(line));
      if (line.weight !== null) this.tellValue(line.group, line.weight);
      if (shown) lit.push(line);
    }
    const isOther = lit.length !== this.lit?.length || lit.some((line, i) => line !== this.lit[i]);
    this.labelOf = label;
    if (isOther) {
      const front = lit.length < this.lines.length ? lit : [];
      this.world.firstChild?.append(...front.map((line) => line.group));
      this.lit = lit;
      this.placeLabels();
    } else if (this.labelled.some((line) => Boolean(label(line)) !== Boolean(line.text))) this.placeLabels();
    else this.writeLabels();
  }

  // What a line shows of the edges it stands for: the one with the widest stroke.
  strongestOf(line, edges, isIdle) {
    if (!line.edges.length || (isIdle && line.arrow !== null)) return isIdle ? { sign: 0, width: 1 } : null;
    if (isIdle) return edges.get(line.edges.at(-1)); // ∂z/∂x, which is the weight
    const found = line.edges.map((k) => edges.get(k)).filter(Boolean);
    return found.reduce((best, one) => (best && best.width >= one.width ? best : one), null);
  }

  // A number on each of the lit lines: where Python has placed it, or else where it covers nothing.
  placeLabels() {
    if (!this.by) return;
    this.labelled = (this.lit ?? []).length <= LABELLED ? this.lit ?? [] : [];
    const [r, font] = [this.radius, this.font("line")];
    const taken = this.marks.map(({ at: [x, y] }) => [x - r, y - r, x + r, y + r]);
    const made = [];
    const frame = ([x, y], text) => [x - (widthOf(text) * font) / 2 - 3, y - 0.6 * font, x + (widthOf(text) * font) / 2 + 3, y + 0.6 * font];
    const waiting = [];
    for (const line of this.labelled) {
      line.text = null;
      const shown = this.labelOf(line);
      if (!shown) continue;
      if (line.label && !line.shift && !this.isSmall) this.writeAt(line, this.stretched(line.label), frame, shown.text, taken, made);
      else waiting.push([line, shown]);
    }
    for (const [line, { text }] of waiting) {
      const spot = spotFor(line.points, (at) => frame(at, text), taken);
      if (spot) this.writeAt(line, spot, frame, text, taken, made);
    }
    this.writeLabels();
    this.labels.replaceChildren(...made);
  }

  writeAt(line, at, frame, text, taken, made) {
    taken.push(frame(at, text));
    const font = this.font("line");
    line.text = svg("text", { x: at[0], y: at[1] + 0.36 * font, "font-size": font, "stroke-width": 0.76 * font });
    made.push(line.text);
  }

  writeLabels() {
    for (const line of this.labelled) {
      const shown = line.text && this.labelOf(line);
      if (!shown) continue;
      put(line.text, shown.text);
      set(line.text, "class", `label ${line.node === undefined ? `number ${signOf(shown.sign)}` : "weight"}`);
    }
  }

  mark(cell) {
    this.marked?.group.classList.remove("marked");
    this.marked = cell;
    cell?.group.classList.add("marked");
  }

  // Frames around the squares of these nodes.
  frame(nodes) {
    this.frames?.replaceChildren(...(nodes ? this.arrays.flatMap((array) => array.frames(nodes)) : []));
  }

  // ------------------------------------------------------------ zooming and panning

  // All of it; or, at first, if that were too small to read, the part around a node or the target.
  fit(node, isWhole) {
    if (this.isOnPaper) return;
    // In a frame that is not shown there is no room yet; when there is, it fits again.
    const size = [this.stage.clientWidth || 800, this.stage.clientHeight || 600];
    this.size = size;
    this.stretch();
    const shares = [1, size[0] / this.whole[0], size[1] / this.whole[1]];
    const whole = Math.min(...shares.map((x) => (x > 0.999 ? 1 : x))); // but for rounding
    const isPart = whole < 1 || (!this.arrays.length && size[0] < PHONE[0] && this.radius < PHONE[1]);
    this.smallest = whole * 0.6;
    this.scale = isPart && !isWhole ? Math.max(whole, READABLE / this.radius) : whole;
    this.centreOn((this.whereIs(node) ?? this.whereIs(this.graph.target)).map((at, i) => {
      const [length, half] = [this.whole[i], size[i] / this.scale / 2];
      return length <= 2 * half + 1 ? length / 2 : Math.min(Math.max(at, half), length - half);
    }));
    this.isWhole = this.scale === whole;
    this.refill();
  }

  // Whether texts fit into the marks decides what is written there.
  refill() {
    this.stage.classList.toggle("small", this.isSmall);
    this.stage.classList.toggle("tiny", this.radius * this.scale < TINY);
    if (this.numbers) this.fill(this.numbers);
    this.placeLabels();
  }

  get bounds() {
    return [0, 0, ...this.whole];
  }

  // The middle of what shows a node: in a mark, or above or below it.
  middleOfCell({ mark, place, ...square }) {
    const [x, y] = this.marks[mark].at;
    if (place === "square") return [x + square.x + square.ground.getAttribute("width") / 2, y + square.y + square.ground.getAttribute("height") / 2];
    return [x, y + ({ above: -1.25, below: 1.25 }[place] ?? 0) * this.radius];
  }

  // The middle of a node's cell, or of the line that stands for it.
  whereIs(node) {
    const cell = this.cellsOf.get(node)?.[0];
    if (cell) return this.middleOfCell(cell);
    const line = this.lines.find(({ edges }) => edges.some((k) => this.graph.edges[k].operand === node));
    return line && middleOf(line);
  }

  onStage(point) {
    return point.map((at, i) => at * this.scale + this.origin[i]);
  }

  centreOn(point) {
    this.origin = point.map((at, i) => this.size[i] / 2 - at * this.scale);
    this.place();
  }

  // A shadow along an edge of the stage says that there is more of the picture beyond it.
  place() {
    this.isWhole = false;
    if (this.isOnPaper) return;
    set(this.world, "transform", `translate(${this.origin}) scale(${this.scale})`);
    const [x, y] = this.onStage(this.bounds.slice(0, 2));
    const [u, v] = this.onStage(this.bounds.slice(2));
    const beyond = { "16px 0": x < 0, "0 16px": y < 0, "-16px 0": u > this.size[0], "0 -16px": v > this.size[1] };
    this.stage.style.boxShadow = Object.keys(beyond).filter((side) => beyond[side])
      .map((side) => `inset ${side} 12px -12px var(--shadow)`).join();
  }

  // On paper the picture is whole, laid out for a sheet; afterwards it is as it was.
  print(isOnPaper) {
    if (isOnPaper === Boolean(this.isOnPaper)) return;
    if (isOnPaper) this.onScreen = { size: this.size, scale: this.scale, origin: this.origin, isWhole: this.isWhole };
    Object.assign(this, isOnPaper ? { size: PAPER, scale: 1 } : this.onScreen);
    this.isOnPaper = isOnPaper;
    this.stage.style.boxShadow = "";
    this.stretch();
    this.refill();
    const [width, height] = this.whole.map((x) => x + 24);
    for (const [name, value] of Object.entries({ width, height, viewBox: `-12 -12 ${width} ${height}` })) {
      if (isOnPaper) set(this.stage, name, value);
      else this.stage.removeAttribute(name);
    }
    if (isOnPaper) this.world.removeAttribute("transform");
    else {
      this.place();
      this.isWhole = this.onScreen.isWhole;
    }
  }

  zoom(factor, at = this.size.map((size) => size / 2)) {
    const scale = Math.min(CLOSEST, Math.max(this.smallest, this.scale * factor));
    this.origin = this.origin.map((o, i) => at[i] - ((at[i] - o) * scale) / this.scale);
    this.scale = scale;
    this.place();
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.refill(), 120);
  }

  pan(dx, dy) {
    this.origin = [this.origin[0] + dx, this.origin[1] + dy];
    this.place();
  }

  // Bring a node into view if it is not.
  reveal(node) {
    const point = this.whereIs(node);
    if (point && this.onStage(point).some((at, i) => at < 40 || at > this.size[i] - 40)) this.centreOn(point);
  }

  listenToPointers() {
    const pointers = new Map();
    let moved = 0;
    let grabbed = null; // a number that is being dragged
    let start = null; // where a line was touched, as long as the way is open: sideways its number changes, else all moves
    const CLICK = 3; // pixels; what moves less is a click
    const where = (event) => {
      const frame = this.stage.getBoundingClientRect();
      return [event.clientX - frame.left, event.clientY - frame.top];
    };
    on(this.stage, "wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), where(event));
    }, { passive: false });
    on(this.stage, "pointerdown", (event) => {
      if (event.button) return;
      if (!pointers.size) {
        moved = 0;
        grabbed = this.on.grab(thing(event), event);
        start = grabbed && thing(event).line ? where(event) : null;
        this.stage.classList.toggle("grabbed", Boolean(grabbed));
      } else if (grabbed) {
        grabbed.end(); // a second finger: they zoom
        grabbed = null;
      }
      pointers.set(event.pointerId, where(event));
    });
    on(window, "pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const now = where(event);
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      if (start && moved + distance(now, before) > CLICK) {
        const [dx, dy] = now.map((at, i) => Math.abs(at - start[i]));
        if (dy > dx) grabbed = null;
        this.stage.classList.toggle("grabbed", Boolean(grabbed));
        start = null;
      }
      if (other) this.zoom(distance(now, other) / Math.max(1, distance(before, other)), other);
      else if (grabbed) grabbed.move(now[0] - before[0], event, moved + distance(now, before) <= CLICK);
      else this.pan(now[0] - before[0], now[1] - before[1]);
      moved += distance(now, before);
      pointers.set(event.pointerId, now);
      this.stage.classList.toggle("dragged", moved > CLICK && !grabbed);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      on(window, name, (event) => {
        if (!pointers.delete(event.pointerId)) return;
        grabbed?.end();
        grabbed = null;
        this.stage.classList.remove("grabbed");
        this.stage.classList.remove("dragged");
      });
    }
    const thing = (event) => {
      const cell = event.target.closest?.("[data-cell]");
      const line = event.target.closest?.("[data-line]");
      return { cell: cell && this.cells[cell.dataset.cell], line: line && this.lines[line.dataset.line] };
    };
    on(this.stage, "click", (event) => { if (moved <= CLICK) this.on.click(thing(event), event); });
    for (const name of ["pointerover", "focusin"]) {
      on(this.stage, name, (event) => this.on.hover(thing(event), event, where(event)));
    }
    for (const name of ["pointerleave", "focusout"]) on(this.stage, name, () => this.on.hover({}, null));
  }
}

const distance = ([x, y], [u, v]) => Math.hypot(x - u, y - v);

// About how wide a text is, in heights of its font.
const widthOf = (text) => [...(text ?? "")].reduce((sum, c) => sum + (/[iljI.,:;'|![\]() ]/.test(c) ? 0.29 : 0.57), 0);

// The point at a share of a line: of two points, or of Bézier's curves one after the other.
function pointOn(points, share) {
  if (points.length === 2) return [0, 1].map((i) => points[0][i] + share * (points[1][i] - points[0][i]));
  const pieces = (points.length - 1) / 3;
  const k = Math.min(Math.floor(share * pieces), pieces - 1);
  const [t, s] = [share * pieces - k, 1 - share * pieces + k];
  const [a, b, c, d] = points.slice(3 * k, 3 * k + 4);
  return [0, 1].map((i) => s * s * s * a[i] + 3 * s * s * t * b[i] + 3 * s * t * t * c[i] + t * t * t * d[i]);
}

const middleOf = (line) => pointOn(line.points, 0.5);

// A place on the line for a label that covers neither a mark nor another label.
function spotFor(points, frame, taken) {
  for (const t of [0.5, 0.42, 0.58, 0.35, 0.65, 0.28, 0.72, 0.2, 0.8]) {
    const at = pointOn(points, t);
    if (!taken.some((other) => overlap(frame(at), other))) return at;
  }
  return null;
}

const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
