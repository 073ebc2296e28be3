// From key events to actions. Never fires while a person types, composes, reads a dialog, or looks at another tab.

const TEXTLESS = new Set(["checkbox", "radio", "button", "range", "color", "submit", "reset", "file", "image"]);

/** Does this element take text? */
export function isTyping(element) {
  if (!element?.tagName) return false;
  if (element.isContentEditable) return true;
  if (element.tagName === "TEXTAREA" || element.tagName === "SELECT") return true;
  if (element.tagName === "INPUT") return !TEXTLESS.has(element.type);
  return Boolean(element.closest?.('[role="combobox"],[role="textbox"],.cm-editor'));
}

const NAMED = { " ": "space", Escape: "esc", ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

/** The name of a key event as the action table writes it: "ctrl+shift+z", "x", "?", "left", "1". */
export function comboOf(event) {
  const letter = /^Key([A-Z])$/.exec(event.code ?? ""),
    digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code ?? "");
  let key = NAMED[event.key] ?? event.key.toLowerCase();
  if (letter && !/^[a-z]$/.test(key)) key = letter[1].toLowerCase(); // other alphabets, same place
  if (digit && key.length === 1 && !event.shiftKey && !event.altKey) key = digit[1]; // arrows of the keypad have names
  const symbol = key.length === 1 && !/[a-z0-9]/.test(key), // "?" already says shift, and "[" AltGr: Ctrl and Alt
    ctrl = (event.ctrlKey || event.metaKey) && !(symbol && event.altKey);
  return [ctrl && "ctrl", event.altKey && !symbol && "alt", event.shiftKey && !symbol && "shift", key]
    .filter(Boolean)
    .join("+");
}

/** Index a table of actions by key; two actions may share a key when their `when` differ. */
export function keyMap(actions) {
  const map = new Map();
  for (const action of actions)
    for (const combo of action.keys ?? []) {
      map.set(combo, [...(map.get(combo) ?? []), action]);
    }
  return map;
}

const SHOWN = {
  left: "←",
  right: "→",
  up: "↑",
  down: "↓",
  esc: "Esc",
  space: "Space",
  enter: "Enter",
  delete: "Del",
  backspace: "⌫",
  pageup: "PgUp",
  pagedown: "PgDn",
};

/** How a combo is shown to a person: "ctrl+shift+z" -> "Ctrl Shift Z". */
export const shown = (combo) =>
  combo
    .split(/\+(?=.)/)
    .map((part) => SHOWN[part] ?? (part.length > 1 ? part[0].toUpperCase() + part.slice(1) : part.toUpperCase()))
    .join(" ");

/** Does the focused control need this key itself: arrows of a slider, Enter and Space of a button reached by keyboard? */
export function takesKey(element, key) {
  if (!element?.matches?.(":focus-visible")) return false; // after a click the keys are the canvas's again
  if (element.tagName === "INPUT" && ["range", "radio"].includes(element.type))
    return /^(Arrow|Page|Home|End)/.test(key);
  if (element.dataset?.takes === "arrows") return key.startsWith("Arrow");
  const pressable = element.tagName === "BUTTON" || element.tagName === "SUMMARY" || element.type === "checkbox";
  return pressable && (key === "Enter" || key === " ");
}

/** May a shortcut fire now? `isVisible` tells whether the canvas is on screen. */
export const allowed = (event, isVisible, isModal) =>
  !event.defaultPrevented &&
  !event.isComposing &&
  event.keyCode !== 229 &&
  isVisible() &&
  !isModal() &&
  !takesKey(event.target, event.key) &&
  !isTyping(event.target) &&
  !isTyping(event.target?.ownerDocument?.activeElement);

/**
 * Listen on the window.
 *
 * @param {object[]} actions  the action table
 * @param {{isVisible: () => boolean, isModal: () => boolean, onHold: (down: boolean) => void, run: (action: object) => void,
 *   refuse: (why: string) => void, later?: (press: () => any) => boolean}} host  `refuse` is told why a key does nothing now;
 *   `later` takes a press that has to wait for its turn
 */
export function createKeys(actions, { isVisible, isModal, onHold, run, refuse, later = () => false }) {
  const map = keyMap(actions);
  function down(event) {
    if (!allowed(event, isVisible, isModal)) return;
    if (event.key === " ") {
      event.preventDefault();
      onHold(true);
      return;
    }
    const meant = map.get(comboOf(event)) ?? [];
    if (!meant.length || (!able(meant) && meant.some((a) => a.yields))) return;
    event.preventDefault(); // also of what cannot run, or is held down: the browser would undo in a field, select, go back
    event.stopPropagation();
    const press = () => act(meant, event.repeat);
    if (!later(press)) press();
  }
  const able = (meant) => meant.find((a) => !a.when || a.when());
  function act(meant, isRepeat) {
    const action = able(meant);
    if (!action) {
      const said = isRepeat ? "" : meant.map((a) => a.why?.()).find(Boolean);
      if (said) refuse(said);
      return null;
    }
    return isRepeat && !action.repeats ? null : run(action);
  }
  const up = (event) => {
    if (event.key === " ") onHold(false);
  };
  const away = () => onHold(false);
  window.addEventListener("keydown", down, true);
  window.addEventListener("keyup", up, true);
  window.addEventListener("blur", away);
  return () => {
    window.removeEventListener("keydown", down, true);
    window.removeEventListener("keyup", up, true);
    window.removeEventListener("blur", away);
  };
}
