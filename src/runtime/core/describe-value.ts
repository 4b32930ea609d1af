/** What a value is, in the words of an error message. */
export function describe(value: unknown): string {
  if (typeof value === "function") return `function ${value.name || "(anonymous)"}`;
  if (typeof value === "symbol") return String(value);
  if (typeof value === "object" && value !== null) {
    const name = value.constructor?.name;
    return name ? `a value of class ${name}` : "an object";
  }
  return String(value);
}
