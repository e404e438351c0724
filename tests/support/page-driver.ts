/** Drives a page in headless Chromium through the DevTools protocol, over the pipe that Chromium offers for it. */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import { pathToFileURL } from "node:url";

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
  readonly params?: Record<string, unknown>;
}

const NUL = "\0";
const OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"];

export class PageDriver {
  /** Exceptions that the page did not catch, and what it wrote with console.error. */
  readonly errors: string[] = [];
  private readonly chromium: ChildProcess;
  private readonly profile: string;
  private readonly waiting = new Map<number, (message: Message) => void>();
  private next = 1;
  private session: string | undefined;

  private constructor() {
    this.profile = mkdtempSync(join(tmpdir(), "foliolab-page-"));
    this.chromium = spawn("chromium", [...OPTIONS, `--user-data-dir=${this.profile}`, "about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    let unread = "";
    (this.chromium.stdio[4] as Readable).setEncoding("utf8").on("data", (text: string) => {
      const parts = (unread + text).split(NUL);
      unread = parts.pop() ?? "";
      for (const part of parts) this.receive(JSON.parse(part) as Message);
    });
  }

  /** Opens a file. Throws if Chromium is not installed. */
  static async open(file: string): Promise<PageDriver> {
    const driver = new PageDriver();
    await new Promise<void>((done, failed) => {
      driver.chromium.once("spawn", () => {
        done();
      });
      driver.chromium.once("error", () => {
        failed(new Error("chromium is not installed; `make setup` installs it"));
      });
    });
    const { targetId } = await driver.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await driver.send("Target.attachToTarget", { targetId, flatten: true });
    driver.session = sessionId as string;
    await driver.send("Runtime.enable", {});
    await driver.send("Page.enable", {});
    await driver.send("Page.navigate", { url: pathToFileURL(resolve(file)).href });
    await driver.until('location.protocol === "file:" && document.readyState === "complete"');
    return driver;
  }

  private receive(message: Message): void {
    if (message.id !== undefined) {
      this.waiting.get(message.id)?.(message);
      this.waiting.delete(message.id);
    } else if (message.method === "Runtime.exceptionThrown" || (message.method === "Runtime.consoleAPICalled" && message.params?.["type"] === "error")) {
      this.errors.push(JSON.stringify(message.params));
    }
  }

  private send(method: string, params: Record<string, unknown>): Promise<Record<string, unknown>> {
    const id = this.next++;
    return new Promise((done, failed) => {
      this.waiting.set(id, ({ result, error }) => {
        if (error === undefined) done(result ?? {});
        else failed(new Error(`${method}: ${error.message}`));
      });
      (this.chromium.stdio[3] as Writable).write(JSON.stringify({ id, method, params, ...(this.session === undefined ? {} : { sessionId: this.session }) }) + NUL);
    });
  }

  /** The value of an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { readonly value?: unknown }).value;
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string, seconds = 60): Promise<void> {
    for (let left = seconds * 20; left > 0; left--) {
      if ((await this.evaluate(expression)) === true) return;
      await new Promise((done) => {
        setTimeout(done, 50);
      });
    }
    throw new Error(`not within ${seconds} seconds: ${expression}; ${this.errors.join("; ")}`);
  }

  async picture(): Promise<Buffer> {
    const { data } = await this.send("Page.captureScreenshot", { format: "png", captureBeyondViewport: true });
    return Buffer.from(data as string, "base64");
  }

  async close(): Promise<void> {
    const gone = new Promise((done) => this.chromium.once("exit", done));
    this.session = undefined;
    this.send("Browser.close", {}).catch(() => undefined);
    await gone;
    rmSync(this.profile, { recursive: true, force: true });
  }
}
