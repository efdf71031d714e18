/**
 * What a process uses, seen from outside: processors and memory from /proc, and its JavaScript heap
 * from its debugger.
 *
 * @module
 */

/** Clock ticks a second in /proc: USER_HZ, 100 on all of Linux's usual machines. */
const TICKS_PER_SECOND = 100;

const MIB = 1024 * 1024;

/** User and system time of a process so far (proc(5), fields 14 and 15); NaN without /proc. */
export function cpuSeconds(pid: number | "self"): number {
  const stat = readProc(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Resident memory of a process in MiB; NaN without /proc. */
export function residentMiB(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/status`));
  return Number(line?.[1] ?? NaN) / 1024;
}

function readProc(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** A port of loopback that was free a moment ago. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/**
 * Collects the garbage of a process that was started with `--inspect=127.0.0.1:PORT` and returns
 * what lives, in MiB: objects, and the bytes of their buffers. What grows here is kept by something;
 * resident memory also has what V8 has not cleaned up yet.
 */
export async function liveMiB(inspectorPort: number): Promise<number> {
  const targets = await fetch(`http://127.0.0.1:${inspectorPort}/json`);
  const [{ webSocketDebuggerUrl }] = await targets.json();
  const socket = new WebSocket(webSocketDebuggerUrl);
  try {
    await once(socket, "open");
    await ask(socket, "HeapProfiler.collectGarbage");
    const { usedSize, backingStorageSize } = await ask(socket, "Runtime.getHeapUsage");
    return (Number(usedSize) + Number(backingStorageSize)) / MIB;
  } finally {
    socket.close(); // a process does not end while its debugger is connected
  }
}

async function ask(socket: WebSocket, method: string): Promise<{ [field: string]: unknown }> {
  socket.send(JSON.stringify({ id: 1, method }));
  const { data } = await once(socket, "message") as MessageEvent<string>;
  return JSON.parse(data).result;
}

function once(socket: WebSocket, type: string): Promise<Event> {
  return new Promise((resolve, reject) => {
    socket.addEventListener(type, resolve, { once: true });
    socket.addEventListener("close", () => reject(new Error("The debugger hung up")));
  });
}
