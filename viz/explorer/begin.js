// The page's data and script are deflated, which makes the file a third as large; here they are unpacked. The policy
// of the page knows the script by its hash, as it knows this one.
(async () => {
  const packed = Uint8Array.from(atob(document.getElementById("packed").textContent), (c) => c.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const [data, ...lines] = (await new Response(unpacked).text()).split("\n");
  document.getElementById("data").textContent = data;
  const script = document.createElement("script");
  script.textContent = lines.join("\n");
  document.body.append(script);
})().catch((error) => { document.getElementById("summary").textContent = `This page needs a browser of 2023 or later (${error.message}).`; });
