/** CRC-32 as in zip and PNG (polynomial 0xEDB88320), eight bytes a step. Node 20.19 has no `zlib.crc32` everywhere, browsers none. */
let tables: Uint32Array | null = null;

function makeTables(): Uint32Array {
  const t = new Uint32Array(8 * 256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    t[n] = c;
  }
  for (let n = 0; n < 256; n++) {
    let c = t[n] as number;
    for (let k = 1; k < 8; k++) {
      c = (t[c & 255] as number) ^ (c >>> 8);
      t[k * 256 + n] = c;
    }
  }
  return t;
}

/** The checksum of `data[start, end)`, continuing from `seed` (the checksum of what came before). */
export function crc32(data: Uint8Array, start = 0, end = data.length, seed = 0): number {
  tables ??= makeTables();
  const t = tables as unknown as number[];
  const d = data as unknown as number[];
  let c = ~seed;
  let i = start;
  for (; i + 8 <= end; i += 8) {
    const low = c ^ (d[i]! | (d[i + 1]! << 8) | (d[i + 2]! << 16) | (d[i + 3]! << 24));
    c =
      t[1792 + (low & 255)]! ^
      t[1536 + ((low >>> 8) & 255)]! ^
      t[1280 + ((low >>> 16) & 255)]! ^
      t[1024 + (low >>> 24)]! ^
      t[768 + d[i + 4]!]! ^
      t[512 + d[i + 5]!]! ^
      t[256 + d[i + 6]!]! ^
      t[d[i + 7]!]!;
  }
  for (; i < end; i++) c = t[(c ^ d[i]!) & 255]! ^ (c >>> 8);
  return ~c >>> 0;
}
