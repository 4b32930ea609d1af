/** The strings of a trace, each once. Index 0 is "". */
export class StringTable {
  readonly all: string[] = [""];
  readonly #indexes = new Map<string, number>([["", 0]]);

  index(text: string): number {
    let index = this.#indexes.get(text);
    if (index === undefined) {
      index = this.all.length;
      this.all.push(text);
      this.#indexes.set(text, index);
    }
    return index;
  }
}

/** "file:///a%20b.ts:3:5" → "/a b.ts:3:5"; what is no file URL stays as it is. */
export function siteOfUrl(text: string): string {
  if (!text.startsWith("file://")) return text;
  let path = text.slice(7);
  const query = /[?#][^:]*(?=(:\d+)*$)/.exec(path);
  if (query) path = path.slice(0, query.index) + path.slice(query.index + query[0].length);
  if (/^\/[A-Za-z]:\//.test(path)) path = path.slice(1);
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** "/a/b.ts:3:5" → "/a/b.ts:3". */
export function withoutColumn(site: string): string {
  return /:\d+:\d+$/.test(site) ? site.slice(0, site.lastIndexOf(":")) : site;
}

/** "/a/b.ts:3:5" → "b.ts:3". */
export function shortSite(site: string): string {
  const whole = withoutColumn(site);
  return whole.slice(Math.max(whole.lastIndexOf("/"), whole.lastIndexOf("\\")) + 1);
}
