// Random databases of ten kinds, determined by a seed.

import * as data from './random_kinds_data.mjs';
import * as objects from './random_kinds_objects.mjs';
import { identifier, oddName } from './random.mjs';
import { Database } from './database.mjs';

const simple = { ...data, ...objects };

// Several other kinds together, each in its own schema.
function mixture(r) {
  return r.some(Object.keys(simple), r.int(3, 5)).map((kind, i) => {
    const schema = identifier(`${oddName(r, i)} schema`.replaceAll('\n', ' '));
    return `CREATE SCHEMA ${schema};\n${simple[kind](r, schema)}`;
  }).join('\n');
}

const kinds = Object.fromEntries([...Object.entries(simple).map(([name, make]) => [name, (r) => make(r, 'public')]), ['mixture', mixture]]);
export const kindNames = Object.keys(kinds);

// Roles belong to the whole server.
export async function createRoles(server) {
  await new Database(server, 'postgres').exec('CREATE ROLE app_owner; CREATE ROLE "Reader ""é""";');
}

const EXTENSIONS = 'CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION btree_gist; CREATE EXTENSION pg_trgm; CREATE EXTENSION "uuid-ossp";';

export function randomSql(kind, r) {
  return `SET client_min_messages = warning;\n${EXTENSIONS}\n${kinds[kind](r)}`;
}
