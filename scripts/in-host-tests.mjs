/** The tests that run inside the extension host, as the one file that VS Code loads: for its server and its desktop. */
import { join } from "node:path";
import esbuild from "esbuild";
import { root } from "./install.mjs";

/** Bundles them. Resolves with the path of the bundle, to be given as `extensionTestsPath`. */
export async function bundleInHostTests() {
  const bundle = join(root, "out", "test-host", "in-host.cjs");
  await esbuild.build({
    entryPoints: [join(root, "test", "host", "in-host", "index.ts")],
    outfile: bundle,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20.19",
    external: ["vscode", "mocha"],
    define: { HEDDLE_VERSION: '"test"' },
    sourcemap: "inline",
    logLevel: "warning",
  });
  return bundle;
}
