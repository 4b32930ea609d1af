/** The page around the timeline's one script. Nothing is loaded but our two files; nothing reaches the network. */
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { ViewMode } from "../protocol/messages.js";

export function webviewOptions(extensionUri: vscode.Uri): vscode.WebviewOptions {
  return { enableScripts: true, localResourceRoots: [vscode.Uri.joinPath(extensionUri, "dist")] };
}

export function timelineHtml(webview: vscode.Webview, extensionUri: vscode.Uri, mode: ViewMode): string {
  const nonce = randomBytes(16).toString("base64");
  const uri = (name: string) => webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, "dist", name)).toString();
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    // d3 and the canvas place things by style attributes.
    `style-src ${webview.cspSource} 'unsafe-inline'`,
    `font-src ${webview.cspSource}`,
    "img-src data: blob:",
    "worker-src blob:",
  ].join("; ");
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Heddle</title>
<link rel="stylesheet" href="${uri("webview.css")}">
</head>
<body data-mode="${mode}">
<script nonce="${nonce}" src="${uri("webview.js")}"></script>
</body>
</html>`;
}
