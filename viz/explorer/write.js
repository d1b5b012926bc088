// How numbers, names and formulas are written. Names are put into the page as text, never as markup.

const MATHML = "http://www.w3.org/1998/Math/MathML";
const SVG = "http://www.w3.org/2000/svg";

function element(namespace, tag, attributes, children) {
  const made = namespace ? document.createElementNS(namespace, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if ((value ?? null) !== null && value !== false) made.setAttribute(name, value);
  }
  made.append(...(children ?? []).filter((child) => (child ?? null) !== null));
  return made;
}

// To write again what is there already would cost the browser a new layout.
function set(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Numbers are written where they stand whenever they change: `live(write)` calls write now and then.
function liveText(live, text, node = span("number")) {
  live(() => put(node, text()));
  return node;
}

function liveNumber(live, read, text = shortNumber) {
  const made = span("number");
  live(() => {
    const x = read();
    put(made, text(x));
    set(made, "class", `number ${signOf(x)}`);
  });
  return made;
}

const span = (kind, ...children) => html("span", { class: kind }, ...children);
const on = (target, type, act, options) => target.addEventListener(type, act, options);
const html = (tag, attributes, ...children) => element(null, tag, attributes, children);
const svg = (tag, attributes, ...children) => element(SVG, tag, attributes, children);
const mathml = (tag, ...children) => element(MATHML, tag, {}, children);
const formula = (...children) => span("formula", element(MATHML, "math", { displaystyle: "true" }, children));
const operator = (sign) => mathml("mo", sign);
const strong = (...children) => html("strong", {}, ...children);

let significant = 4; // digits of a number; the page's data says how many

// So many significant digits with a real minus sign, as autograd.formulas.notation.format_number writes them.
function shortNumber(x, digits = significant) {
  if ((x ?? null) === null) return "–";
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x < 0 ? "−∞" : "∞";
  if (x === 0) return "0";
  const [mantissa, power] = x.toExponential(digits - 1).split("e");
  const e = Number(power);
  if (e < -4 || e >= 7) {
    const exponent = String(Math.abs(e)).padStart(2, "0");
    return `${withMinus(trimmed(mantissa))}e${e < 0 ? "−" : "+"}${exponent}`;
  }
  return withMinus(e >= digits ? x.toFixed(0) : trimmed(x.toFixed(digits - 1 - e)));
}

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
const withMinus = (text) => text.replace(/-/g, "−");

// All digits, so that what differs in rounding can be seen to differ.
function longNumber(x, digits = null) {
  return Number.isFinite(x) ? withMinus(String(digits ? Number(x.toPrecision(digits)) : x)) : shortNumber(x);
}

function percent(share) {
  if (!Number.isFinite(share)) return "";
  return share > 0 && share < 0.0005 ? "<0.1%" : `${(100 * share).toFixed(1)}%`;
}

function bigNumber(n) {
  const digits = n.toString();
  return digits.length <= 40 ? digits.replace(/\B(?=(\d{3})+$)/g, "\u202f") : `about 10^${digits.length - 1}`;
}

const counted = (n, what) => `${typeof n === "bigint" ? bigNumber(n) : n} ${what}${n === 1 || n === 1n ? "" : "s"}`;
const signOf = (x) => (x > 0 ? "positive" : x < 0 ? "negative" : "zero");
const signed = (x, text) => span(`number ${signOf(x)}`, text ?? shortNumber(x));

// ---------------------------------------------------------------- names

class Names {
  constructor(nodes) {
    this.pieces = nodes.name;
    this.data = nodes.data.map(decoded);
    this.links = nodes.link;
    this.bracketed = new Set(nodes.bracketed);
  }

  // On one line, for readers of text and of links: w[1]_11.
  line(v) {
    const [base, above, below] = this.pieces[v];
    return base + above + (below && `_${below}`);
  }

  // As autograd.formulas.names.text has it: w[1]₁₁.
  text(v) {
    const [base, above, below] = this.pieces[v];
    return base + above + (/^[\d,]+$/.test(below) ? below.replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]) : below && `_${below}`);
  }

  link(v) {
    return this.links[v] ?? this.line(v);
  }

  math(v) {
    const [base, above, below] = this.pieces[v];
    const letters = (/^d[a-zA-Z]$/.test(base) ? [...base] : [base]).map((c) => mathml("mi", c));
    // Fonts for formulas have an italic y, but none with a hat: that one is taken from the font for text.
    if (/^.\p{M}$/u.test(base.normalize("NFD"))) set(letters[0], "class", "hat");
    let [symbol] = letters;
    if (letters.length > 1) symbol = mathml("mrow", ...letters);
    else if (/[^\p{L}\p{M}]/u.test(base)) symbol = mathml("mtext", base);
    if (above && below) return mathml("msubsup", symbol, tokens(below), tokens(above));
    if (above) return mathml("msup", symbol, tokens(above));
    return below ? mathml("msub", symbol, tokens(below)) : symbol;
  }

  // Part of a formula: in parentheses if it is an expression itself, as e+c is.
  symbol(v) {
    return this.bracketed.has(v) ? inParentheses(this.math(v)) : this.math(v);
  }

  ratio(v, u) {
    return mathml("mfrac", this.change(v), this.change(u));
  }

  // The same on one line.
  quotient(v, u) {
    return mathml("mrow", this.change(v), operator("/"), this.change(u));
  }

  change(v) {
    return mathml("mrow", operator("∂"), this.symbol(v));
  }

  // A formula with the names of nodes in it, or, where `live` is given, with their numbers, which follow.
  formula(template, live = null) {
    const row = mathml("mrow");
    row.innerHTML = template.replace(/\{(\d+)\}/g, '<mn data-node="$1"></mn>');
    for (const stranger of [...row.querySelectorAll("*")].filter((x) => x.namespaceURI !== MATHML)) {
      stranger.replaceWith(stranger.textContent);
    }
    for (const hole of row.querySelectorAll("[data-node]")) {
      const v = Number(hole.dataset.node);
      const around = hole.parentNode;
      const isAlone = around.childNodes.length === 1 && around === around.parentNode?.firstChild;
      const isRaised = isAlone && around.parentNode.localName === "msup";
      let shown = live ? this.numeral(v, live) : this.math(v);
      if (!live && isRaised && this.pieces[v][1]) shown = inParentheses(shown);
      hole.replaceWith(shown);
    }
    if (live) {
      for (const sign of row.querySelectorAll("mo")) if (sign.textContent === "\u2062") sign.textContent = "·";
    }
    return row;
  }

  numeral(v, live) {
    const made = mathml("mn");
    live(() => {
      const text = shortNumber(this.data[v]);
      put(made, text.startsWith("−") ? `(${text})` : text);
    });
    return made;
  }
}

const isCompound = (template) => /.\{\d+\}|\{\d+\}./.test(template);

function tokens(text) {
  const parts = text.match(/\d+|\p{L}{3,}|./gu) ?? [];
  const made = parts.map((part) => {
    if (/^\d/.test(part)) return mathml("mn", part);
    if (/^\p{L}/u.test(part)) return mathml("mi", part);
    return element(MATHML, "mo", { stretchy: "false", lspace: "0", rspace: "0" }, [part]);
  });
  return made.length === 1 ? made[0] : mathml("mrow", ...made);
}

const inParentheses = (made) => mathml("mrow", operator("("), made, operator(")"));
