// Operations that this page has started. They are shown where they were started, not among those of others.

const own = new Set<string>();

export const isOwnOperation = (id: string): boolean => own.has(id);

export function addOwnOperation(id: string): void {
  own.add(id);
}
