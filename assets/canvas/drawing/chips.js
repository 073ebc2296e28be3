// A small name plate at a box's top left corner, kept on screen.

const FONT = '600 11px system-ui, "Segoe UI", sans-serif',
  HIGH = 16,
  PAD = 5;
const LONGEST = 36; // letters
const widths = new Map();

export function chip(g, screen, [x, y], text, color, alpha = 1) {
  g.font = FONT;
  const shownText = text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
  let wide = widths.get(shownText);
  if (wide === undefined) {
    if (widths.size > 2000) widths.clear();
    widths.set(shownText, (wide = Math.ceil(g.measureText(shownText).width) + 2 * PAD));
  }
  const left = Math.round(Math.min(Math.max(x - 1, 0), screen.width - wide));
  const top = Math.round(y - HIGH < 0 ? Math.max(y, 0) : y - HIGH);
  g.globalAlpha = alpha;
  g.fillStyle = color;
  g.beginPath();
  g.roundRect(left, top, wide, HIGH, [4, 4, 4, 0]);
  g.fill();
  g.globalAlpha = 1;
  g.fillStyle = isLight(color) ? "#0b0d12" : "#ffffff";
  g.textBaseline = "middle";
  g.fillText(shownText, left + PAD, top + HIGH / 2 + 0.5);
}

/** Is black text easier to read on this colour? Source: https://www.w3.org/TR/WCAG21/#dfn-relative-luminance */
export function isLight(color) {
  const value = /^#([0-9a-f]{6})/i.exec(color)?.[1];
  if (!value) return true;
  const [r, g, b] = [0, 2, 4].map((i) => (parseInt(value.slice(i, i + 2), 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.25;
}
