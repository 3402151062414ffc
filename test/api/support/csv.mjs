// RFC 4180, read strictly.

// The records as arrays of cells; throws on invalid CSV.
export function readCsv(text) {
  const records = [];
  let at = 0;
  while (at < text.length) {
    const record = [];
    for (;;) {
      const found = /"((?:[^"]|"")*)"|([^",\r\n]*)/y;
      found.lastIndex = at;
      const [whole, quoted, plain] = found.exec(text);
      record.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
      at += whole.length;
      if (text[at] !== ',') break;
      at++;
    }
    if (text.slice(at, at + 2) !== '\r\n') throw new Error(`no CSV at ${at}: ${JSON.stringify(text.slice(at, at + 40))}`);
    at += 2;
    records.push(record);
  }
  return records;
}
