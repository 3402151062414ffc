// Random choices, reproducible by a seed.

export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  // From 0 up to 1 (mulberry32).
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  // An integer from `low` to `high`, both included.
  int(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  chance(probability) {
    return this.next() < probability;
  }

  pick(list) {
    return list[this.int(0, list.length - 1)];
  }

  shuffle(list) {
    const copy = [...list];
    for (let i = copy.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [copy[i], copy[j]] = [copy[j], copy[i]];
    }
    return copy;
  }

  // `count` different items, or all if there are fewer.
  some(list, count) {
    return this.shuffle(list).slice(0, count);
  }

  times(low, high, make) {
    return Array.from({ length: this.int(low, high) }, (_, i) => make(i));
  }

  // A random seed for another generator.
  fork() {
    return new Random(this.int(0, 0xffffffff));
  }
}

export const identifier = (name) => `"${name.replaceAll('"', '""')}"`;
export const literal = (text) => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const ODD = [
  'select', 'Upper Case', 'a.b', 'say "hi"', "it's", 'back\\slash', '\\.', '\\N', ' blank ', 'new\nline', 'tab\t', '%s%n', '名称', 'é̀',
  '😀', '$$', '$1', '--', '/* */', ';', '{a,b}', 'x'.repeat(50), '0', 'Pg_restore', 'E\'', 'a\\nb', '"', '; DROP TABLE x; --', 'public', 'table',
];

// An unusual name, different for each number.
export function oddName(r, number) {
  return `${r.pick(ODD)}${number}`;
}

// Text that COPY's escapes, an encoding or a line reader could get wrong.
const TRAPS = [
  '', ' ', '\\.', '\\N', 'NULL', '\t', '\n', '\r\n', 'a\tb\nc\\d', '\\\\.', '\\.\n', '\n\\.\n', '\u0001\u001f', '\u007f', '名称 é 😀', "it's", '"quoted"',
  '\\x41', '\\b\\f\\v', '\b\f\v', 'x'.repeat(3000), '\\', '\u2028', '{}', '\\copy', '--',
];
export const oddText = (r) => (r.chance(0.3) ? r.pick(TRAPS) : r.times(1, 4, () => r.pick(TRAPS)).join(r.pick(['', ' ', '\n'])));
