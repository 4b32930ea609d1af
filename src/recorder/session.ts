/** What a traced process knows of its trace, and how it reaches its threads and children. */

export interface RecorderSession {
  /** Path of the `.heddle` file. */
  readonly file: string;
  /** The trace's origin: CLOCK_MONOTONIC nanoseconds (`process.hrtime.bigint()`), in decimal. */
  readonly originNs: string;
  /** The pid of the traced process that started this one; -1 for the one the user started. */
  readonly parentPid: number;
  /** Under which name the trace shows this process, if not its script's. */
  readonly name?: string;
}

/** The environment variable that carries it, as JSON. */
export const SESSION_VARIABLE = "HEDDLE_SESSION";

/** Key of `setEnvironmentData` under which workers find `{ memory, session }`. */
export const ENVIRONMENT_KEY = "heddle.recorder";

/** What workers find under {@link ENVIRONMENT_KEY}. */
export interface RecorderEnvironment {
  readonly memory: SharedArrayBuffer;
  readonly session: RecorderSession;
  /** What the process is called in the trace. */
  readonly name: string;
}

/** `workerData` of the collector: it must not record itself. */
export const COLLECTOR_MARK = "heddle.collector";

/** Takes the session out of `process.env`; null when this process is not traced. */
export function takeSession(env: NodeJS.ProcessEnv): RecorderSession | null {
  const text = env[SESSION_VARIABLE];
  if (text === undefined) return null;
  delete env[SESSION_VARIABLE];
  try {
    const { file, originNs, parentPid, name } = JSON.parse(text) as Record<string, unknown>;
    if (typeof file !== "string" || file === "") return null;
    const session = { file, originNs: String(BigInt(originNs as string | number)), parentPid: Number(parentPid ?? -1) };
    return typeof name === "string" ? { ...session, name } : session;
  } catch {
    return null;
  }
}
