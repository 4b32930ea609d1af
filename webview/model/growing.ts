/** A list of numbers that grows at its end, in a typed array. */
export class GrowingUint32 {
  array = new Uint32Array(64);
  count = 0;

  push(value: number): void {
    if (this.count === this.array.length) {
      const larger = new Uint32Array(this.array.length * 2);
      larger.set(this.array);
      this.array = larger;
    }
    this.array[this.count++] = value;
  }
}

export class GrowingFloat64 {
  array = new Float64Array(64);
  count = 0;

  push(value: number): void {
    if (this.count === this.array.length) {
      const larger = new Float64Array(this.array.length * 2);
      larger.set(this.array);
      this.array = larger;
    }
    this.array[this.count++] = value;
  }
}
