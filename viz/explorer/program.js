// The recorded computation, run again: numbers of the leaves in, all numbers, slopes and gradients out.
// OPERATIONS, made from Python's forward functions and rules, says how each operation is computed.

class Program {
  // slots: the leaves and constants first, then the result of each step, operands before results. slotOf gives
  // the slot of a node of the page. A step's operands are a stretch of one list, beside it their derivatives.
  constructor({ first, leaves, others, steps, operands, slot }, data) {
    this.first = first;
    this.leaves = leaves;
    this.operations = steps.map((k) => OPERATIONS[k]);
    this.operands = Int32Array.from(operands);
    this.starts = new Int32Array(steps.length + 1);
    this.operations.forEach(({ n }, s) => { this.starts[s + 1] = this.starts[s] + n; });
    const size = first + steps.length;
    [this.values, this.grads, this.scratch] = [1, 2, 3].map(() => new Float64Array(size));
    this.slopes = new Float64Array(operands.length);
    this.slotOf = slot;
    this.recorded = new Float64Array(size);
    slot.forEach((at, v) => { if (at >= 0) this.recorded[at] = data[v]; });
    others.forEach(([at, x]) => { this.recorded[at] = decoded(x); });
    this.target = size - 1;
    this.restore();
  }

  restore() {
    this.values.set(this.recorded.subarray(0, this.first));
    this.run();
  }

  get loss() {
    return this.values[this.target];
  }

  // Everything that follows from the leaves.
  run() {
    this.forward();
    const { operations, values, operands, starts, slopes, first } = this;
    for (let s = 0; s < operations.length; s += 1) {
      operations[s].slopes(values, operands, starts[s], values[first + s], slopes);
    }
    this.grads.fill(0);
    this.pull(this.grads, this.target, 0);
  }

  // The results alone; that of `held` stays as it is.
  forward(held = -1) {
    const { operations, values, operands, starts, first } = this;
    for (let s = 0; s < operations.length; s += 1) {
      if (first + s !== held) values[first + s] = operations[s].forward(values, operands, starts[s]);
    }
  }

  // The reverse pass from a slot on; `among`: through these steps only, the last of them first.
  pull(grads, from, until, among) {
    const { operands, starts, slopes, first } = this;
    grads[from] = 1;
    const count = among ? among.length : from - first + 1;
    for (let i = 0; i < count; i += 1) {
      const s = among ? among[i] : from - first - i;
      const g = grads[first + s];
      if (g === 0) continue;
      for (let p = starts[s]; p < starts[s + 1]; p += 1) grads[operands[p]] += g * slopes[p];
    }
  }

  // The results when the number in a slot is another: whatever depends on it follows. Calls `see` in between.
  given(slot, x, see) {
    const before = this.values[slot];
    this.values[slot] = x;
    this.forward(slot);
    const seen = see();
    this.values[slot] = before;
    this.forward();
    return seen;
  }

  // Which of its formulas a step of several pieces obeys now.
  pieceOf(s) {
    return this.operations[s].pieces(this.values, this.operands, this.starts[s], this.values[this.first + s]);
  }

  // Quotients of differences at a slot: between both sides, and on either.
  differences(slot) {
    const x = this.values[slot];
    const middle = this.loss;
    const h = 6e-6 * Math.max(1, Math.abs(x));
    const [up, down] = [x + h, x - h].map((at) => this.given(slot, at, () => this.loss));
    return {
      central: (up - down) / (x + h - (x - h)), right: (up - middle) / (x + h - x), left: (middle - down) / (x - (x - h)),
      rounding: (8 * Number.EPSILON * Math.max(Math.abs(middle), Math.abs(up), Math.abs(down))) / h,
    };
  }

  // Where the numbers of the page are others than those computed here: the first node, or undefined.
  // Rounding may differ, by as much as the terms that were added up.
  firstOther(data) {
    const { operands, starts, slopes, values, first } = this;
    const bySlot = this.slotOf.map((slot, v) => [slot, v]).filter(([slot]) => slot >= 0).sort(([a], [b]) => a - b);
    return bySlot.find(([slot, v]) => {
      const s = slot - first;
      let size = 0;
      for (let p = starts[s]; s >= 0 && p < starts[s + 1]; p += 1) {
        const term = Math.abs(slopes[p] * values[operands[p]]);
        if (Number.isFinite(term)) size += term;
      }
      return !isSame(values[slot], data[v], size);
    })?.[1];
  }
}

const isSame = (x, y, size = 0) => Object.is(x, y) || Math.abs(x - y) <= 1e-9 * Math.max(Math.abs(x), Math.abs(y), size);

// How the derivatives of a graph's edges are read off the slopes of the program. What lies between two nodes of
// the graph is contracted, by the reverse pass through it alone.
class Edges {
  constructor(program, graph) {
    this.program = program;
    const { slotOf, first, starts, operands } = program;
    const kept = new Set(graph.nodes.map((v) => slotOf[v]));
    this.readers = [];
    this.watched = []; // for each result what its formulas rest on: leaves that are not in the graph, and pieces
    for (const v of graph.nodes) {
      const edges = graph.operands.get(v);
      const slot = slotOf[v];
      if (slot < first) continue;
      const steps = new Set([slot - first]);
      const touched = new Set();
      for (const s of steps) {
        for (let p = starts[s]; p < starts[s + 1]; p += 1) {
          const u = operands[p];
          touched.add(u);
          if (u >= first && !kept.has(u)) steps.add(u - first);
        }
      }
      const loose = [...touched].filter((u) => u < program.leaves && !kept.has(u));
      const pieces = [...steps].filter((s) => program.operations[s].pieces).sort((a, b) => a - b);
      if (loose.length || pieces.length) this.watched.push({ v, loose, pieces, held: pieces.map((s) => program.pieceOf(s)).join(" ") });
      if (!edges.length) continue;
      const inner = [...steps].sort((a, b) => b - a);
      const isDirect = inner.length === 1;
      this.readers.push({ slot, inner, isDirect, touched: [...touched], edges: edges.map((edge) => ({ edge, slot: slotOf[edge.operand], places: [] })) });
      if (isDirect) this.locate(this.readers.at(-1), slot - first);
    }
  }

  // Parallel edges have one place each among the operands; an edge alone has all of them.
  locate({ edges }, s) {
    const { starts, operands } = this.program;
    for (let p = starts[s]; p < starts[s + 1]; p += 1) {
      const same = edges.filter(({ slot }) => slot === operands[p]);
      const free = same.length > 1 ? same.find(({ places }) => !places.length) : same[0];
      free?.places.push(p);
    }
  }

  read() {
    const { slopes, scratch } = this.program;
    for (const { slot, inner, isDirect, touched, edges } of this.readers) {
      if (isDirect) {
        for (const { edge, places } of edges) {
          let sum = 0;
          for (const p of places) sum += slopes[p];
          edge.derivative = sum;
        }
        continue;
      }
      for (const u of touched) scratch[u] = 0;
      this.program.pull(scratch, slot, 0, inner);
      for (const { edge, slot: u } of edges) edge.derivative = scratch[u];
    }
  }
}
