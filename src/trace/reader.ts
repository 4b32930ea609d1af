/**
 * Bytes of a `.heddle` file to frames, while the file grows or at once.
 *
 * A reader never trusts: a frame counts only with its checksum. What does not check is skipped up to the next frame
 * that does, and said in a `damage` frame. A frame that is not there in full yet just waits for more bytes.
 */
import { ByteReader } from "./byte-reader.js";
import { crc32 } from "./crc32.js";
import { decodeEvents } from "./events-codec.js";
import {
  FORMAT_VERSION,
  FrameType,
  type HeaderFrame,
  TraceFormatError,
  type TraceFrame,
  type TraceHeader,
} from "./frames.js";
import { coreSourceOf, endOf, hangOf, headerOf, processEndOf, processStartOf, systemThreadsOf } from "./json-frames.js";
import { decodeCoreTimes, decodeOffCore, decodeSamples, decodeSwitches } from "./system-codec.js";
import { FRAME_HEAD_BYTES, MAGIC, MAX_PAYLOAD_BYTES } from "./writer.js";

export * from "./frames.js";

/** How a file ended. */
export interface TraceEnding {
  /** The end mark was there. */
  readonly complete: boolean;
  /** What is missing, in words for a person; "" if nothing is. */
  readonly cut: string;
  /** Bytes that could not be used. */
  readonly lostBytes: number;
}

/** If so many first bytes hold no frame at all, this is no trace. */
const GIVE_UP_BYTES = 1 << 16;

export class TraceReader {
  /** The header, once it was read; null before, and if it is damaged. */
  header: TraceHeader | null = null;
  /** Bytes given so far. */
  bytes = 0;
  /** The end mark was read. */
  complete = false;

  /** What is not decoded yet. */
  #rest: Uint8Array = new Uint8Array(0);
  /** Place of `#rest` in the file. */
  #offset = 0;
  #frames = 0;
  #lostBytes = 0;
  /** Bytes skipped just before `#offset` that no damage frame told of yet. */
  #skipped = 0;
  #startsLikeTrace = true;

