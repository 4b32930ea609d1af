import { deepStrictEqual, ok } from "node:assert/strict";
import * as vscode from "vscode";
import { commandIds } from "../../../src/extension/commands.js";
import { heddle } from "./support.js";

describe("the manifest", () => {
  it("names exactly the commands that exist", async () => {
    await heddle();
    const manifest = vscode.extensions.getExtension("heddle.heddle")!.packageJSON;
    const named = manifest.contributes.commands.map((command: { command: string }) => command.command).sort();
    deepStrictEqual(named, [...commandIds].sort());
    const registered = new Set(await vscode.commands.getCommands());
    for (const id of named) ok(registered.has(id), `${id} is not registered`);
  });

  it("has menus only for commands it names, and pictures that exist", async () => {
    const extension = vscode.extensions.getExtension("heddle.heddle")!;
    const { contributes, icon } = extension.packageJSON;
    const names = new Set<string>(commandIds);
    for (const [menu, entries] of Object.entries<{ command: string }[]>(contributes.menus)) {
      for (const { command } of entries) ok(names.has(command), `${menu}: ${command}`);
    }
    const pictures = [
      icon,
      ...contributes.walkthroughs[0].steps.flatMap((step: { media: { image: Record<string, string> } }) =>
        Object.values(step.media.image),
      ),
    ];
    for (const picture of pictures) {
      const info = await vscode.workspace.fs.stat(vscode.Uri.joinPath(extension.extensionUri, picture));
      ok(info.size > 500, picture);
    }
  });

  it("offers a run in the editor's title and menu, the explorer's menu and the palette, for scripts only", () => {
    const { menus } = vscode.extensions.getExtension("heddle.heddle")!.packageJSON.contributes;
    for (const menu of ["editor/title/run", "editor/context", "explorer/context", "commandPalette"]) {
      const entry = menus[menu].find(({ command }: { command: string }) => command === "heddle.run");
      ok(entry, menu);
      const [, endings] = /resourceExtname =~ \/(.+?)\$\//.exec(entry.when) ?? [];
      ok(endings, entry.when);
      const matches = new RegExp(`${endings}$`);
      for (const ending of [".ts", ".mts", ".cts", ".tsx", ".js", ".mjs", ".cjs"]) ok(matches.test(ending), ending);
      for (const ending of [".json", ".md", ".heddle", ".d", ""]) ok(!matches.test(ending), ending);
      // VS Code's server writes its own scheme into it.
      ok(/resourceScheme == '?(file|vscode-remote)/.test(entry.when), `${menu}: ${entry.when}`);
    }
  });

  it("describes every setting that is read", () => {
    const { properties } = vscode.extensions.getExtension("heddle.heddle")!.packageJSON.contributes.configuration;
    deepStrictEqual(Object.keys(properties).sort(), [
      "heddle.environment",
      "heddle.keepTraces",
      "heddle.nodeArguments",
      "heddle.nodePath",
      "heddle.onHang",
      "heddle.traceFolder",
    ]);
  });
});
