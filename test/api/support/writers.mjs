// Sessions that write continuously, in transactions that keep an invariant. A reader of a partial transaction sees it broken.

import { until } from './run.mjs';

// `rows` rows of about 3 KB each, two or three to a page, so that a changed row moves to another page.
const setup = (rows) => `
  CREATE SCHEMA live;
  CREATE TABLE live.stop ();
  CREATE TABLE live.ledger (id bigserial PRIMARY KEY, account integer NOT NULL, amount integer NOT NULL, filler text);
  ALTER TABLE live.ledger ALTER filler SET STORAGE PLAIN;
  CREATE TABLE live.balances (account integer PRIMARY KEY, total bigint NOT NULL, entries bigint NOT NULL);
  INSERT INTO live.ledger (account, amount, filler) SELECT 1 + i % 10, i, repeat(md5(i::text), 90) FROM generate_series(1, ${rows}) AS i;
  INSERT INTO live.balances SELECT account, sum(amount), count(*) FROM live.ledger GROUP BY account;
  -- Who changes an account locks its balance first. Rows are added, moved and removed, so that pages fill and empty.
  CREATE PROCEDURE live.work() LANGUAGE plpgsql AS $$
    DECLARE chosen integer; added integer; gone record;
    BEGIN
      WHILE NOT EXISTS (SELECT FROM live.stop) LOOP
        chosen := 1 + floor(random() * 10);
        added := floor(random() * 1000);
        UPDATE live.balances SET total = total + 2 * added, entries = entries + 2 WHERE account = chosen;
        INSERT INTO live.ledger (account, amount, filler) SELECT chosen, added, repeat(md5(i::text), 90) FROM generate_series(1, 2) AS i;
        UPDATE live.ledger SET filler = filler || 'm' WHERE id IN (SELECT id FROM live.ledger WHERE account = chosen ORDER BY random() LIMIT 3);
        DELETE FROM live.ledger WHERE id = (SELECT id FROM live.ledger WHERE account = chosen ORDER BY id LIMIT 1) RETURNING amount INTO gone;
        UPDATE live.balances SET total = total - gone.amount, entries = entries - 1 WHERE account = chosen;
        COMMIT;
      END LOOP;
    END $$;`;

const BROKEN = `
  SELECT account, total, sum(amount), entries, count(id) FROM live.balances AS b LEFT JOIN live.ledger AS l USING (account)
  GROUP BY account HAVING total IS DISTINCT FROM sum(amount) OR entries <> count(id)`;

// Starts `count` writers in the schema `live`, which is created; resolves when they write. `stop` ends them and resolves to
// the number of transactions that they committed.
export async function startWriters(database, { rows, count = 2 }) {
  await database.exec(setup(rows));
  const sessions = Array.from({ length: count }, () => database.session());
  const work = sessions.map((session) => session.exec('CALL live.work()'));
  const entries = () => database.value('SELECT sum(entries) FROM live.balances').then(Number);
  const before = await entries();
  await until('the writers', async () => (await entries()) > before);
  return {
    async stop() {
      await database.exec('INSERT INTO live.stop DEFAULT VALUES');
      await Promise.all(work);
      await Promise.all(sessions.map((session) => session.close()));
      return (await entries()) - before;
    },
  };
}

// Accounts whose balance is not the sum of their entries, in a database restored from one with active writers.
export const brokenAccounts = (database) => database.rows(BROKEN);
