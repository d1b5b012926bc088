// Python in a worker, so that the page stays alive: it loads once and then answers formulas.
import { loadPyodide } from "./pyodide.mjs";

const here = new URL(".", import.meta.url).href;

async function start() {
  const python = await loadPyodide({ indexURL: here });
  const archive = await fetch(new URL("gradpath.zip", here));
  if (!archive.ok) throw new Error(`gradpath.zip: ${archive.status} ${archive.statusText}`);
  python.unpackArchive(await archive.arrayBuffer(), "zip", { extractDir: "/gradpath" });
  python.runPython("import sys; sys.path.insert(0, '/gradpath')");
  return python.pyimport("answer");
}

const ready = start();
ready.then(() => postMessage({ ready: true }), (error) => postMessage({ failed: String(error) }));

onmessage = async ({ data }) => {
  const python = await ready;
  postMessage({ id: data.id, answer: JSON.parse(python.answer(JSON.stringify(data.asked))) });
};
