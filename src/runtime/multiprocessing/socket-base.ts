/** Where the folders of sockets are made. */
import { tmpdir } from "node:os";

/** A folder for temporary things whose name is short enough: a socket's path may have a hundred bytes. */
export function socketBase(): string {
  return tmpdir().length > 60 ? "/tmp" : tmpdir();
}
