// Addresses of the service, which may lie below a path of its host: the document's base says so.

const base = new URL(document.baseURI).pathname;

// "/cch" of "/cch/"; empty at the root.
export const prefix = base.replace(/\/$/, '');

// "/api/…" as it is to be asked for.
export const addressOf = (path: string): string => prefix + path;

// What the router calls "/settings/data", of its own "/cch/settings/data": its locations, unlike those of its hooks, begin with the
// prefix, and where it is told to go must not.
export const pageOf = (pathname: string): string =>
  prefix !== '' && `${pathname}/`.startsWith(`${prefix}/`) ? pathname.slice(prefix.length) || '/' : pathname;
