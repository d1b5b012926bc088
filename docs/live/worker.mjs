// Python in a worker, so that the page stays alive: it loads once and then answers formulas.
import { loadPyodide } from "./pyodide.mjs";

const here = new URL(".", import.meta.url).href;

async function file(name) {
  const found = await fetch(new URL(name, here));
  if (!found.ok) throw new Error(`${name}: ${found.status} ${found.statusText}`);
  return found;
}

async function start() {
  const python = await loadPyodide({ indexURL: here });
  for (const name of await (await file("packages.json")).json()) {
    const [format, options] = name.endsWith(".whl") ? ["wheel", {}] : ["zip", { extractDir: "/gradpath" }];
    python.unpackArchive(await (await file(name)).arrayBuffer(), format, options);
  }
  python.runPython("import sys; sys.path.insert(0, '/gradpath')");
  return python.pyimport("answer");
}

const ready = start();
ready.then(() => postMessage({ ready: true }), (error) => postMessage({ failed: String(error) }));

onmessage = async ({ data }) => {
  const python = await ready;
  postMessage({ id: data.id, answer: JSON.parse(python.answer(JSON.stringify(data.asked))) });
};
