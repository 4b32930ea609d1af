/** The timeline as one HTML file that carries its trace: nothing is loaded, nothing reaches the network. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { asTraceFileError, TraceFileError } from "./report-input.js";

/**
 * Writes the page.
 * @throws TraceFileError with one line for a person if a file cannot be read or written.
 */
export async function writeHtml(tracePath: string, htmlPath: string): Promise<void> {
  const [before, after] = page(basename(tracePath));
  try {
    const out = createWriteStream(htmlPath);
    await pipeline(createReadStream(tracePath), createGzip({ level: 6 }), new Base64(before, after), out);
  } catch (error) {
    const { path } = error as NodeJS.ErrnoException;
    throw asTraceFileError(typeof path === "string" ? path : htmlPath, error);
  }
}

/** What stands before and after the trace's bytes. */
function page(name: string): [before: string, after: string] {
  const script = scriptText(readDist("webview.js"));
  const style = existsSync(distFile("webview.css")) ? readDist("webview.css").replace(/<\/style/gi, "<\\/style") : "";
  const hash = createHash("sha256").update(script, "utf8").digest("base64");
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${hash}'`,
    // d3 and the canvas place things by style attributes.
    "style-src 'unsafe-inline'",
    "img-src data: blob:",
    "font-src data:",
    "worker-src blob:",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  const title = escapeHtml(name);
  return [
    `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – Heddle</title>
<style>${style}</style>
</head>
<body data-mode="full">
<script type="application/octet-stream" id="heddle-trace" data-name="${title}">`,
    `</script>
<script>${script}</script>
</body>
</html>
`,
  ];
}

/** A script's text that ends nowhere but at its end, also within strings and patterns. */
export function scriptText(source: string): string {
  return source.replace(/<(?=\/script|!--)/gi, "\\x3C");
}

export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a file's name may hold is what we take out.
  return text.replace(/[&<>"']/g, (sign) => entities[sign]!).replace(/[\u0000-\u001f\u007f-\u009f]/g, "\ufffd");
}

/** Bytes to base64, between two texts. Base64 has no sign that means something in HTML. */
class Base64 extends Transform {
  #rest: Buffer = Buffer.alloc(0);

  constructor(
    before: string,
    readonly after: string,
  ) {
    super();
    this.push(before, "utf8");
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const whole = bytes.length - (bytes.length % 3);
    this.#rest = bytes.subarray(whole);
    done(null, Buffer.from(bytes.toString("base64", 0, whole), "latin1"));
  }

  override _flush(done: TransformCallback): void {
    done(null, Buffer.from(this.#rest.toString("base64") + this.after, "utf8"));
  }
}

/** Files of the build: beside us when bundled, in dist/ when run from the sources. */
function distFile(name: string): string {
  const beside = join(__dirname, name);
  return existsSync(beside) ? beside : join(dirname(dirname(__dirname)), "dist", name);
}

function readDist(name: string): string {
  try {
    return readFileSync(distFile(name), "utf8");
  } catch {
    throw new TraceFileError(`The timeline's ${name} is missing: this installation of Heddle is not complete.`);
  }
}
