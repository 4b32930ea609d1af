/**
 * Numbers that look random and are the same for the same seed, as text for scripts: a run that failed can be run again.
 * Mulberry32, by Tommy Ettinger.
 */
export const randomOf = `
  function randomOf(seed: number): () => number {
    let a = seed * 0x9e3779b9;
    return () => {
      a = (a + 0x6d2b79f5) | 0;
      let t = Math.imul(a ^ (a >>> 15), 1 | a);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
    };
  }
`;
