// The picture: boxes with nodes, lines for edges, numbers on lines; zooming and panning.
// What is lit is decided elsewhere and told to light(); clicks and hovers are reported to `on`.

const LABELLED = 60; // with more lines to label than that only the one under the pointer is
const MANY = 200; // with so many lines colours change at once
const CLOSEST = 3; // the largest scale
const [SMALL, READABLE] = [0.3, 0.8]; // a picture that had to be smaller than SMALL begins READABLE, in part
const PHONE = 480; // on a stage narrower than that one that is not READABLE as a whole begins so

class Picture {
  constructor(stage, names, kinds, on) {
    Object.assign(this, { stage, names, kinds, on });
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
    this.lines = view.lines.map(([edges, start, end, ...way], i) => ({ i, edges, start, end, way }));
    this.spreadEnds();
    const layers = ["lines", "boxes", "labels"].map((name) => svg("g", { class: name }));
    layers[0].append(...this.lines.map((line) => this.drawLine(line)));
    layers[1].append(...view.boxes.map((box, i) => this.drawBox(box, i)));
    this.labels = layers[2];
    this.world.replaceChildren(...layers);
    this.stage.classList.toggle("few", this.lines.length < MANY);
    const frames = view.boxes.map(([x, y, width, height]) => [x, y, x + width, y + height]);
    this.bounds = [0, 1, 2, 3].map((i) => (i < 2 ? Math.min : Math.max)(...frames.map((frame) => frame[i])));
  }

  // Lines end along the side of a box in the order of where they come from.
  spreadEnds() {
    const middle = (i) => this.view.boxes[i][1] + this.view.boxes[i][3] / 2;
    for (const [mine, others, shift] of [["end", "start", "intoShift"], ["start", "end", "outShift"]]) {
      const groups = new Map();
      for (const line of this.lines) {
        if (!groups.has(line[mine])) groups.set(line[mine], []);
        groups.get(line[mine]).push(line);
      }
      for (const [box, group] of groups) {
        const room = this.view.boxes[box][3] - 14;
        const gap = Math.min(5.5, room / group.length);
        const level = (line) => (mine === "end" ? line.way.at(-1) : line.way[1]) ?? middle(line[others]);
        group.sort((a, b) => level(a) - level(b) || a.i - b.i);
        group.forEach((line, i) => { line[shift] = (i - (group.length - 1) / 2) * gap; });
      }
    }
  }

  // The points a line goes through, in pairs: from, to; from, to; ... joined by straight pieces.
  pointsOf(line) {
    const [sx, sy, sw, sh] = this.view.boxes[line.start];
    const [ex, ey, , eh] = this.view.boxes[line.end];
    const points = [[sx + sw, sy + sh / 2 + line.outShift]];
    for (let i = 0; i < line.way.length; i += 2) points.push([line.way[i], line.way[i + 1]]);
    points.push([ex, ey + eh / 2 + line.intoShift]);
    return points;
  }

