/**
 * Frames to bytes. Each function returns one whole frame, to be appended to the file with one write.
 *
 * A frame: magic (4 bytes), length of the payload (u32), type (u16), 0 (u16), CRC-32 (u32) of length, type, 0 and
 * payload, then the payload. All little-endian.
 */
import { ByteWriter } from "./byte-writer.js";
import { crc32 } from "./crc32.js";
import { encodeEventsHead, encodeThreadEvents } from "./events-codec.js";
import {
  type CoreSourceFrame,
  type CoreTimesFrame,
  type EndFrame,
  type EventsFrame,
  FORMAT_VERSION,
  FrameType,
  type HangFrame,
  type OffCoreFrame,
  type ProcessEndFrame,
  type ProcessStartFrame,
  type SamplesFrame,
  type SwitchesFrame,
  type SystemThreadsFrame,
  type TraceHeader,
} from "./frames.js";
import { encodeCoreTimes, encodeOffCore, encodeSamples, encodeSwitches } from "./system-codec.js";

/** Not text, not UTF-8, and its line ends show a transfer that changed them. */
export const MAGIC: readonly number[] = [0xf1, 0x48, 0x0d, 0x0a];
export const FRAME_HEAD_BYTES = 16;
/** A frame with a longer payload is broken. Writers stay far below. */
export const MAX_PAYLOAD_BYTES = 1 << 26;

/** Begins a frame; write the payload behind, then call {@link endFrame}. */
export function beginFrame(capacity?: number): ByteWriter {
  const w = new ByteWriter(capacity);
  w.reserve(FRAME_HEAD_BYTES);
  w.length = FRAME_HEAD_BYTES;
  return w;
}

/** Fills in the head and returns the frame: a view of the writer's bytes, so write nothing more to it. */
export function endFrame(w: ByteWriter, type: number): Uint8Array {
  const bytes = w.bytes.subarray(0, w.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  bytes.set(MAGIC, 0);
  view.setUint32(4, w.length - FRAME_HEAD_BYTES, true);
  view.setUint16(8, type, true);
  view.setUint16(10, 0, true);
  view.setUint32(12, crc32(bytes, FRAME_HEAD_BYTES, w.length, crc32(bytes, 4, 12)), true);
  return bytes;
}

function jsonFrame(type: number, value: object): Uint8Array {
  const w = beginFrame(256);
  w.raw(new TextEncoder().encode(JSON.stringify(value)));
  return endFrame(w, type);
}

/** The first frame of a file. */
export function headerFrame(header: Omit<TraceHeader, "version">, version: number = FORMAT_VERSION): Uint8Array {
  const w = beginFrame(512);
  w.u16(version);
  w.raw(new TextEncoder().encode(JSON.stringify(header)));
  return endFrame(w, FrameType.Header);
}

export function eventsFrame(frame: Omit<EventsFrame, "type">): Uint8Array {
  const w = beginFrame(1 << 14);
  encodeEventsHead(w, frame.pid, frame.completeTo, frame.costNs, frame.threads.length);
  for (const thread of frame.threads) encodeThreadEvents(w, thread);
  return endFrame(w, FrameType.Events);
}

export function processStartFrame(frame: Omit<ProcessStartFrame, "type">): Uint8Array {
  return jsonFrame(FrameType.ProcessStart, frame);
}

export function processEndFrame(frame: Omit<ProcessEndFrame, "type">): Uint8Array {
  return jsonFrame(FrameType.ProcessEnd, frame);
}

export function systemThreadsFrame(frame: Omit<SystemThreadsFrame, "type">): Uint8Array {
  return jsonFrame(FrameType.SystemThreads, frame);
}

export function coreSourceFrame(frame: Omit<CoreSourceFrame, "type">): Uint8Array {
  return jsonFrame(FrameType.CoreSource, frame);
}

export function hangFrame(frame: Omit<HangFrame, "type">): Uint8Array {
  return jsonFrame(FrameType.Hang, frame);
}

export function endMarkFrame(frame: Omit<EndFrame, "type">): Uint8Array {
  return jsonFrame(FrameType.End, frame);
}

export function switchesFrame(frame: Omit<SwitchesFrame, "type">): Uint8Array {
  const w = beginFrame(64 + frame.count * 8);
  encodeSwitches(w, frame);
  return endFrame(w, FrameType.Switches);
}

export function samplesFrame(frame: Omit<SamplesFrame, "type">): Uint8Array {
  const w = beginFrame(64 + frame.count * 24);
  encodeSamples(w, frame);
  return endFrame(w, FrameType.Samples);
}

export function coreTimesFrame(frame: Omit<CoreTimesFrame, "type">): Uint8Array {
  const w = beginFrame(64 + frame.busyNs.length * 8);
  encodeCoreTimes(w, frame);
  return endFrame(w, FrameType.CoreTimes);
}

export function offCoreFrame(frame: Omit<OffCoreFrame, "type">): Uint8Array {
  const w = beginFrame(64 + frame.count * 12);
  encodeOffCore(w, frame);
  return endFrame(w, FrameType.OffCore);
}
