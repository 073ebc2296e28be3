// Points and boxes that a person gives in the try-out picture, in image pixels.
const LEAST = 4; // screen pixels that make a press a drag

export function mount(element, announce) {
  let press = null;

  const place = (svg, event) => {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const { width, height } = svg.viewBox.baseVal;
    return { x: Math.min(Math.max(point.x, 0), width), y: Math.min(Math.max(point.y, 0), height) };
  };
  const corners = (a, b) => ({ x1: Math.min(a.x, b.x), y1: Math.min(a.y, b.y), x2: Math.max(a.x, b.x), y2: Math.max(a.y, b.y) });
  const isDrag = (event) => Math.hypot(event.clientX - press.x, event.clientY - press.y) >= LEAST;

  element.addEventListener("pointerdown", (event) => {
    const svg = event.target.closest("svg[data-tryout]");
    if (!svg || event.button) return;
    event.preventDefault();
    const band = document.createElementNS(svg.namespaceURI, "rect");
    band.setAttribute("class", "band");
    svg.append(band);
    press = { svg, band, at: place(svg, event), x: event.clientX, y: event.clientY };
    svg.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    if (!press) return;
    const { x1, y1, x2, y2 } = corners(press.at, place(press.svg, event));
    const sides = { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
    for (const [name, value] of Object.entries(sides)) press.band.setAttribute(name, value);
  });
  const end = (event) => {
    if (!press) return;
    const { svg, band, at } = press;
    const drag = isDrag(event) && event.type === "pointerup";
    if (!drag) band.remove();
    press = null;
    if (event.type === "pointerup") announce(drag ? { act: "box", ...corners(at, place(svg, event)) } : { act: "point", ...at });
  };
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
}
