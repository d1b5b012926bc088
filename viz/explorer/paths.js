// The mathematics of the page: a graph, and what leads from its target to a source.
// Counting, weighing and listing are those of autograd/paths.py; nothing here knows the picture.

const decoded = (x) => (typeof x === "string" ? { nan: NaN, inf: Infinity, "-inf": -Infinity }[x] : x);
const valueOf = (path) => path.edges.reduce((product, e) => product * e.derivative, 1);
const largestOf = (numbers) => Math.max(...numbers.map(Math.abs).filter(Number.isFinite), 0);

const OMITTED = "<mi>…</mi>"; // of a formula that is not written

class Graph {
  // nodes: operands before results, the target last. An edge's k is its place in `edges`.
  constructor(data) {
    this.nodes = data.nodes;
    this.pieces = data.pieces ?? {}; // the formulas into a node where other pieces hold
    this.target = data.nodes.at(-1);
    this.definition = new Map(data.nodes.map((v, i) => [v, data.definition[i]]));
    this.written = new Map(this.definition);
    this.edges = data.result.map((result, k) => ({
      k, result, operand: data.operand[k], derivative: decoded(data.derivative[k]),
      formula: data.formula[k] || OMITTED, via: data.via[k],
    }));
    for (const e of this.edges) e.written = e.formula;
    this.operands = new Map(this.nodes.map((v) => [v, []])); // the edges into a node
    this.users = new Map(this.nodes.map((v) => [v, []])); // the edges out of it
    for (const e of this.edges) {
      this.operands.get(e.result).push(e);
      this.users.get(e.operand).push(e);
    }
    this.weighed = new Map();
  }

  has(v) {
    return this.operands.has(v);
  }

  // The nodes on paths from the target to the source, operands first.
  leadingTo(source) {
    const found = new Set();
    for (const v of this.nodes) {
      if (v === source || this.operands.get(v).some((e) => found.has(e.operand))) found.add(v);
    }
    return found;
  }

  // How many paths there are to the source, what they add up to, and how much flows over each edge.
  weigh(source) {
    if (!this.weighed.has(source)) this.weighed.set(source, this.weighAnew(source));
    return this.weighed.get(source);
  }

  weighAnew(source) {
    const nodes = this.leadingTo(source);
    const onwards = (v) => (v === source ? [] : this.operands.get(v).filter((e) => nodes.has(e.operand)));
    const count = new Map([[source, 1n]]);
    const below = new Map([[source, 1]]);
    const strength = new Map([[source, 1]]);
    for (const v of nodes) {
      if (v === source) continue;
      let [n, sum, size] = [0n, 0, 0];
      for (const e of onwards(v)) {
        n += count.get(e.operand);
        sum += e.derivative * below.get(e.operand);
        size += Math.abs(e.derivative) * strength.get(e.operand);
      }
      count.set(v, n);
      below.set(v, sum);
      strength.set(v, size);
    }
    const above = new Map([[this.target, 1]]);
    const flow = new Map();
    for (const v of [...nodes].reverse()) {
      for (const e of onwards(v)) {
        const through = above.get(v) * e.derivative;
        above.set(e.operand, (above.get(e.operand) ?? 0) + through);
        flow.set(e.k, through * below.get(e.operand));
      }
    }
    const gradient = above.get(source) ?? 0; // as backward() adds up; from below, ∞ · 0 could come first
    return { nodes, flow, gradient, below, count: count.get(this.target) ?? 0n, strength: strength.get(this.target) ?? 0 };
  }

  // What the backward pass brings to every node that it reaches.
  gradients() {
    if (!this.received) {
      const steps = interior(this).reverse();
      const { known } = backwardState(this, steps, steps.length - 1);
      this.received = new Map([...known].map(([v, { value }]) => [v, value]));
    }
    return this.received;
  }

  // The edges that lead from result to operand through nodes for which isInner holds; operands first.
  between(result, operand, isInner) {
    const found = [];
    const leads = new Set([operand]);
    for (const v of this.nodes) {
      if (v !== result && !isInner(v)) continue;
      const edges = this.operands.get(v).filter((e) => leads.has(e.operand));
      if (edges.length) leads.add(v);
      found.push(...edges);
    }
    const used = new Set([result]);
    return found.reverse().filter((e) => used.has(e.result) && used.add(e.operand)).reverse();
  }
}

