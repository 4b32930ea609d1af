/**
 * Puts tables into the documents. A table's place is marked by `<!-- bench: ID -->` and `<!-- /bench -->`; what stands
 * between them is replaced, and tables that a document has no place for are left out of it.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { machineLine } from "./machine.mjs";
import { root } from "./measure.mjs";

const documents = ["README.md", join("docs", "benchmarks.md")];

/** A text with the places of these tables filled, and how many they were. */
export function fillPlaces(text, tables, machine) {
  let count = 0;
  const filled = text.replace(/(<!-- bench: (\S+) -->\n)[\s\S]*?(<!-- \/bench -->)/g, (whole, begin, id, end) => {
    const table = tables.find((each) => each.id === id);
    if (table === undefined) return whole;
    count++;
    return `${begin}${table.toMarkdown()}\n\n_${machineLine(machine)}_\n${end}`;
  });
  return { filled, count };
}

/** Fills the places of these tables in all documents. Returns how many were filled. */
export function writeTables(tables, machine) {
  let sum = 0;
  for (const document of documents) {
    const file = join(root, document);
    if (!existsSync(file)) continue;
    const { filled, count } = fillPlaces(readFileSync(file, "utf8"), tables, machine);
    if (count > 0) writeFileSync(file, filled);
    sum += count;
  }
  return sum;
}
