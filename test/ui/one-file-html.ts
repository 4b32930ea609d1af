import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const dist = join(__dirname, "../../dist");

export interface PageOptions {
  /** Null for a page that waits for messages. */
  readonly bytes: Uint8Array | null;
  readonly mode?: "full" | "compact";
  readonly theme?: string;
  readonly bodyClass?: string;
}

/** The page as the export writes it: everything in one file, nothing from the network. */
export function oneFileHtml({ bytes, mode = "full", theme = "", bodyClass = "" }: PageOptions): string {
  const script = readFileSync(join(dist, "webview.js"), "utf8").replaceAll("</script", "<\\/script");
  const css = readFileSync(join(dist, "webview.css"), "utf8");
  const trace = bytes
    ? `<script type="application/octet-stream" id="heddle-trace" data-name="pipeline.ts">${gzipSync(bytes).toString("base64")}</script>`
    : "";
  return `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>pipeline.ts</title><style>${css}</style></head>
<body data-mode="${mode}"${theme ? ` data-theme="${theme}"` : ""}${bodyClass ? ` class="${bodyClass}"` : ""}>${trace}
<script>${script}</script></body></html>`;
}
