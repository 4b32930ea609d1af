/** Imports go down only: who may import whom, as docs/architecture.md draws it. */
const rooms = {
  "src/trace": [],
  "src/loader": [],
  "src/recorder": ["src/trace"],
  "src/runtime": ["src/recorder", "src/trace"],
  "src/analysis": ["src/trace"],
  "src/runner": ["src/loader", "src/recorder", "src/trace"],
  "src/cli": ["src/runner", "src/analysis", "src/recorder", "src/trace"],
  "src/protocol": ["src/analysis", "src/trace"],
  "src/extension": ["src/protocol", "src/runner", "src/analysis", "src/recorder", "src/trace"],
  webview: ["src/protocol", "src/analysis", "src/trace"],
};
module.exports = {
  forbidden: [
    ...Object.entries(rooms).map(([room, below]) => ({
      name: `${room.replace("src/", "")}-imports-down-only`,
      severity: "error",
      from: { path: `^${room}/` },
      to: { path: "^(src/[^/]+|webview|test|bench|scripts)/", pathNot: `^(${[room, ...below].join("|")})/` },
    })),
    {
      name: "only-extension-imports-vscode",
      severity: "error",
      from: { pathNot: "^src/extension/" },
      to: { path: "^vscode$" },
    },
    {
      // The hook's arguments name the class Thread as a type only, which the parser used here cannot tell.
      name: "no-cycles",
      severity: "error",
      from: { pathNot: "^src/runtime/threading/(excepthook|thread)\\.ts$" },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
  ],
  options: { tsPreCompilationDeps: true, doNotFollow: { path: "node_modules" }, exclude: { path: "node_modules" } },
};