  drawLine(line) {
    const points = this.pointsOf(line);
    line.curves = [];
    let path = `M${points[0]}`;
    for (let i = 0; i + 1 < points.length; i += 2) {
      const [[x, y], [u, v]] = [points[i], points[i + 1]];
      const bend = Math.max(18, (u - x) * 0.45);
      line.curves.push([[x, y], [x + bend, y], [u - bend, v], [u, v]]);
      path += `C${x + bend} ${y} ${u - bend} ${v} ${u} ${v}`;
      if (points[i + 2]) path += `L${points[i + 2]}`;
    }
    line.shape = svg("path", { class: "stroke", d: path });
    line.group = svg("g", { class: "line", "data-line": line.i }, line.shape);
    if (line.edges.length) {
      line.group.append(svg("path", { class: "touch", d: path }));
      set(line.group, "tabindex", "-1");
      const weight = this.on.weightOf(line);
      this.makeControl(line.group, weight ?? null);
      line.weight = this.on.canChange(weight ?? null) ? weight : null;
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

  drawBox([x, y, width, height, cells, words], i) {
    const group = svg("g", { class: "box" });
    if (words) {
      group.append(svg("text", { class: "rest", x: x + width / 2, y: y + height / 2 + 4 }, words));
      return group;
    }
    const isUnit = cells.length > 2;
    let left = x;
    for (let c = 0; c < cells.length; c += 2) {
      group.append(this.drawCell({ node: cells[c], box: i, x: left, y, width: cells[c + 1], height, isUnit }));
      left += cells[c + 1];
    }
    if (isUnit) group.append(svg("rect", { class: "unit", x, y, width, height, rx: 9 }));
    return group;
  }

  drawCell(cell) {
    const { node, x, y, width, height, isUnit } = cell;
    const kind = this.kinds(node);
    cell.group = svg("g", { class: `cell ${kind}`, "data-cell": this.cells.length });
    const isLeaf = /leaf|cut/.test(kind);
    const rx = isLeaf || isUnit ? 4 : Math.min(14, height / 2);
    cell.group.append(svg("rect", { class: "ground", x, y, width, height, rx }));
    if (/constant/.test(kind)) {
      const at = { class: "data", x: x + width / 2, y: y + height / 2 + 4 };
      cell.group.append(svg("text", at, shortNumber(this.names.data[node])));
    } else {
      set(cell.group, "tabindex", "-1");
      this.makeControl(cell.group, node);
      [cell.data, cell.grad] = ["data", "grad number"].map((name) => svg("text", { class: name }));
      cell.group.append(...this.drawName(cell, kind), cell.data, cell.grad);
      cell.group.append(svg("title", {}, this.names.line(node)));
    }
    this.cells.push(cell);
    if (!this.cellsOf.has(node)) this.cellsOf.set(node, []);
    this.cellsOf.get(node).push(cell);
    return cell.group;
  }

  drawName({ node, x, y, height }, kind) {
    const [base, above, below] = this.names.pieces[node];
    const middle = y + height / 2;
    if (/unnamed/.test(kind) && !/leaf|target/.test(kind)) {
      return [
        svg("text", { class: "symbol", x: x + 11, y: middle + 1 }, cut(this.on.symbolOf(node), 6)),
        svg("text", { class: "under", x: x + 11, y: middle + 13 }, this.names.pieces[node].join("")),
      ];
    }
    const word = cut(base, 22);
    const isWord = base.length > 2;
    const name = svg("text", { class: isWord ? "name word" : "name", x: x + 11, y: middle + 5 }, word);
    return [name, ...this.scripts({ x: x + 11 + this.widthOf(word, isWord), middle, above, below })];
  }

  scripts({ x, middle, above, below }) {
    return [
      above && svg("text", { class: "script", x, y: middle - 3 }, cut(above, 14)),
      below && svg("text", { class: "script", x, y: middle + 11 }, cut(below, 14)),
    ].filter(Boolean);
  }

  // The width of a name, measured where the page can measure.
  widthOf(text, isWord) {
    this.measure ??= document.createElement("canvas").getContext("2d");
    const family = getComputedStyle(document.documentElement).getPropertyValue("--serif");
    this.measure.font = `${isWord ? "15px" : "italic 18px"} ${family}`;
    return this.measure.measureText(text).width + 1;
  }

  // ------------------------------------------------------------ what is shown on it

  // numbers(node) gives { data, grad, gradSign } as texts, either of them "" to show one alone.
  fill(numbers) {
    for (const cell of this.cells) {
      if (/constant/.test(this.kinds(cell.node))) continue;
      const shown = numbers(cell.node);
      const key = `${shown.data} ${shown.grad} ${shown.gradSign}`;
      if (this.on.canChange(cell.node)) this.tellValue(cell.group, cell.node);
      if (cell.shown === key) continue; // to write it again would cost the layout of all texts
      cell.shown = key;
      const { data, grad } = cell;
      const middle = cell.y + cell.height / 2;
      const isBoth = shown.data !== "" && shown.grad !== "";
      set(grad, "class", `grad number ${shown.gradSign}`);
      place(data, shown.data, cell.x + cell.width - 10, middle + (isBoth ? -3.5 : 4));
      place(grad, shown.grad, cell.x + cell.width - 10, middle + (isBoth ? 12.5 : 4));
      const told = [this.names.line(cell.node)];
      told.push(shown.data && `data ${shown.data}`, shown.grad && `gradient ${shown.grad}`);
      set(cell.group, "aria-label", told.filter(Boolean).join(", "));
    }
  }

  // nodes: Map node -> class; edges: Map edge -> { width, sign }; label(line) gives the number to write on a line.
  light({ nodes, edges, isIdle, label }) {
    for (const cell of this.cells) {
      const state = nodes.get(cell.node) ?? "";
      const isChangeable = this.on.canChange(cell.node) ? "changeable" : "";
      set(cell.group, "class", `cell ${this.kinds(cell.node)} ${isChangeable} ${isIdle ? "" : state || "dim"}`);
      if (state.includes("selected")) set(cell.group, "aria-current", "true");
      else cell.group.removeAttribute("aria-current");
    }
    const lit = [];
    for (const line of this.lines) {
      const shown = this.strongestOf(line, edges, isIdle);
      const state = isIdle ? "idle" : shown ? "lit" : "dim";
      set(line.group, "class", `line ${state} ${signOf(shown?.sign ?? 0)} ${line.weight === null ? "" : "changeable"}`);
      set(line.shape, "stroke-width", shown ? shown.width.toFixed(2) : "1");
      if (!line.edges.length) continue;
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
    } else if (this.labelled.some((line) => Boolean(label(line)) !== Boolean(line.label))) this.placeLabels();
    else this.writeLabels();
  }

  // What a line shows of the edges it stands for: the one with the widest stroke.
  strongestOf(line, edges, isIdle) {
    if (!line.edges.length) return isIdle ? { sign: 0, width: 1 } : null;
    if (isIdle) return edges.get(line.edges.at(-1)); // ∂z/∂x, which is the weight
    const found = line.edges.map((k) => edges.get(k)).filter(Boolean);
    return found.reduce((best, one) => (best && best.width >= one.width ? best : one), null);
  }

  // A number on each of the lit lines, where it covers nothing.
  placeLabels() {
    this.labelled = (this.lit ?? []).length <= LABELLED ? this.lit ?? [] : [];
    const taken = this.view.boxes.map(([x, y, w, h]) => [x - 2, y - 2, x + w + 2, y + h + 2]);
    const strokes = this.labelled.length < 40 ? this.labelled.flatMap(obstacles) : [];
    const made = [];
    for (const line of this.labelled) {
      const shown = this.labelOf(line);
      line.label = null;
      if (!shown) continue;
      const width = 6.9 * shown.text.length + 6;
      const beside = shown.quiet ? null : spotFor(line, width, [...taken, ...strokes], [-12, 12, -16, 16]);
      const spot = beside ?? spotFor(line, width, taken, [0, -9, 9]);
      if (!spot) continue;
      const [x, y] = spot;
      taken.push([x - width / 2, y - 8, x + width / 2, y + 8]);
      line.label = svg("text", { x, y: y + 4 });
      made.push(line.label);
    }
    this.writeLabels();
    this.labels.replaceChildren(...made);
  }

  writeLabels() {
    for (const line of this.labelled) {
      const shown = line.label && this.labelOf(line);
      if (!shown) continue;
      put(line.label, shown.text);
      set(line.label, "class", `label number ${signOf(shown.sign)} ${shown.quiet ? "quiet" : ""}`);
    }
  }

  mark(cell) {
    this.marked?.group.classList.remove("marked");
    this.marked = cell;
    cell?.group.classList.add("marked");
  }

  // ------------------------------------------------------------ zooming and panning

  // All of it; or, at first, if that were too small to read, the part around a node or the target.
  fit(node, isWhole) {
    this.size = [this.stage.clientWidth, this.stage.clientHeight];
    if (!this.size[0]) return;
    const extent = [0, 1].map((i) => this.bounds[i + 2] - this.bounds[i]);
    const room = [this.size[0] - 52, this.size[1] - 128];
    const [across, down] = [room[0] / extent[0], room[1] / extent[1]];
    const whole = Math.min(across, down, 1.35);
    const isSmall = whole < (this.size[0] < PHONE ? READABLE : SMALL);
    this.smallest = Math.min(whole, SMALL) * 0.6;
    this.scale = isSmall && !isWhole ? Math.min(READABLE, Math.max(across, down)) : whole;
    this.centreOn((this.whereIs(node) ?? this.whereIs(this.graph.target)).map((at, i) => {
      const [start, end, half] = [this.bounds[i], this.bounds[i + 2], room[i] / this.scale / 2];
      return extent[i] < 2 * half ? (start + end) / 2 : Math.min(Math.max(at, start + half), end - half);
    }));
    this.isWhole = this.scale === whole;
  }

  // The middle of a node's cell, or of the line that stands for it.
  whereIs(node) {
    const cell = this.cellsOf.get(node)?.[0];
    if (cell) return [cell.x + cell.width / 2, cell.y + cell.height / 2];
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

  // On paper the picture is whole and takes the size that the page has for it.
  print(isOnPaper) {
    const [left, top, right, bottom] = this.bounds;
    this.isOnPaper = isOnPaper;
    this.stage.style.boxShadow = "";
    const [width, height] = [right - left + 8, bottom - top + 8];
    const whole = { width, height, viewBox: `${left - 4} ${top - 4} ${width} ${height}` };
    for (const [name, value] of Object.entries(whole)) {
      if (isOnPaper) set(this.stage, name, value);
      else this.stage.removeAttribute(name);
    }
    if (isOnPaper) this.world.removeAttribute("transform");
    else this.place();
  }

  zoom(factor, at = this.size.map((size) => size / 2)) {
    const scale = Math.min(CLOSEST, Math.max(this.smallest, this.scale * factor));
    this.origin = this.origin.map((o, i) => at[i] - ((at[i] - o) * scale) / this.scale);
    this.scale = scale;
    this.place();
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

function place(text, shown, x, y) {
  text.textContent = shown;
  text.classList.toggle("long", shown.length > 9);
  set(text, "x", x);
  set(text, "y", y);
}

function pointOn([a, b, c, d], t) {
  const s = 1 - t;
  return [0, 1].map((i) => s * s * s * a[i] + 3 * s * s * t * b[i] + 3 * s * t * t * c[i] + t * t * t * d[i]);
}

const middleOf = (line) => pointOn(line.curves[line.curves.length >> 1], 0.5);

// A place on the line for a label that covers neither a box nor another label.
function spotFor(line, width, taken, lifts) {
  for (const t of [0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78, 0.15, 0.85]) {
    for (const curve of line.curves) {
      const [x, y] = pointOn(curve, t);
      for (const lift of lifts) {
        const frame = [x - width / 2, y + lift - 7, x + width / 2, y + lift + 7];
        if (!taken.some((other) => overlap(frame, other))) return [x, y + lift];
      }
    }
  }
  return null;
}

// Small frames along a line, which labels keep clear of.
function obstacles(line) {
  const steps = Array.from({ length: 17 }, (_, i) => i / 16);
  const points = line.curves.flatMap((curve) => steps.map((t) => pointOn(curve, t)));
  return points.map(([x, y]) => [x - 3, y - 3, x + 3, y + 3]);
}

const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
