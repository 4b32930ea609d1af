/**
 * Nanoseconds of one event for the thread that writes it, in batches that fit in the ring: `event.mjs NAME RECORDER`,
 * where RECORDER is the recorder's emit side as a bundle. An empty loop is measured the same way.
 */
import diagnosticsChannel from "node:diagnostics_channel";
import { createRequire } from "node:module";
import { nsEach, operations, result } from "./timing.mjs";

const [, , name, recorderFile] = process.argv;
const BATCH = 10_000;
/** Kind 53 is a mark, of which the text 1 is the name. */
const MARK = 53;

let sink = 0;
const subjects = {
  "empty loop": () => ({
    body: (n) => {
      for (let i = 0; i < n; i++) sink += i;
    },
  }),
  "ring write": () => {
    const { emit, intern, recording } = createRequire(import.meta.url)(recorderFile);
    const text = intern("a mark");
    return {
      body: (n) => {
        for (let i = 0; i < n; i++) if (recording) emit(MARK, 0, 0, 0, text, 0);
      },
      events: 1,
    };
  },
  "trace.mark": async () => {
    const { mark } = await import("heddle/trace");
    return {
      body: (n) => {
        for (let i = 0; i < n; i++) mark("a mark");
      },
      events: 1,
    };
  },
  "trace.counter": async () => {
    const { counter } = await import("heddle/trace");
    return {
      body: (n) => {
        for (let i = 0; i < n; i++) counter("a counter", i);
      },
      events: 1,
    };
  },
  "trace.span, begun and ended": async () => {
    const { span } = await import("heddle/trace");
    return {
      body: (n) => {
        for (let i = 0; i < n; i++) span("a span").end();
      },
      events: 2,
    };
  },
  "trace.span around a call": async () => {
    const { span } = await import("heddle/trace");
    const work = () => {
      sink++;
    };
    return {
      body: (n) => {
        for (let i = 0; i < n; i++) span("a span", work);
      },
      events: 2,
    };
  },
  "performance.mark": () => ({
    body: (n) => {
      for (let i = 0; i < n; i++) performance.mark("a mark");
    },
    // It keeps every mark until told otherwise.
    after: () => performance.clearMarks(),
  }),
  diagnostics_channel: () => {
    const channel = diagnosticsChannel.channel("heddle:bench");
    channel.subscribe((message) => {
      sink += message.value;
    });
    return {
      body: (n) => {
        for (let i = 0; i < n; i++) channel.publish({ value: i });
      },
    };
  },
};

const { body, after, events = 0 } = await subjects[name]();
const ns = nsEach(body, BATCH, after);
result({ ns, expect: { events: events * operations(BATCH) }, sink });
