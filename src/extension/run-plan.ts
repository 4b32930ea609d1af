/** What is to be run, and how: plain data, which the workspace can keep. */
export interface RunPlan {
  readonly script: string;
  readonly tracePath: string;
  readonly cwd: string;
  /** The URI of its workspace folder. */
  readonly folder?: string;
  readonly node: string;
  readonly nodeArguments: readonly string[];
  /** dist/cli.cjs. */
  readonly cli: string;
  readonly environment: Readonly<Record<string, string | null>>;
  /** What becomes of the script when it can never go on. */
  readonly onHang: "stop" | "wait";
}
