import { ok, strictEqual } from "node:assert/strict";
import * as vscode from "vscode";
import { closeAll, until, write } from "./support.js";

const script = `import { Lock, Thread } from "heddle/threading";
import { Queue } from "heddle/queue";
import * as heddle from "heddle";
const lock = new Lock({ name: "a" });
const queue = new Queue<number>({ maxSize: 3 });
const wrong: string = lock.acquireSync();
const missing = lock.noSuchMember;
export { heddle, lock, missing, queue, Thread, wrong };
`;

describe("the types of heddle/*", () => {
  after(closeAll);

  it("resolve with nothing installed, and are checked", async () => {
    const uri = vscode.Uri.file(write("typed.ts", script));
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document);
    // The two mistakes are reported only when the types were found; waiting for them waits for tsserver.
    const codes = () => vscode.languages.getDiagnostics(uri).map((one) => Number(one.code));
    await until("the mistakes are reported", () => codes().includes(2322) && codes().includes(2339), [
      vscode.languages.onDidChangeDiagnostics,
    ]).catch((error) => {
      const all = vscode.languages.getDiagnostics(uri).map((one) => `${one.code}: ${one.message}`);
      throw new Error(`${error.message}; reported: ${all.join("\n")}`);
    });
    const errors = vscode.languages
      .getDiagnostics(uri)
      .filter((one) => one.severity === vscode.DiagnosticSeverity.Error)
      .map((one) => `${one.range.start.line + 1}: ${one.message}`);
    strictEqual(errors.length, 2, errors.join("\n"));
  });

  it("are completed, members and module names alike", async () => {
    const uri = vscode.Uri.file(
      write("completed.ts", `import { Lock } from "heddle/threading";\nconst a = new Lock();\na.\nimport "hed";\n`),
    );
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
    const labels = async (line: number, column: number) => {
      const found = await vscode.commands.executeCommand<vscode.CompletionList>(
        "vscode.executeCompletionItemProvider",
        uri,
        new vscode.Position(line, column),
      );
      return found.items.map((item) => (typeof item.label === "string" ? item.label : item.label.label));
    };
    const members = await labels(2, 2);
    ok(members.includes("acquireSync"), members.slice(0, 20).join(" "));
    const modules = await labels(3, 11);
    ok(modules.includes("heddle/queue"), modules.slice(0, 20).join(" "));
  });
});
