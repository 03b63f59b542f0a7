/**
 * A map that never changes: one that differs in an entry is made in a time that hardly grows with its size, and shares all
 * the rest. A hash trie of sixteen branches. Source: Bagwell, "Ideal Hash Trees", 2001.
 */
const BITS = 4;
const WIDTH = 1 << BITS;
/** Beyond it the bits of a hash are used up, and what collides stands in one leaf. */
const DEPTH_MAX = 32 / BITS;

/** Entries of one place: more than one only where the whole hash is the same. */
type Leaf<V> = readonly (readonly [key: string, value: V])[];
interface Branch<V> {
  readonly children: readonly (Node<V> | undefined)[];
}
type Node<V> = Leaf<V> | Branch<V>;

export class SharedMap<V> {
  readonly size: number;
  private readonly root: Node<V>;

  private constructor(root: Node<V>, size: number) {
    this.root = root;
    this.size = size;
  }

  static empty<V>(): SharedMap<V> {
    return new SharedMap<V>([], 0);
  }

  get(key: string): V | undefined {
    const hash = hashOf(key);
    let node: Node<V> | undefined = this.root;
    for (let depth = 0; node !== undefined && !isLeaf(node); depth++) node = node.children[branchOf(hash, depth)];
    return node?.find(([each]) => each === key)?.[1];
  }

  with(key: string, value: V): SharedMap<V> {
    return new SharedMap(put(this.root, key, value, hashOf(key), 0), this.size + (this.get(key) === undefined ? 1 : 0));
  }

  without(key: string): SharedMap<V> {
    if (this.get(key) === undefined) return this;
    return new SharedMap(remove(this.root, key, hashOf(key), 0) ?? [], this.size - 1);
  }
}

function isLeaf<V>(node: Node<V>): node is Leaf<V> {
  return Array.isArray(node);
}

function put<V>(node: Node<V> | undefined, key: string, value: V, hash: number, depth: number): Node<V> {
  if (node === undefined) return [[key, value]];
  if (!isLeaf(node)) {
    const at = branchOf(hash, depth);
    return { children: node.children.with(at, put(node.children[at], key, value, hash, depth + 1)) };
  }
  const others = node.filter(([each]) => each !== key);
  if (others.length === 0 || depth === DEPTH_MAX) return [...others, [key, value]];
  const empty: Branch<V> = { children: Array.from({ length: WIDTH }, () => undefined) };
  return [...others, [key, value] as const].reduce<Node<V>>(
    (branch, [each, its]) => put(branch, each, its, hashOf(each), depth),
    empty,
  );
}

/** Undefined when nothing is left. */
function remove<V>(node: Node<V>, key: string, hash: number, depth: number): Node<V> | undefined {
  if (isLeaf(node)) {
    const left = node.filter(([each]) => each !== key);
    return left.length === 0 ? undefined : left;
  }
  const at = branchOf(hash, depth);
  const child = node.children[at];
  if (child === undefined) return node;
  const children = node.children.with(at, remove(child, key, hash, depth + 1));
  return children.some((each) => each !== undefined) ? { children } : undefined;
}

function branchOf(hash: number, depth: number): number {
  return (hash >>> (depth * BITS)) & (WIDTH - 1);
}

/** FNV-1a over UTF-16 units. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
