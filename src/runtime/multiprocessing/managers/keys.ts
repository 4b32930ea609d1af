/**
 * The keys of managers. A proxy that is sent to a process of this program works there without its user's doing, so the
 * handle takes the manager's key along: in the clear to another thread; to another process sealed with the `authkey` of
 * this process, which its children inherit and nobody else has. So a handle that ends up elsewhere gives nothing away.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";
import { currentProcess } from "../process.js";

const NONCE = 12;
const TAG = 16;
const ALGORITHM = "aes-256-gcm";

export function keyFrom(authkey: string | Uint8Array | undefined): Uint8Array {
  if (authkey === undefined) return currentProcess().authkey;
  if (typeof authkey === "string") return new TextEncoder().encode(authkey);
  if (!(authkey instanceof Uint8Array)) throw new TypeError("authkey must be a string or a Uint8Array");
  return Uint8Array.from(authkey);
}

export function sameKey(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}

/** What tells keys apart without giving them away. */
export function fingerprint(key: Uint8Array): string {
  return createHash("sha256").update("heddle manager key").update(key).digest("hex").slice(0, 32);
}

const sealingKey = (): Buffer => createHmac("sha256", currentProcess().authkey).update("sealed manager key").digest();

/** A key that only processes with this one's `authkey` can read; null for that `authkey` itself. */
export function seal(key: Uint8Array): Uint8Array | null {
  if (sameKey(key, currentProcess().authkey)) return null;
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(ALGORITHM, sealingKey(), nonce);
  const sealed = Buffer.concat([cipher.update(key), cipher.final()]);
  return Uint8Array.from(Buffer.concat([nonce, cipher.getAuthTag(), sealed]));
}

/** The key again; that of this process if it was sealed by somebody else. */
export function unseal(sealed: Uint8Array | null | undefined): Uint8Array {
  if (!(sealed instanceof Uint8Array) || sealed.length < NONCE + TAG) return currentProcess().authkey;
  try {
    const decipher = createDecipheriv(ALGORITHM, sealingKey(), sealed.subarray(0, NONCE));
    decipher.setAuthTag(sealed.subarray(NONCE, NONCE + TAG));
    return Uint8Array.from(Buffer.concat([decipher.update(sealed.subarray(NONCE + TAG)), decipher.final()]));
  } catch {
    return currentProcess().authkey;
  }
}
