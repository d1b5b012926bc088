// "Try it in the browser": what is typed goes to Python in a worker, and what it answers is shown.
// The address carries the formula, its numbers and the quantity: #f=...&v=...&w=...

const part = (name) => document.getElementById(`live-${name}`);
const formula = part("formula"), values = part("values"), wrt = part("wrt"), status = part("status");
let worker = null, asked = 0, isReady = false;

const EXAMPLES = {
  "one neuron": ["z = w*x + b; yhat = sigmoid(z); L = squared_error(yhat, y)", "w=0.4 x=1.5 b=0.1 y=1", "w"],
  "a value used twice": ["L = x*x + 2*x", "x=3", "x"],
  "two paths": ["a = tanh(w*x); b = relu(w + 1); L = a*b", "w=0.5 x=2", "w"],
  "two units, two outputs": [
    "a1 = sigmoid(w11*x1 + w12*x2); a2 = sigmoid(w21*x1 + w22*x2)\n"
    + "y1 = sigmoid(v11*a1 + v12*a2); y2 = sigmoid(v21*a1 + v22*a2)\n"
    + "L = ((y1 - t1)**2 + (y2 - t2)**2)/2",
    "x1=0.05 x2=0.1 w11=0.15 w12=0.2 w21=0.25 w22=0.3 v11=0.4 v12=0.45 v21=0.5 v22=0.55 t1=0.01 t2=0.99", "w11"],
  "softmax and cross-entropy": ["p = softmax([z1, z2, z3]); L = cross_entropy(p, 1)", "z1=0.2 z2=1 z3=-0.5", "z2"],
  "the same weight three times": [
    "h1 = tanh(u*x1); h2 = tanh(u*x2 + w*h1); h3 = tanh(u*x3 + w*h2); L = squared_error(h3, y)",
    "u=0.5 w=0.8 x1=1 x2=0.5 x3=-1 y=0.2", "w"],
};

function link() {
  const parts = { f: formula.value, v: values.value, w: wrt.value };
  return "#" + Object.entries(parts).map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join("&");
}

function fromAddress() {
  const given = new Map(location.hash.slice(1).split("&").map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), decodeURIComponent(pair.slice(at + 1).replaceAll("+", " "))];
  }));
  if (!given.has("f")) return false;
  fill([given.get("f"), given.get("v") ?? "", given.get("w") ?? ""]);
  return true;
}

function fill([text, numbers, name]) {
  formula.value = text;
  values.value = numbers;
  wrt.replaceChildren(new Option(name, name, true, true));
}

function say(words, isError = false) {
  status.textContent = words;
  status.classList.toggle("refused", isError);
}

function derive() {
  if (worker === null) start();
  asked += 1;
  say(isReady ? "computing" : "Python is being loaded: about 10 MB, once");
  worker.postMessage({ id: asked, asked: { formula: formula.value, values: values.value, wrt: wrt.value } });
}

function start() {
  worker = new Worker(part("form").dataset.worker, { type: "module" });
  worker.onerror = () => say("This copy of the site has no Python with it, or the browser cannot run it.", true);
  worker.onmessage = ({ data }) => {
    if (data.ready) isReady = true;
    if (data.failed) say(`Python could not be loaded: ${data.failed}`, true);
    if (data.id === asked) show(data.answer);
  };
}

function show(answer) {
  if (answer.error) return say(answer.error, true);
  say("");
  wrt.replaceChildren(...answer.leaves.map((name) => new Option(name, name, false, name === answer.wrt)));
  part("formulas").innerHTML = answer.formulas;
  part("text").textContent = answer.text;
  part("latex").textContent = answer.latex;
  part("program").textContent = answer.program;
  part("table").innerHTML = answer.table;
  part("results").hidden = false; // before the page, which looks how much room it has
  part("page").srcdoc = answer.page;
  URL.revokeObjectURL(part("alone").href);
  part("alone").href = URL.createObjectURL(new Blob([answer.page], { type: "text/html" }));
  history.replaceState(null, "", link());
}

function copy(button) {
  const text = button.dataset.copy === "link" ? location.href : part(button.dataset.copy).textContent;
  navigator.clipboard.writeText(text).then(
    () => { button.textContent = "copied"; setTimeout(() => { button.textContent = button.dataset.label; }, 1500); },
    () => say("The browser does not let the page copy; mark the text and copy it.", true),
  );
}

for (const name of Object.keys(EXAMPLES)) part("examples").append(new Option(name, name));
part("examples").addEventListener("change", (event) => { fill(EXAMPLES[event.target.value]); derive(); });
part("form").addEventListener("submit", (event) => { event.preventDefault(); derive(); });
wrt.addEventListener("change", derive);
for (const field of [formula, values]) {
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || field === values)) { event.preventDefault(); derive(); }
  });
}
for (const button of document.querySelectorAll("[data-copy]")) {
  button.dataset.label = button.textContent;
  button.addEventListener("click", () => copy(button));
}
window.addEventListener("hashchange", () => { if (location.hash !== link() && fromAddress()) derive(); });
if (fromAddress()) derive();
else fill(EXAMPLES["one neuron"]);
