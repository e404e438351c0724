/** The worker of the page: owns the machine, so that the page stays quick while the guest runs. */
import { wasmOnMemory } from "../lab/wasm-on-memory.js";
import type { Reply, Request } from "./messages.js";
import { Session } from "./session.js";

/** Instructions between two pictures of a long step. */
const PICTURE_EVERY = 50_000_000;

let session: Session | undefined;

function reply(message: Reply): void {
  postMessage(message);
}

/** Lets the next message in, a new start for example, before it goes on. */
function later(what: () => void): void {
  setTimeout(what, 0);
}

function step(current: Session, faults: number): void {
  if (session !== current) return;
  const before = current.snapshot().faults;
  const snapshot = current.step(faults, PICTURE_EVERY);
  const left = faults - (snapshot.faults - before);
  const done = snapshot.ended !== undefined || left <= 0;
  reply({ kind: "snapshot", snapshot, done });
  if (!done) {
    later(() => {
      guarded(() => {
        step(current, left);
      });
    });
  }
}

function guarded(what: () => void): void {
  try {
    what();
  } catch (error) {
    reply({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
  }
}

function handle(request: Request): void {
  if (request.kind === "start") {
    session?.close();
    session = undefined;
    session = new Session(request.choices, request.program, wasmOnMemory);
    reply({ kind: "snapshot", snapshot: session.snapshot(), done: true });
  } else if (session !== undefined) step(session, request.faults);
}

addEventListener("message", (event: MessageEvent<Request>) => {
  guarded(() => {
    handle(event.data);
  });
});
