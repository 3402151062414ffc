// Addresses of the service, which may lie below a path of its host: the document's base says so.

const base = new URL(document.baseURI).pathname;

// "/cch" of "/cch/"; empty at the root.
export const prefix = base.replace(/\/$/, '');

// "/api/…" as it is to be asked for.
export const addressOf = (path: string): string => prefix + path;
