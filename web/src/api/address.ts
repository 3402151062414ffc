// Addresses of the service, which may lie below a path of its host: the document's base says so.

const base = new URL(document.baseURI).pathname;

// "/cch" of "/cch/"; empty at the root.
export const prefix = base.replace(/\/$/, '');

// The address to request for "/api/…".
export const addressOf = (path: string): string => prefix + path;

// The router's location without the prefix: "/settings/data" for "/cch/settings/data". Its locations, unlike those of its hooks, begin
// with the prefix; its targets must not.
export const pageOf = (pathname: string): string =>
  prefix !== '' && `${pathname}/`.startsWith(`${prefix}/`) ? pathname.slice(prefix.length) || '/' : pathname;
