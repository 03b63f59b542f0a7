/**
 * Resource quantities as numbers: `500m` is 0.5, `128Mi` is 134217728.
 *
 * @see k8s.io/apimachinery/pkg/api/resource, the grammar of Quantity
 */
const SCALES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/;

/** Undefined when `quantity` is none. Numbers are taken as they are. */
export function parseQuantity(quantity: string | number): number | undefined {
  if (typeof quantity === "number") return quantity;
  const match = QUANTITY.exec(quantity);
  if (match === null) return undefined;
  const [, digits, exponent, suffix] = match;
  const scale = exponent === undefined ? SCALES[suffix ?? ""] : 10 ** Number(exponent);
  return scale === undefined ? undefined : Number(digits) * scale;
}

/** In thousandths, rounded up: CPU is counted so. Undefined when `quantity` is none. */
export function parseMilli(quantity: string | number): number | undefined {
  const value = parseQuantity(quantity);
  // The tiny subtraction takes back what binary fractions add: 0.1 * 1000 must not become 101.
  return value === undefined ? undefined : Math.ceil(value * 1_000 - 1e-6);
}
