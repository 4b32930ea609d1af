/** Errors of the system as Node's own modules throw them. */
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";

/** An `Error` with `code`, `errno` and `syscall`. `errno`: as C has it, positive. */
export function systemError(errno: number, syscall: string, subject: string): NodeJS.ErrnoException {
  let code = `errno ${errno}`;
  try {
    code = getSystemErrorName(-errno);
  } catch {
    // A number that this Node has no name for.
  }
  const error: NodeJS.ErrnoException = new Error(`${code}: ${syscall} '${subject}'`);
  return Object.assign(error, { code, errno: -errno, syscall });
}

/** An error of the system by its code. */
export function errorWithCode(code: keyof typeof constants.errno, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${message}`), { code, errno: -constants.errno[code] });
}
