/** Longer strings are cut. */
const LONGEST = 60;

/** What a value is, in the words of an error message. */
export function describe(value: unknown): string {
  if (typeof value === "function") return `function ${value.name || "(anonymous)"}`;
  // Without its quotes or its n it would look like what was wanted: "timeout must be a number, not 5".
  if (typeof value === "string") return JSON.stringify(value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "object" && value !== null) {
    const name = value.constructor?.name;
    // A generator's constructor has no name, and an iterator's is Object's, but their kinds have.
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    return name && (name !== "Object" || tag === name)
      ? `a value of class ${name}`
      : tag === "Object"
        ? "an object"
        : `a value of kind ${tag}`;
  }
  return String(value);
}
