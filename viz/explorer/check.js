// What a teacher says. A marked sheet colours nodes and the edges of its mistakes; an exercise hides the numbers,
// takes the reader's and tells what check_work said of them in Python: nothing is sent anywhere.

const answers = new Map(); // gap -> what was typed

function beginCheck() {
  const { marking, exercise } = page;
  if (marking) {
    const wrong = new Set(marking.wrong.map(String));
    lineClass = (line) => (edgesOn(line).some((e) => wrong.has(`${e.result},${e.operand}`)) ? "mistake" : "");
    const verdicts = new Map(marking.verdicts.map(([v, kind]) => [v, kind]));
    cellClass = (v) => (verdicts.has(v) ? `marked-${verdicts.get(v)}` : "");
    overviewExtras.push(() => markingPanel(marking));
  }
  if (!exercise) return;
  veil = exercise;
  document.body.classList.add("veiled");
  choices.mode.length = 1;
  cellClass = (v) => {
    const said = exercise.gaps.filter((gap) => gap.node === v && answers.has(gap)).map((gap) => verdictOn(gap)[0]);
    return said.length ? `marked-${said.includes("wrong") ? "wrong" : said.includes("given") ? "given" : "right"}` : "";
  };
}

function markingPanel({ verdicts, told, total }) {
  return [
    html("h3", {}, total),
    html("table", { class: "verdicts" }, ...verdicts.map(([v, kind, shown, said]) => {
      const row = html("tr", { tabindex: "0" }, html("th", { scope: "row" }, shown), html("td", { class: `said-${kind}` }, said));
      on(row, "click", () => selectFromAfar(v));
      on(row, "keydown", (event) => event.key === "Enter" && selectFromAfar(v));
      return row;
    })),
    ...told.map((lines) => html("pre", {}, lines)),
  ];
}

// ---------------------------------------------------------------- an exercise

function exercisePanel() {
  const { gaps, asked, notes } = veil;
  const rows = gaps.flatMap((gap) => {
    const entry = gap.of === "choice"
      ? html("select", { class: "entry", "aria-label": gap.shown }, html("option", {}, ""), ...veil.choices.map((name) => html("option", {}, name)))
      : html("input", { class: "entry", inputmode: "decimal", size: "8", autocomplete: "off", "aria-label": gap.shown });
    const said = html("td", {});
    const show = () => {
      const [kind, words] = answers.has(gap) ? verdictOn(gap) : ["", ""];
      said.className = kind && `said-${kind}`;
      put(said, words);
    };
    entry.value = answers.get(gap) ?? "";
    on(entry, "change", () => {
      if (entry.value.trim() === "") answers.delete(gap);
      else answers.set(gap, entry.value);
      light();
      for (const write of again) write();
    });
    on(entry, "keydown", (event) => {
      const entries = [...document.querySelectorAll("#panel .entry")];
      if (event.key === "Enter") (entries[entries.indexOf(entry) + 1] ?? entry).focus();
      event.stopPropagation();
    });
    live(show);
    const row = html("tr", {}, html("th", { scope: "row" }, gap.shown), html("td", {}, entry), said);
    return gap.asked ? [html("tr", { class: "question" }, html("td", { colspan: "3" }, gap.asked)), row] : [row];
  });
  const reveal = html("button", { id: "reveal" }, "Show all numbers");
  on(reveal, "click", () => { veil = null; cellClass = () => ""; document.body.classList.remove("veiled"); update({ node: null }); showPanel(); });
  const points = html("strong", {});
  live(() => put(points, `${gaps.filter((gap) => answers.has(gap) && verdictOn(gap)[0] !== "wrong").length} of ${gaps.length} points`));
  return [
    html("h2", {}, veil.title), quiet(asked), html("div", { class: "given" }, notes),
    html("table", { class: "verdicts" }, ...rows), line(points, reveal),
  ];
}

// right, right given earlier numbers that are not, or wrong, with the mistake that gives this number.
function verdictOn(gap) {
  const text = answers.get(gap);
  if (gap.of === "choice") return text === gap.right ? ["right", "right"] : ["wrong", "wrong"];
  const x = readAnswer(text);
  if (x === null) return ["wrong", "not a number"];
  if (isNear(x, decoded(gap.right), text)) return ["right", "right"];
  const [carried, by] = gap.of === "grad" ? carriedTo(gap.node) : gap.of === "new" ? carriedOn(gap) : [NaN, []];
  if (by.length && isNear(x, carried, text)) return ["given", `right given your ${by.join(" and ")}`];
  const found = gap.told.find(([y]) => isNear(x, decoded(y), text));
  return ["wrong", found ? `wrong: ${found[1]}` : "wrong"];
}

// A number as people write it: 3,5 and 1/3, 1 1/2, 50 %.
function readAnswer(text) {
  const [, sign, whole, over, under] = text.replace(/[−–]/g, "-").match(/^\s*([-+]?)\s*(?:(\d+)\s+)?(\d+)\s*[/⁄]\s*(\d+)\s*$/) ?? [];
  if (under) return Number(under) ? (sign === "-" ? -1 : 1) * (Number(whole ?? 0) + over / under) : null;
  const share = text.match(/^(.*)%\s*$/);
  const x = readNumber((share ? share[1] : text).replace(/^\s*([-+−–])\s+/, "$1"));
  return share && x !== null ? x / 100 : x;
}

// Where a step leads by the reader's own gradient.
function carriedOn({ node, rate }) {
  const gap = veil.gaps.find((g) => g.of === "grad" && g.node === node && readAnswer(answers.get(g) ?? "") !== null);
  return gap && verdictOn(gap)[0] !== "right" ? [names.data[node] - rate * readAnswer(answers.get(gap)), [gap.shown]] : [NaN, []];
}

function isNear(x, y, text) {
  const decimals = /[/⁄%]/.test(text) ? 9 : text.split(/[.,]/)[1]?.length ?? 0;
  return Math.abs(x - y) <= (veil.width || 0.51 * 10 ** -decimals + 1e-3 * Math.abs(y));
}

// The gradient of a node from what the reader has for those that it leads to, and which of these are wrong.
function carriedTo(node) {
  const named = fresh(graphs.named ?? graph());
  const rightOf = named.gradients();
  const by = [];
  let sum = 0;
  for (const e of named.users.get(node) ?? []) {
    const gap = veil.gaps.find((g) => g.of === "grad" && g.node === e.result && readAnswer(answers.get(g) ?? "") !== null);
    const right = e.result === page.target ? 1 : rightOf.get(e.result) ?? 0;
    const mine = gap ? readAnswer(answers.get(gap)) : right;
    if (gap && !isNear(mine, right, answers.get(gap))) by.push(gap.shown);
    sum += mine * e.derivative;
  }
  return [sum, by];
}