// Sorts the strongest last, where it can be taken off.
const strongestLast = (a, b) => b.weakness - a.weakness || b.place - a.place || b.rank - a.rank;

function insert(ways, way) {
  let i = ways.length;
  while (i && strongestLast(ways[i - 1], way) > 0) i -= 1;
  ways.splice(i, 0, way);
}

// The paths from the target to a source, the largest |product| first, found one at a time.
// The next way to a node is the best not yet taken of those that continue the next way to one of its
// results, so each path costs its length, however many there are.
class Ranking {
  constructor(graph, source) {
    const { nodes } = graph.weigh(source);
    this.source = source;
    this.found = new Map();
    this.waiting = new Map();
    this.complete = new Set();
    this.paths = [];
    this.isOver = !nodes.has(graph.target);
    if (this.isOver) return;
    const arriving = new Map([...nodes].reverse().map((v) => [v, []]));
    for (const v of nodes) {
      if (v === source) continue;
      for (const e of graph.operands.get(v)) if (nodes.has(e.operand)) arriving.get(e.operand).push(e);
    }
    for (const [u, edges] of arriving) {
      const ways = edges.map((e, place) => this.continued(place, e, 0)).sort(strongestLast);
      const first = edges.length ? ways.pop() : { weakness: -1, place: 0, rank: 0, product: 1, edge: null };
      this.found.set(u, [first]);
      this.waiting.set(u, ways);
    }
    this.paths.push(this.lastPath());
  }

  continued(place, edge, rank) {
    const product = this.found.get(edge.result)[rank].product * edge.derivative;
    return { weakness: Number.isNaN(product) ? -Infinity : -Math.abs(product), place, rank, product, edge };
  }

  lastOf(v) {
    return this.found.get(v).at(-1);
  }

  // Find one more way to u. Before a node can go on, the result that its last way came from must.
  advance(u) {
    const chain = [u];
    for (;;) {
      const last = this.lastOf(chain.at(-1));
      if (!last.edge || this.complete.has(last.edge.result)) break;
      if (this.found.get(last.edge.result).length > last.rank + 1) break;
      chain.push(last.edge.result);
    }
    for (const v of chain.reverse()) {
      const last = this.lastOf(v);
      const waiting = this.waiting.get(v);
      if (last.edge && this.found.get(last.edge.result).length > last.rank + 1) {
        insert(waiting, this.continued(last.place, last.edge, last.rank + 1));
      }
      if (waiting.length) this.found.get(v).push(waiting.pop());
      else this.complete.add(v);
    }
    return !this.complete.has(u);
  }

  lastPath() {
    let way = this.lastOf(this.source);
    const value = way.product;
    const edges = [];
    while (way.edge) {
      edges.push(way.edge);
      way = this.found.get(way.edge.result)[way.rank];
    }
    return { edges: edges.reverse(), value };
  }

  // The n strongest paths, or as many as there are.
  strongest(n) {
    while (!this.isOver && this.paths.length < n) {
      if (this.advance(this.source)) this.paths.push(this.lastPath());
      else this.isOver = true;
    }
    return this.paths.slice(0, n);
  }
}

// The backward pass over a graph, up to and with the given step: what each node has received, and what is new.
function backwardState(graph, steps, step) {
  const known = new Map([[graph.target, { value: 1, reports: 0 }]]);
  const changes = [];
  for (let i = 0; i <= step; i += 1) {
    const g = known.get(steps[i]).value;
    for (const e of graph.operands.get(steps[i])) {
      const before = known.get(e.operand) ?? { value: 0, reports: 0 };
      const after = { value: before.value + g * e.derivative, reports: before.reports + 1 };
      known.set(e.operand, after);
      if (i === step) changes.push({ edge: e, g, before: before.value, after: after.value, reports: after.reports });
    }
  }
  return { known, changes };
}

const interior = (graph) => graph.nodes.filter((v) => graph.operands.get(v).length);
