import { expectScript } from "../../harness/run-script.js";

/** What is handed in, where, and the beginning and end of what is said of it. */
const cases: [what: string, code: string, says: string][] = [
  [
    "an arrow that uses a local",
    "thread(() => local)",
    "target: function `() => local` cannot cross to another thread or process because it uses 'local' from around it; move it to the top level of the module and pass 'local' as an argument",
  ],
  [
    "a named function that uses two",
    "thread(function work() { return local + other.a + top(1); })",
    "target: function work cannot cross to another thread or process because it uses 'local', 'other' from around it; move it to the top level of the module and pass 'local', 'other' as arguments",
  ],
  [
    "an inner function that uses only what is at the top level",
    "{ function inner() { return top(1); } thread(inner); }",
    "target: function inner cannot cross to another thread or process because it is not at the top level of its module, where it could be found there; move it to the top level",
  ],
  [
    "a bound function",
    "thread(top.bind(null, 1))",
    "target: function bound top cannot cross to another thread or process because nothing tells what it is bound to; write a function at the top level of the module and pass what it is bound to as arguments",
  ],
  [
    "a native function that has no name elsewhere",
    "let settle; new Promise((resolve) => { settle = resolve; }); thread(settle)",
    "target: a function of the engine cannot cross to another thread or process because it is not written in JavaScript and cannot be found there by its name; call it from a function at the top level of the module",
  ],
  [
    "a method",
    "thread(new Counter().add)",
    "target: function add cannot cross to another thread or process because it needs its object ('this'); write a function at the top level of the module and pass it the object or what it needs of it",
  ],
  [
    "an arrow that uses what was imported by the name of a global",
    "thread(() => new Event())",
    "target: function `() => new Event()` cannot cross to another thread or process because it is not at the top level of its module, where it could be found there; move it to the top level",
  ],
  [
    "a const by the name of a global",
    "pool.submit(() => [structuredClone])",
    "fn: function `() => [structuredClone]` cannot",
  ],
  [
    "a local by the name of a global",
    "{ const fetch = 5; { const name = 1; thread(() => URL + fetch); } }",
    "because it uses 'fetch' from around it; move it to the top level of the module and pass 'fetch' as an argument",
  ],
  [
    "an arrow that imports, relative to its module or not",
    "thread((name) => import(name))",
    "because it is not at the top level of its module, where it could be found there; move it to the top level",
  ],
  ["a method with private fields", "thread(new Counter().secret)", "needs its object ('this', '#hidden');"],
  ["a method that calls the one it overrides", "thread(new Derived().add)", "needs its object ('super');"],
  [
    "an arrow in a field",
    "thread(new Counter().arrow)",
    "function arrow cannot cross to another thread or process because it needs its object ('this');",
  ],
  ["a class", "thread(Counter)", "target: class Counter cannot be called without new; give a function that makes one"],
  [
    "the outcome of a call",
    "thread(top(1))",
    "target must be a function, not 2; give the function itself, and its arguments beside it",
  ],
  ["a promise", "pool.submit(Promise.resolve())", "fn must be a function, not a value of class Promise;"],
  ["a name", "pool.submit('top')", 'fn must be a function, not the string "top";'],
  ["a class as a task", "pool.submit(Counter)", "fn: class Counter cannot be called without new;"],
  [
    "a closure as a task",
    "pool.submit(async () => { await local; })",
    "fn: function `async () => { await local; }` cannot",
  ],
  ["a long one", "pool.submit(() => local + 1000000 + 2000000 + 3000000 + 4000000)", "fn: function `() => local + "],
  [
    "a subclass that uses locals",
    "{ class Mine extends Thread { run() { return [local, other, this.name]; } } new Mine().start(); }",
    "the thread's class: class Mine cannot cross to another thread or process because it uses 'local', 'other' from around it; move it to the top level of the module and keep 'local', 'other' in fields",
  ],
  [
    "a subclass within a function",
    "{ class Mine extends Thread { run() {} } new Mine().start(); }",
    "the thread's class: class Mine cannot cross to another thread or process because it is not at the top level of its module, where it could be found there; move it to the top level",
  ],
  [
    "a closure in an argument",
    "pool.submit(top, { a: [() => local] })",
    "args[0].a[0]: function (anonymous) cannot cross inside a value; give it as the target",
  ],
  [
    "a generator in an argument",
    "pool.submit(top, (function* () {})())",
    "args[0]: a value of kind Generator cannot cross:",
  ],
];

/** Functions that are complete in themselves, or known everywhere. */
const fine = [
  "top",
  "(x) => x + 1",
  "function (x) { return x; }",
  "({ method(x) { return [1].map(() => x); } }).method",
  "({ arrow: (x) => x }).arrow",
  "class { static make() { return class { #a = 1; b() { return this.#a; } }; } }.make",
  "() => function () { return this; }",
  "() => performance.now() + Date.now()",
  "() => new URL(process.title, [1, undefined])",
  "Math.max",
  "Date.now",
  "(x) => { class A { n = this; m() { return super.toString(); } } return A; }",
];

describe("what a user reads of a function that cannot cross", function () {
  this.timeout(30_000);
  for (const name of ["script.ts", "script.mjs"]) {
    it(`says what is wrong, where, and what to write: ${name}`, async () => {
      await expectScript(
        `import assert from "node:assert/strict"; import { isMain } from "heddle"; import { Thread } from "heddle/threading"; import { ThreadPoolExecutor } from "heddle/futures";
        import { Event } from "heddle/threading"; import { performance } from "node:perf_hooks"; const structuredClone = 5;
        function top(x) { return x + 1; }
        class Counter { n = 0; #hidden = 1; arrow = () => this.n; add(x) { return this.n += x; } secret() { return this.#hidden; } }
        class Derived extends Counter { add(x) { return super.add(x); } }
        function thread(target) { new Thread({ target }); }
        async function main() {
          const local = 5; const other = { a: 1 };
          const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
          const check = (what, says, call) => {
            let text = "nothing";
            try { call(); } catch (error) { text = error.message; assert.match(error.stack, /script\\.(ts|mjs):/); }
            assert.ok(text.includes(says), what + ":\\n" + text + "\\ndoes not say\\n" + says);
          };
          ${cases.map(([what, code, says]) => `check(${JSON.stringify(what)}, ${JSON.stringify(says)}, () => { ${code} });`).join("\n")}
          ${fine.map((code) => `thread(${code});`).join("\n")}
          await pool.shutdown();
          console.log("done");
        }
        if (isMain) await main();`,
        { name },
      );
    });
  }
});
