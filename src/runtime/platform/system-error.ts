/** Errors of the system as Node's own modules throw them. */
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";

/** What to do about those that are met when there is too much of something. */
const HINTS: Readonly<Record<string, string>> = {
  EMFILE: "too many open files (close what is done, or raise the limit: ulimit -n)",
  ENFILE: "too many open files on this machine",
  ENOMEM: "no memory, or more mappings than a process may have (vm.max_map_count)",
};

/** An `Error` with `code`, `errno` and `syscall`. `errno`: as C has it, positive. */
export function systemError(errno: number, syscall: string, subject: string): NodeJS.ErrnoException {
  let code = `errno ${errno}`;
  try {
    code = getSystemErrorName(-errno);
  } catch {
    // A number that this Node has no name for.
  }
  const hint = HINTS[code];
  const error: NodeJS.ErrnoException = new Error(`${code}: ${hint ? `${hint}: ` : ""}${syscall} '${subject}'`);
  return Object.assign(error, { code, errno: -errno, syscall });
}

type SystemCode = keyof typeof constants.errno;

/** An error of the system by its code. */
export function errorWithCode(code: SystemCode, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${message}`), { code, errno: -constants.errno[code] });
}

/** An error made anew here from what Node or another thread told of it. One without a code becomes an `EIO`. */
export function remadeError({
  code = "EIO",
  message,
}: {
  code?: string | undefined;
  message: string;
}): NodeJS.ErrnoException {
  // Node's own messages have the code in them.
  const error = new Error(message.includes(code) ? message : `${code}: ${message}`);
  const errno = constants.errno[code as SystemCode];
  return Object.assign(error, errno === undefined ? { code } : { code, errno: -errno });
}
