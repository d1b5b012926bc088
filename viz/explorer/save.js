// The picture as it is shown, as a file of its own: SVG, or PNG at twice its size.

const LOOKS = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "paint-order",
  "font-family", "font-style", "font-weight", "text-anchor"];

// A copy in which every colour is written out; what the page hides is left out.
function pictureAsText() {
  const shown = picture.stage;
  const copy = shown.cloneNode(true);
  const [width, height] = [shown.clientWidth, shown.clientHeight];
  const originals = [...shown.querySelectorAll("*")];
  [...copy.querySelectorAll("*")].forEach((made, i) => {
    const look = getComputedStyle(originals[i]);
    if (look.display === "none" || made.localName === "title" || made.classList.contains("touch")) {
      made.remove();
      return;
    }
    for (const name of [...made.getAttributeNames()].filter((name) => /^(class|role|aria-|data-|tabindex)/.test(name))) {
      made.removeAttribute(name);
    }
    if (made.localName === "g") return;
    for (const name of LOOKS) {
      const value = look.getPropertyValue(name);
      if (value && !["none", "normal", "1"].includes(value) || name === "fill") made.setAttribute(name, value);
    }
  });
  for (const name of copy.getAttributeNames()) copy.removeAttribute(name);
  const ground = svg("rect", { width, height, fill: getComputedStyle(shown.parentNode).backgroundColor });
  copy.prepend(svg("title", {}, document.title), ground);
  for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) set(copy, name, value);
  return new XMLSerializer().serializeToString(copy);
}

const asBlob = () => new Blob([pictureAsText()], { type: "image/svg+xml" });

function download(blob, ending) {
  const address = URL.createObjectURL(blob);
  const name = document.title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "picture";
  html("a", { href: address, download: `${name}.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

function saveSvg() {
  download(asBlob(), "svg");
}

function savePng() {
  const image = new Image();
  const address = URL.createObjectURL(asBlob());
  image.onload = () => {
    const canvas = html("canvas", { width: 2 * image.width, height: 2 * image.height });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => download(blob, "png"));
    URL.revokeObjectURL(address);
  };
  image.src = address;
}
