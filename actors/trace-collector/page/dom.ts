/** Elements with their texts: nothing that was recorded is ever taken for markup. */

type Child = Node | string;
type Attributes = Readonly<Record<string, string>>;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export function button(attributes: Attributes, label: string, onClick: () => void): HTMLButtonElement {
  const element = el("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", onClick);
  return element;
}

/** Colours by the names of the style's variables, as the theme has them now. */
export function colours(): (name: string) => string {
  const style = getComputedStyle(document.documentElement);
  const known = new Map<string, string>();
  return (name) => {
    const value = known.get(name) ?? style.getPropertyValue(`--${name}`).trim();
    known.set(name, value);
    return value;
  };
}

/** `+12.345 s`, as fine as `span` (both in microseconds) needs it. */
export function timeText(us: number, span: number): string {
  const digits = span >= 20_000_000 ? 1 : span >= 200_000 ? 3 : 6;
  return `${(us / 1_000_000).toFixed(digits)} s`;
}
