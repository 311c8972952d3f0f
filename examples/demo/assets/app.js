// The demo site's script: says how each image really arrived, and drives the "Try it" bench. No dependency, no request of its own.

const bytes = (n) => (n < 1000 ? `${n} B` : n < 1e6 ? `${(n / 1000).toFixed(1)} kB` : `${(n / 1e6).toFixed(2)} MB`);
const kind = (entry) => (entry.contentType || "").replace(/^image\//, "").replace("+xml", "").toUpperCase();

// The browser's own record of a response; the last one when there are several.
const record = (url) => performance.getEntriesByName(new URL(url, location.href).href, "resource").at(-1);

function label(image) {
  const place = image.closest("figure")?.querySelector("[data-size]");
  const entry = record(image.currentSrc || image.src);
  if (!place || !entry || !entry.encodedBodySize) return;
  place.textContent = [kind(entry), bytes(entry.encodedBodySize)].filter(Boolean).join(" · ");
}

function facts() {
  const page = performance.getEntriesByType("navigation");
  const all = [...page, ...performance.getEntriesByType("resource")];
  const formats = new Map();
  for (const entry of all) {
    if ((entry.contentType || "").startsWith("image/")) formats.set(kind(entry), (formats.get(kind(entry)) || 0) + 1);
  }
  const say = (name, text) => { document.querySelector(`[data-fact="${name}"]`).textContent = text; };
  const protocols = { h2: "HTTP/2", "http/1.1": "HTTP/1.1" };
  const protocol = page[0]?.nextHopProtocol || all.at(-1)?.nextHopProtocol;
  say("protocol", protocols[protocol] || protocol || "–");
  say("responses", String(all.length));
  say("bytes", bytes(all.reduce((sum, entry) => sum + entry.transferSize, 0)));
  say("cached", String(all.filter((entry) => entry.transferSize === 0 && entry.encodedBodySize > 0).length));
  say("formats", [...formats.keys()].filter((name) => name !== "SVG").join(", ") || "–");
}

performance.setResourceTimingBufferSize(1000);
let planned = 0;
const refresh = () => { planned ||= requestAnimationFrame(() => { planned = 0; facts(); document.querySelectorAll("figure img").forEach(label); }); };
new PerformanceObserver(refresh).observe({ type: "resource", buffered: true });
document.addEventListener("load", (event) => { if (event.target instanceof HTMLImageElement) label(event.target); }, true);
refresh();

// ---- Try it ----
const bench = document.getElementById("bench");
const result = document.getElementById("result");

function benchUrl() {
  const value = Object.fromEntries(new FormData(bench));
  const query = [`w=${value.w}`];
  if (value.h !== "0") query.push(`h=${value.h}`, `fit=${value.fit}`);
  if (value.h !== "0" && value.g !== "center") query.push(`g=${value.g}`);
  if (value.fm !== "auto") query.push(`fm=${value.fm}`);
  query.push(`q=${value.q}`);
  if (value.blur !== "0") query.push(`blur=${value.blur}`);
  return `/photos/${value.photo}.jpg?${query.join("&")}`;
}

function outputs() {
  for (const output of bench.querySelectorAll("output")) {
    const input = document.getElementById(output.htmlFor.value);
    output.textContent = input.value === "0" ? (input.name === "h" ? "free" : "off") : input.value;
  }
}

function show() {
  const url = benchUrl();
  result.removeAttribute("width");
  result.removeAttribute("height");
  result.src = url;
  document.getElementById("result-url").textContent = url;
}

let waiting = 0;
for (const event of ["input", "change"]) {
  bench.addEventListener(event, () => {
    outputs();
    clearTimeout(waiting);
    waiting = setTimeout(show, 150);  // one request when the slider rests, not one per step
  });
}
bench.addEventListener("submit", (event) => event.preventDefault());
outputs();
