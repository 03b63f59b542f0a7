/** What the keys of the page do, where nobody is typing. */
import type { ViewName } from "./model.ts";

export interface KeyActions {
  readonly zoom: (factor: number) => void;
  /** By a share of what is shown. */
  readonly pan: (share: number) => void;
  readonly scroll: (rows: number) => void;
  readonly whole: () => void;
  readonly step: (by: 1 | -1) => void;
  readonly write: (by: 1 | -1) => void;
  readonly find: (by: 1 | -1) => void;
  readonly search: () => void;
  readonly view: (name: ViewName) => void;
  readonly nothing: () => void;
}

export function onKeys(actions: KeyActions): void {
  const table: Readonly<Record<string, () => void>> = {
    w: () => actions.zoom(0.7),
    s: () => actions.zoom(1 / 0.7),
    a: () => actions.pan(-0.2),
    d: () => actions.pan(0.2),
    "0": () => actions.whole(),
    ArrowLeft: () => actions.step(-1),
    ArrowRight: () => actions.step(1),
    ArrowUp: () => actions.scroll(-1),
    ArrowDown: () => actions.scroll(1),
    PageUp: () => actions.scroll(-20),
    PageDown: () => actions.scroll(20),
    "[": () => actions.write(-1),
    "]": () => actions.write(1),
    n: () => actions.find(1),
    N: () => actions.find(-1),
    "/": () => actions.search(),
    o: () => actions.view("objects"),
    v: () => actions.view("actors"),
    Escape: () => actions.nothing(),
  };
  addEventListener("keydown", (event) => {
    const { key, target, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey) return;
    const isTyping = target instanceof HTMLInputElement && (target.type === "search" || target.type === "range");
    if (isTyping) {
      if (target.type === "range" && key !== "Escape") return;
      if (key === "Escape") target.blur();
      if (key === "Enter") actions.find(event.shiftKey ? -1 : 1);
      return;
    }
    const action = table[key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
}
