/**
 * The vocabulary of the trace: every kind of event that a ring, a frame of the file and the analysis know.
 *
 * A record in a ring is 32 bytes, written by the thread it belongs to and by nobody else:
 *
 *   offset  type  field
 *   0       f64   t       performance.now() of the thread, in milliseconds
 *   8       f64   a       first argument
 *   16      u32   head    kind in bits 0–7, flags in bits 8–15
 *   20      u32   object  the lock, queue, pool, thread or process it is about (0: none)
 *   24      u32   site    interned string "url:line:column" of the user's code (0: none)
 *   28      u32   b       second argument
 *
 * Strings are interned per thread: a `Text` record (b = the thread's own number of the string, a = its bytes) is
 * followed by as many raw 32-byte slots as the UTF-8 text fills, and comes before the first use of the number.
 * Object numbers are unique within a process; number 0 is no object. Waits that were begun carry a wait number in
 * `a` (unique in the thread, never 0), so that several promises of one thread can wait at once.
 *
 * Across processes: an object that processes share has a number in each of them, tied together by ObjectShared; the two
 * ends of a connection by the identity in their ConnectionEnd; a request and how it was served by the request's number
 * and the client's pid. Where a record names a thread that may be of another process, flag Remote says that it is named
 * by its OS thread id.
 */
export const RECORD_BYTES = 32;

