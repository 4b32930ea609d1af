/**
 * A 104-bit fingerprint of a text, as 26 hexadecimal digits or fewer. Not for secrets: it finds and checks entries of
 * the loader's own cache. Written out here because loading `node:crypto` costs more than hashing a script.
 */
export function shortHash(text: string): string {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  let c = 0x9e3779b9;
  let d = 0x7f4a7c15;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x9e3779b1);
    b = Math.imul(b ^ unit, 0x5f356495);
    c = Math.imul(c ^ (unit + i), 0x85ebca6b);
    d = Math.imul(d ^ (unit + a), 0xc2b2ae35);
  }
  return mix(a, b) + mix(c, d);
}

function mix(x: number, y: number): string {
  const p = Math.imul(x ^ (x >>> 16), 0x85ebca6b) ^ Math.imul(y ^ (y >>> 13), 0xc2b2ae35);
  const q = Math.imul(y ^ (y >>> 16), 0x85ebca6b) ^ Math.imul(p ^ (p >>> 13), 0xc2b2ae35);
  return (p >>> 0).toString(16).padStart(8, "0") + (q >>> 0).toString(16).padStart(8, "0");
}
