/** Code that V8 has written down (code-cache.ts) has lost the way to `import()`: it finds it on the global object. */
const IMPORT = Symbol.for("heddle.import");

type Import = (url: string) => Promise<unknown>;
const all = globalThis as unknown as Record<symbol, Import | undefined>;

/** Puts the way to import there. To be called from a file that Node itself has loaded. */
export function provideImport(): void {
  if (all[IMPORT] === undefined) Object.defineProperty(all, IMPORT, { value: (url: string) => import(url) });
}

/** Imports the module of a URL. */
export const importUrl: Import = (url) => (all[IMPORT] ?? ((own: string) => import(own)))(url);