export const EventKind = {
  /** b: string number, a: UTF-8 bytes that follow in raw slots. */
  Text: 1,
  /** object, flags: ObjectKind, b: name string (0: unnamed), site: creation, a: capacity or size (0: none). */
  ObjectCreate: 2,

  /** The thread begins. object: thread number, a: OS thread id, b: name string. */
  ThreadStart: 3,
  /** The thread ended, or was found dead (then written for it). object: thread number. */
  ThreadEnd: 4,
  /** The thread has a new name. object: thread number, b: name string. */
  ThreadName: 5,
  /** The calling thread started another. object: the new thread's number, b: name string, site. */
  ThreadSpawn: 6,
  /** The calling thread started a child process. a: pid, b: name string, site. */
  ProcessSpawn: 7,
  /** The calling thread saw the end of a child. a: pid, b: exit code + 1000 (so that -signal is positive). */
  ProcessExit: 8,
  /** Who can share an object, where it is not only the threads of its process. object, b: an {@link ObjectScope}. Comes behind its ObjectCreate. */
  ObjectScope: 9,
  /**
   * This process's own number for an object that another one made. object: that number, a: pid of the maker, b: the
   * object's number there, flags: ObjectKind, site: name string (0: unnamed), of use where the maker is not recorded. May
   * be told before the ObjectCreate of the maker, and more than once. Its scope is `Process` unless ObjectScope follows.
   */
  ObjectShared: 18,

  /**
   * Begins to wait for a lock. object, a: wait number, site, b: number of the thread that has it (0: not known, or
   * several). Flag Async for a promise; Remote: b is an OS thread id.
   */
  LockWait: 10,
  /** Has the lock. object, a: wait number or 0 if it never waited, site. */
  LockAcquire: 11,
  /** Gives up waiting, by timeout or abort. object, a: wait number (0: a try that did not wait). */
  LockTimeout: 12,
  /** Gave the lock back. object, b: how many permits of a semaphore (0: one). */
  LockRelease: 13,
  /**
   * Had a lock that was free when it asked, and gave it back now: one record for both, so that a lock nobody waits for
   * costs one. object, a: milliseconds it had it, b: number of the thread that had it if another gives it back (0: this
   * one; with flag Remote an OS thread id), site: of the acquisition, if known. Flag InexactTime: the first of the two
   * times is only the earliest it can be. Nothing tells of the acquisition before; who waits meanwhile writes LockHeld.
   */
  LockHold: 14,
  /**
   * Found a lock held that nothing tells of yet, since it was free when its holder asked: LockHold will come. Comes with
   * the LockWait of who found it. object, a: milliseconds for which it has been held, b: number of the thread that has
   * it (with flag Remote its OS thread id), site: of its acquisition, if known. Flag InexactTime as in LockHold.
   */
  LockHeld: 16,
  /**
   * Had a lock many times, each for a moment and without anybody waiting for it: one record for all. object, a: how many
   * times, b: microseconds from the first acquisition to the last one, which was at t; site. Flag InexactTime.
   */
  LockHolds: 17,
  /** Found that the holder is dead. object, a: wait number, b: number of the dead thread, with flag Remote its OS thread id. */
  LockAbandoned: 15,

  /** Begins to wait for a free place. object, a: wait number, site. */
  QueuePutWait: 20,
  /** Put an item. object, a: item number (counts up per queue), b: depth afterwards, site: if it had to wait. */
  QueuePut: 21,
  /** Begins to wait for an item. object, a: wait number, site. */
  QueueGetWait: 22,
  /** Took an item. object, a: item number, b: depth afterwards, site: if it had to wait. */
  QueueGet: 23,
  /** A wait of either kind is over. object, a: wait number; flag Failed if by timeout, abort or shutdown. Else it comes just before the QueuePut or QueueGet it was for, with the same time. */
  QueueWaitEnd: 24,
  /** Was shut down or dropped items. object, b: depth afterwards. */
  QueueDepth: 25,
  /**
   * Reported items as done, or dropped them, which counts as that. object, a: how many have been reported done in all
   * (counts up per queue, as the items' numbers do), b: how many are unfinished afterwards, site: if it ended a join.
   */
  QueueDone: 26,

  /** A task was handed in. object: pool, a: task number (per pool), b: name string of the function, site. */
  TaskSubmit: 30,
  /** A worker begins a task. object: pool, a: task number, b: name string. Where the pool belongs to another process, object is its number there, flag Remote is set, and PoolWorker has said which process that is. */
  TaskStart: 31,
  /** A worker ended a task, or it was lost with its worker (then written by the owner). object: pool, a: task number; flag Remote as in TaskStart, flag Failed if it threw or was lost. */
  TaskEnd: 32,
  /** A task was cancelled before it began. object: pool, a: task number; b: the number it is queued under from now on, if it only goes to another worker. */
  TaskCancel: 33,
  /** This thread works for a pool. object: the pool's number at its owner, a: pid of the owner. */
  PoolWorker: 34,

  /**
   * Begins to wait for something that is no lock, nor an item or place of a queue. b: {@link WaitReason}, which says what
   * object is, a: wait number, site. Flag Async for a promise.
   */
  WaitBegin: 40,
  /** That wait is over. object, a: wait number (0: what it asks for was there, or with Failed was not, and it did not wait), b: number of the thread that ended it (0: not known), with flag Remote its OS thread id; flag Failed on timeout. */
  WaitEnd: 41,
  /** Changed what others wait for. object, a: a {@link SignalKind}, b: how many it woke, site. */
  Signal: 42,

  /** A span of the user begins. a: span number (per thread), b: name string, object: category string, site. */
  SpanBegin: 50,
  /** It ends. a: span number. */
  SpanEnd: 51,
  /** Its detail. a: span number (0: the mark just before), b: string with JSON. */
  Detail: 52,
  /** An instant of the user. b: name string, object: category string, site. */
  Mark: 53,
  /** A counter's value. a: value, b: name string, object: unit string. */
  Counter: 54,

  /** A garbage collection that ended at t. a: milliseconds, flags: V8's kind (1 scavenge, 2 minor mark-sweep, 4 mark-sweep, 8 incremental, 16 weak callbacks). */
  Gc: 60,
  /** The event loop was late at t, although it had something to do. a: milliseconds beyond what was due, 50 at least. */
  LoopDelay: 61,
  /** The recorder lost records of this thread. a: how many. */
  Dropped: 62,

  /**
   * This process has an end of a connection. object: its number for this end, a: identity of the connection, the same at
   * both ends and in all processes (0: not known), b: which end (0 or 1: the one that connected, or was made first, is 0),
   * flags: ObjectKind. Who made the connection says where by an ObjectCreate behind it; of the two ends of a socket both may.
   */
  ConnectionEnd: 70,
  /** Begins to send a message. object: the end, a: bytes, b: number of the message, counting from 1 what was sent by this end; site. */
  MessageSend: 71,
  /** Received a message. object: the end, a: bytes, b: number of the message, counting from 1 what was received by this end; site. */
  MessageReceive: 72,

  /** Asks a manager for something. object: its end of the connection (0: not told), a: number of the request, unique in the process, b: name string "type.method", site. Flag Async for a promise. */
  RequestBegin: 75,
  /** Has the answer. a: number of the request; flag Failed if it is an error, or none came. */
  RequestEnd: 76,
  /** A manager begins to serve a request. object: pid of who asked, a: number of the request there, b: name string. */
  ServeBegin: 77,
  /** It has done so. object: pid of who asked, a: number of the request there; flag Failed if the method threw. */
  ServeEnd: 78,
} as const;
export type EventKind = (typeof EventKind)[keyof typeof EventKind];

