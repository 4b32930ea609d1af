/** What figures depend on besides the code: the machine, Node, the peers' versions, the day. */
import { readFileSync } from "node:fs";
import { cpus, platform, release, totalmem } from "node:os";
import { join } from "node:path";
import { root } from "./measure.mjs";

/** The packages that are measured beside this one. */
const peers = ["async-lock", "async-mutex", "multithreading", "piscina", "poolifier", "tinypool", "tsx", "workerpool"];

const versionOf = (name) => JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")).version;

export function describeMachine() {
  const cores = cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    system: `${platform()} ${release()}`,
    cpu: cores[0]?.model.trim() ?? "unknown processor",
    cores: cores.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    heddle: JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version,
    peers: Object.fromEntries(peers.map((name) => [name, versionOf(name)])),
  };
}

/** The heading of a run, in one line without the peers. */
export function machineLine({ date, node, system, cpu, cores }) {
  return `${date}, Node ${node}, ${system}, ${cores} × ${cpu}`;
}

/** The peers and their versions in one line. */
export function peersLine({ peers }) {
  return Object.entries(peers)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
}