  /**
   * Takes the next bytes of the file and returns the frames that are complete with them.
   * @throws TraceFormatError "newer-version", or "not-a-trace" when nothing of the first bytes is a frame.
   */
  push(bytes: Uint8Array): TraceFrame[] {
    this.bytes += bytes.length;
    let data = bytes;
    if (this.#rest.length > 0) {
      data = new Uint8Array(this.#rest.length + bytes.length);
      data.set(this.#rest);
      data.set(bytes, this.#rest.length);
    }
    const [frames, position] = this.#decodeAll(data, false);
    this.#rest = data.slice(position);
    if (this.#frames === 0 && this.bytes >= GIVE_UP_BYTES && !this.#startsLikeTrace) throw notATrace();
    return frames;
  }

  /**
   * No more bytes come. Returns how the file ended; frames behind a damaged one that only now turn out to be readable
   * are given to `onFrame`.
   * @throws TraceFormatError "empty", "not-a-trace", "newer-version", "cut" (within the header) or "corrupted" (nothing readable).
   */
  finish(onFrame: (frame: TraceFrame) => void = () => {}): TraceEnding {
    if (this.bytes === 0) throw new TraceFormatError("empty", "The file is empty: nothing was recorded.");
    // A frame that claims more bytes than there are may hide whole frames behind it, if its length is what was damaged.
    const before = this.#frames;
    const unbroken = this.#startsLikeTrace && this.#skipped === 0 && before === 0;
    const [frames, position] = this.#decodeAll(this.#rest, true);
    const found = this.#frames > before;
    const left = this.#rest.length - position + (found ? 0 : this.#skipped);
    this.#rest = new Uint8Array(0);
    for (const frame of frames) onFrame(frame);
    if (this.#frames === 0) {
      if (!this.#startsLikeTrace) throw notATrace();
      if (unbroken) {
        throw new TraceFormatError("cut", "The file ends within its header: there is nothing to show.");
      }
      throw new TraceFormatError("corrupted", "The file is damaged: no part of it can be read.");
    }
    const told: string[] = [];
    if (!this.complete) {
      told.push("The recording was cut off: its end mark is missing, so what happened last may be missing.");
      if (left > 0) told.push(`${left} bytes of an unfinished frame at the end were left out.`);
    }
    if (this.header === null) told.push("The header is damaged.");
    if (this.#lostBytes > 0) told.push(`${this.#lostBytes} damaged bytes were skipped.`);
    return { complete: this.complete, cut: told.join(" "), lostBytes: this.#lostBytes + left };
  }

  /** Decodes all that is there; returns the frames and where the first undecided byte is. */
  #decodeAll(data: Uint8Array, last: boolean): [TraceFrame[], number] {
    const frames: TraceFrame[] = [];
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    let position = 0;
    while (position < data.length) {
      const length = frameAt(data, view, position);
      if (length === INCOMPLETE && !last) break;
      if (length >= 0) {
        if (this.#skipped > 0) frames.push(this.#damage());
        const frame = this.#decode(data.subarray(position, position + length), view.getUint16(position + 8, true));
        if (frame !== null) frames.push(frame);
        position += length;
        this.#offset += length;
        continue;
      }
      // Fewer bytes than the magic has are compared as far as they go.
      if (this.#offset === 0 && !beginsWithMagic(data, 0)) this.#startsLikeTrace = false;
      let next = position + 1;
      while (next < data.length && data[next] !== MAGIC[0]) next++;
      this.#skipped += next - position;
      this.#offset += next - position;
      position = next;
    }
    return [frames, position];
  }

  #damage(): TraceFrame {
    const length = this.#skipped;
    this.#skipped = 0;
    this.#lostBytes += length;
    return {
      type: "damage",
      offset: this.#offset - length,
      length,
      message: `${length} bytes at ${this.#offset - length} are damaged and were skipped.`,
    };
  }

  #decode(bytes: Uint8Array, type: number): TraceFrame | null {
    const payload = bytes.subarray(FRAME_HEAD_BYTES);
    try {
      const frame = decodePayload(type, payload);
      this.#frames++;
      if (frame === null) return null;
      if (frame.type === "header") {
        const { type: _, ...header } = frame;
        this.header = header;
      } else if (frame.type === "end") this.complete = true;
      return frame;
    } catch (error) {
      if (error instanceof TraceFormatError) throw error;
      // The checksum is right but the content is not: a writer's mistake. It is lost like damaged bytes.
      this.#lostBytes += bytes.length;
      return {
        type: "damage",
        offset: this.#offset,
        length: bytes.length,
        message: `The frame at ${this.#offset} cannot be decoded and was skipped.`,
      };
    }
  }
}

const INCOMPLETE = -1;
const BROKEN = -2;

function beginsWithMagic(data: Uint8Array, position: number): boolean {
  for (let i = 0; i < MAGIC.length && position + i < data.length; i++) {
    if (data[position + i] !== MAGIC[i]) return false;
  }
  return true;
}

/** The whole length of the valid frame at `position`, INCOMPLETE if it may become one, or BROKEN. */
function frameAt(data: Uint8Array, view: DataView, position: number): number {
  if (!beginsWithMagic(data, position)) return BROKEN;
  if (data.length - position < FRAME_HEAD_BYTES) return INCOMPLETE;
  const length = view.getUint32(position + 4, true);
  if (length > MAX_PAYLOAD_BYTES) return BROKEN;
  const end = position + FRAME_HEAD_BYTES + length;
  if (end > data.length) return INCOMPLETE;
  const sum = crc32(data, position + FRAME_HEAD_BYTES, end, crc32(data, position + 4, position + 12));
  return sum === view.getUint32(position + 12, true) ? end - position : BROKEN;
}

function decodePayload(type: number, payload: Uint8Array): TraceFrame | null {
  switch (type) {
    case FrameType.Header:
      return decodeHeader(payload);
    case FrameType.Events:
      return decodeEvents(new ByteReader(payload));
    case FrameType.ProcessStart:
      return processStartOf(payload);
    case FrameType.ProcessEnd:
      return processEndOf(payload);
    case FrameType.SystemThreads:
      return systemThreadsOf(payload);
    case FrameType.Switches:
      return decodeSwitches(new ByteReader(payload));
    case FrameType.Samples:
      return decodeSamples(new ByteReader(payload));
    case FrameType.CoreTimes:
      return decodeCoreTimes(new ByteReader(payload));
    case FrameType.OffCore:
      return decodeOffCore(new ByteReader(payload));
    case FrameType.CoreSource:
      return coreSourceOf(payload);
    case FrameType.Hang:
      return hangOf(payload);
    case FrameType.End:
      return endOf(payload);
    default:
      return null;
  }
}

function decodeHeader(payload: Uint8Array): HeaderFrame {
  const version = (payload[0] ?? 0) | ((payload[1] ?? 0) << 8);
  if (version > FORMAT_VERSION) {
    throw new TraceFormatError(
      "newer-version",
      `The trace was written by a newer Heddle (format ${version}, this one reads up to ${FORMAT_VERSION}). Update Heddle to open it.`,
    );
  }
  return { ...headerOf(payload.subarray(2)), version, type: "header" };
}

function notATrace(): TraceFormatError {
  return new TraceFormatError("not-a-trace", "This is not a Heddle trace.");
}
