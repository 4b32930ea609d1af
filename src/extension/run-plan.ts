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

/** The script as it is called where there is not much room: its file's name, the end of which tells more than the middle. */
export function scriptName({ script }: RunPlan): string {
  const name = script.split(/[\\/]/).pop() ?? script;
  return name.length <= 60 ? name : `${name.slice(0, 40)}…${name.slice(-19)}`;
}
