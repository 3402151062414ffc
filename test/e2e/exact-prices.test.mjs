// The arithmetic of the prices page: decimals as text, never doubles. Needs no browser.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { before, describe, test } from 'node:test';
import { randomTable } from '../api/support/prices.mjs';

const web = new URL('../../web/', import.meta.url);
const haveModules = existsSync(new URL('node_modules/', web));

describe('prices as texts', { skip: !haveModules && 'the pages were not built here' }, () => {
  let exact, fields;

  before(async () => {
    const require = createRequire(new URL('package.json', web));
    const { build } = createRequire(require.resolve('vite'))('esbuild');
    const stdin = { contents: "export * as exact from './exact'; export * as fields from './fields';", resolveDir: fileURLToPath(new URL('src/pages/prices/values', web)) };
    const { outputFiles } = await build({ stdin, bundle: true, write: false, format: 'esm', logLevel: 'silent' });
    ({ exact, fields } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`));
  });

  test('JSON is read and written without losing a digit or a field, for random tables', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const text = randomTable(seed, 20);
      const value = exact.parseExact(text);
      const again = exact.writeExact(value, seed % 2 ? 2 : 0);
      assert.ok(exact.equalExact(exact.parseExact(again), value));
      assert.deepEqual(JSON.parse(again), JSON.parse(text));
      const numbers = (json) => [...json.matchAll(/(?<=[:[,{ ])-?\d[\d.eE+-]*/g)].map(([number]) => number).sort();
      assert.deepEqual(numbers(exact.writeExact(value)), numbers(text.replace(/: /g, ':')));
    }
  });

  test('what is no JSON says where, and a key that comes twice is none', () => {
    const wrong = {
      '': '1:1', '{': '1:2', '{"a":1,}': '1:8', '[1,]': '1:4', '{"a" 1}': '1:6', '{"a":01}': '1:7', '{"a":.5}': '1:6', "{'a':1}": '1:2', '{"a":1} x': '1:9',
      '{\n "a": tru}': '2:7', '{"a":1,\n"a":2}': '2:1', '["a\nb"]': '1:2', '{"a":NaN}': '1:6', '[1 2]': '1:4',
    };
    for (const [text, place] of Object.entries(wrong)) assert.throws(() => exact.parseExact(text), { name: 'SyntaxError', message: place }, text);
    assert.throws(() => exact.parseExact('['.repeat(100) + ']'.repeat(100)), SyntaxError);
    assert.equal(exact.writeExact(exact.parseExact('{"__proto__":{"x":1},"constructor":2}')), '{"__proto__":{"x":1},"constructor":2}');
  });

  test('the decimal point moves exactly, there and back', () => {
    const cases = [['0.000003', 6, '3'], ['3e-7', 6, '0.3'], ['1.10', 0, '1.1'], ['0', 6, '0'], ['-0.0', 6, '0'], ['9007199254740993', -6, '9007199254.740993'],
      ['123456789012345678901234567890', 6, '123456789012345678901234567890000000'], ['0.30000000000000004', 6, '300000.00000000004'], ['5e-324', 324, '5'], ['-12.5', -1, '-1.25']];
    for (const [text, places, moved] of cases) {
      assert.equal(exact.shift(text, places), moved);
      assert.equal(exact.compareDecimals(exact.shift(moved, -places), text), 0, text);
    }
    assert.throws(() => exact.shift('1,5', 6), RangeError);
  });

  test('decimals are compared as numbers, whatever their spelling', () => {
    const ascending = ['-1e3', '-999', '-0.1', '0', '1e-400', '0.1', '0.10000000000000000000000000001', '9007199254740992', '9007199254740993', '1e400'];
    ascending.forEach((a, i) => ascending.forEach((b, j) => assert.equal(Math.sign(exact.compareDecimals(a, b)), Math.sign(i - j), `${a} ${b}`)));
    assert.equal(exact.compareDecimals('3e-7', '0.00000030'), 0);
  });

  test('an input says what is wrong, and stores what was typed to the last digit', () => {
    const price = fields.fields.find(({ name }) => name === 'input_cost_per_token');
    const tokens = fields.fields.find(({ name }) => name === 'max_input_tokens');
    for (const [typed, problem] of [['', undefined], [' 3.5 ', undefined], ['3,5', 'notNumber'], ['3abc', 'notNumber'], ['-1', 'negative'], ['-0', undefined], ['NaN', 'notNumber'],
      ['Infinity', 'notNumber'], ['0x10', 'notNumber'], ['1e500', 'tooLong'], ['1'.repeat(200), 'tooLong']]) assert.equal(fields.problemOf(price, typed), problem, typed);
    assert.equal(fields.problemOf(tokens, '1.5'), 'notWhole');
    assert.equal(fields.problemOf(tokens, '1e3'), undefined);
    assert.equal(fields.fromInput(price, ' 0.30000000000000004 ').text, '0.00000030000000000000004');
    assert.equal(fields.fromInput(tokens, '128000').text, '128000');
    assert.equal(fields.fromInput(price, '  '), undefined);
    const stored = exact.parseExact('0.0000025');
    assert.deepEqual(['2.5', '25', '25.1', '0.24', '0.25', '0'].map((typed) => fields.warningOf(price, typed, stored)), [undefined, undefined, 'tenfold', 'tenfold', undefined, 'zero']);
    assert.equal(fields.warningOf(price, '5000', undefined), 'looksPerToken');
  });

  test('a field whose stored value its input cannot hold stays with the others', () => {
    const data = exact.parseExact('{"mode":"chat","input_cost_per_token":"free","display_name":"","max_input_tokens":1e3,"supports_prompt_caching":null,"x":[1.10]}');
    const { inputs, others } = fields.splitData(data);
    assert.deepEqual([inputs.mode, inputs.input_cost_per_token, inputs.max_input_tokens], ['chat', '', '1000']);
    assert.equal(exact.writeExact(others), '{"input_cost_per_token":"free","display_name":"","supports_prompt_caching":null,"x":[1.10]}');
  });
});