/** Bits of a record's flags, common to all kinds but ObjectCreate, ObjectShared, ConnectionEnd and Gc. */
export const EventFlag = {
  /** The wait is a promise's: the thread itself is not blocked by it. */
  Async: 1,
  /** It did not succeed. */
  Failed: 2,
  /** Of tasks: the pool belongs to another process, the one named by PoolWorker. Else: b is the OS thread id of a thread of any process, not a thread's number in this one. */
  Remote: 4,
  /** The time is no reading of the clock but the thread's last one. */
  InexactTime: 8,
} as const;

/** What an object is; the analysis, the report and the timeline group by it. */
export const ObjectKind = {
  Lock: 1,
  RLock: 2,
  Semaphore: 3,
  BoundedSemaphore: 4,
  Condition: 5,
  Event: 6,
  Barrier: 7,
  Queue: 16,
  LifoQueue: 17,
  PriorityQueue: 18,
  SimpleQueue: 19,
  ThreadPoolExecutor: 32,
  ProcessPoolExecutor: 33,
  Pool: 34,
  ThreadPool: 35,
  /** The two ends of a pipe. */
  Pipe: 48,
  /** A connection by a socket, between a listener and a client. */
  Socket: 49,
} as const;
export type ObjectKind = (typeof ObjectKind)[keyof typeof ObjectKind];

/** Who can share an object. */
export const ObjectScope = {
  /** The threads of one process: what is not told otherwise. */ Thread: 0,
  /** Processes, through memory they share. */ Process: 1,
  /** Processes, through a manager's. */ Manager: 2,
} as const;
export type ObjectScope = (typeof ObjectScope)[keyof typeof ObjectScope];

/** Why a thread waits, where it is no lock and no queue. Where nothing is said of object, it is 0. */
export const WaitReason = {
  /** For a thread to end; object: its number. */ ThreadJoin: 1,
  /** For a process to end; object: its pid, 0 if it has none yet. */ ProcessJoin: 2,
  /** For a future's result; object: the pool, 0 if none is known. */ Result: 3,
  /** In `wait` or `asCompleted`. */ Futures: 4,
  /** For a pool to shut down; object: the pool. */ Shutdown: 5,
  /** For a queue's tasks to be done; object: the queue. */ QueueJoin: 6,
  /** A pool's worker for its next task; object: the pool. */ IdleWorker: 7,
  /** For a condition to be notified; the time until the lock is had again is a LockWait of the lock; object: it. */ Condition: 9,
  /** For an event to be set; object: it. */ Event: 10,
  /** For the other parties of a barrier; object: it. */ Barrier: 11,
  /** For an interval to pass, as a timer does. */ Sleep: 12,
  /** For a message of a connection, to receive it or to know that it is there; object: the end. */ Receive: 13,
  /** For room in a connection, until a message is on its way; object: the end. */ Send: 14,
  /** For any of several connections or processes, in `wait`. */ AnyOf: 15,
  /** For somebody to connect to a listener. */ Accept: 16,
  /** For a listener to accept the connection, and for the keys to be checked. */ Connect: 17,
} as const;
export type WaitReason = (typeof WaitReason)[keyof typeof WaitReason];

/** What a Signal did. */
export const SignalKind = {
  /** `notify` of a condition. */ Notify: 1,
  /** `set` of an event. */ Set: 2,
  /** `clear` of an event. */ Clear: 3,
  /** The last party of a barrier came, and all went on. */ Pass: 4,
  /** A barrier broke: by abort, timeout, or an action that threw. */ Break: 5,
  /** `reset` of a barrier. */ Reset: 6,
} as const;
export type SignalKind = (typeof SignalKind)[keyof typeof SignalKind];
