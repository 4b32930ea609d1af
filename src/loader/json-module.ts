/** JSON that is imported without `with { type: "json" }`, as TypeScript and bundlers take it. */

const NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const reserved = new Set(
  (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends " +
    "false finally for function if implements import in instanceof interface let new null package private protected " +
    "public return static super switch this throw true try typeof var void while with yield"
  ).split(" "),
);

/** An ES module with the value as its default export and the keys of an object as names. */
export function jsonModule(text: string, path: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (error) {
    throw new SyntaxError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const lines = [`const value = JSON.parse(${JSON.stringify(JSON.stringify(value))});`, "export default value;"];
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    Object.keys(value).forEach((key, index) => {
      if (!NAME.test(key) || reserved.has(key)) return;
      lines.push(`const v${index}_ = value[${JSON.stringify(key)}]; export { v${index}_ as ${key} };`);
    });
  }
  return lines.join("\n");
}
