// JSON without loss: numbers keep their text, because a price must not pass through a double.

export class Exact {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Json = null | boolean | string | Exact | Json[] | JsonObject;
// Objects without a prototype, so that any name can be a key.
export interface JsonObject {
  [key: string]: Json;
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Exact);

export const emptyObject = (): JsonObject => Object.create(null) as JsonObject;

const MAX_DEPTH = 64;
const tokens = /[ \t\r\n]*([{}[\],:]|"(?:[^"\\\u0000-\u001f]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|$)/y;

class Reader {
  private readonly text: string;
  private token = '';
  private end = 0;

  constructor(text: string) {
    this.text = text;
    this.next();
  }

  // Parses to the end of the text. Throws a SyntaxError with line and column if it is not JSON.
  readAll(): Json {
    const value = this.read(0);
    if (this.token !== '') this.fail();
    return value;
  }

  private next() {
    tokens.lastIndex = this.end;
    const match = tokens.exec(this.text);
    if (match === null) {
      this.end += /^[ \t\r\n]*/.exec(this.text.slice(this.end))?.[0].length ?? 0;
      this.token = this.text[this.end] ?? '';
      this.fail(this.end);
    }
    this.token = match[1] ?? '';
    this.end = tokens.lastIndex;
  }

  private fail(at = this.end - this.token.length): never {
    const before = this.text.slice(0, at).split('\n');
    throw new SyntaxError(`${before.length}:${(before.at(-1)?.length ?? 0) + 1}`);
  }

  private expect(token: string) {
    if (this.token !== token) this.fail();
    this.next();
  }

  private read(depth: number): Json {
    const token = this.token;
    if (depth > MAX_DEPTH) this.fail();
    if (token === '{') return this.readObject(depth);
    if (token === '[') return this.readArray(depth);
    if (token === '' || '}],:'.includes(token)) this.fail();
    if (token[0] !== '"') {
      this.next();
      if (token === 'null') return null;
      return token === 'true' || token === 'false' ? token === 'true' : new Exact(token);
    }
    return this.readString();
  }

  private readString(): string {
    let text: string;
    try {
      text = JSON.parse(this.token) as string;
    } catch {
      this.fail();
    }
    this.next();
    return text;
  }

  private readObject(depth: number): JsonObject {
    const object = emptyObject();
    this.next();
    while (this.token !== '}') {
      if (this.token[0] !== '"') this.fail();
      const at = this.end - this.token.length;
      const key = this.readString();
      if (key in object) this.fail(at); // ambiguous
      this.expect(':');
      object[key] = this.read(depth + 1);
      if (this.token !== '}') {
        this.expect(',');
        if (this.token === '}') this.fail();
      }
    }
    this.next();
    return object;
  }

  private readArray(depth: number): Json[] {
    const array: Json[] = [];
    this.next();
    while (this.token !== ']') {
      array.push(this.read(depth + 1));
      if (this.token !== ']') {
        this.expect(',');
        if (this.token === ']') this.fail();
      }
    }
    this.next();
    return array;
  }
}

// Throws a SyntaxError with the message "line:column" for invalid JSON and duplicate keys.
export const parseExact = (text: string): Json => new Reader(text).readAll();

// `indent` in spaces; 0 is one line.
export function writeExact(value: Json, indent = 0, depth = 0): string {
  if (value instanceof Exact) return value.text;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const line = (levels: number) => (indent > 0 ? `\n${' '.repeat(indent * levels)}` : '');
  const join = (items: string[], open: string, close: string) =>
    items.length === 0 ? open + close : open + line(depth + 1) + items.join(`,${line(depth + 1)}`) + line(depth) + close;
  if (Array.isArray(value)) return join(value.map((item) => writeExact(item, indent, depth + 1)), '[', ']');
  const colon = indent > 0 ? ': ' : ':';
  return join(Object.entries(value).map(([key, item]) => JSON.stringify(key) + colon + writeExact(item, indent, depth + 1)), '{', '}');
}

// Equality as in PostgreSQL's jsonb: the order of keys and the spelling of numbers do not matter.
export function equalExact(a: Json | undefined, b: Json | undefined): boolean {
  if (a instanceof Exact && b instanceof Exact) return compareDecimals(a.text, b.text) === 0;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => equalExact(item, b[i]));
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a);
    return keys.length === Object.keys(b).length && keys.every((key) => key in b && equalExact(a[key], b[key]));
  }
  return a === b;
}

// A decimal as digits × 10^exponent, without zeros around the digits; zero is "".
interface Parts {
  isNegative: boolean;
  digits: string;
  exponent: number;
}

const decimal = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;

function partsOf(text: string): Parts | undefined {
  const match = decimal.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  return { isNegative: sign === '-' && digits !== '', digits, exponent: Number(exponent) - fraction.length + all.length - digits.length };
}

// Whether and how a number, as it was read, can be written without an exponent (1e9999 is also a number).
export const isDecimalNumber = ({ text }: Exact): boolean => isDecimal(text);
export const plainNumber = ({ text }: Exact): string => shift(text, 0);

export const isDecimal = (text: string): boolean => decimal.test(text);

function plain({ isNegative, digits, exponent }: Parts): string {
  if (digits === '') return '0';
  const sign = isNegative ? '-' : '';
  const point = digits.length + exponent;
  if (exponent >= 0) return sign + digits + '0'.repeat(exponent);
  return point > 0 ? `${sign}${digits.slice(0, point)}.${digits.slice(point)}` : `${sign}0.${'0'.repeat(-point)}${digits}`;
}

// The decimal × 10^places, exactly, written without an exponent. `text` must be a decimal.
export function shift(text: string, places: number): string {
  const parts = partsOf(text);
  if (parts === undefined) throw new RangeError(`not a decimal: ${text}`);
  return plain({ ...parts, exponent: parts.exponent + places });
}

// Negative, zero or positive, like the comparison of a sort.
export function compareDecimals(a: string, b: string): number {
  const left = partsOf(a);
  const right = partsOf(b);
  if (left === undefined || right === undefined) throw new RangeError(`not decimals: ${a}, ${b}`);
  const sign = ({ isNegative, digits }: Parts) => (digits === '' ? 0 : isNegative ? -1 : 1);
  if (sign(left) !== sign(right)) return sign(left) - sign(right);
  if (left.digits === '') return 0;
  const size =
    left.digits.length + left.exponent - (right.digits.length + right.exponent) ||
    (left.digits < right.digits ? -1 : left.digits > right.digits ? 1 : 0);
  return size === 0 ? 0 : size * sign(left);
}
