/** What the loader hands to Node in place of a user's module. */
export interface CompiledModule {
  /** How Node is to take the code. */
  readonly format: "module" | "commonjs";
  /** Where in `code` the module's URL, as a string literal, has to be put in; -1 for nowhere. */
  readonly urlAt: number;
  /** JavaScript, with the registration of its top-level functions and, where positions moved, a source map. */
  readonly code: string;
}

/** The code with its URL filled in. */
export function codeFor(compiled: CompiledModule, url: string): string {
  const { code, urlAt } = compiled;
  return urlAt < 0 ? code : code.slice(0, urlAt) + JSON.stringify(url) + code.slice(urlAt);
}
