/**
 * Descriptions that were sent through sockets and that no one has received: letting go of them.
 *
 * Linux: net/unix/garbage.c, fs/file_table.c fput(), which puts off the real work. A description in flight may be a socket that carries
 * another one, to any depth, so they are dropped one after the other and not one inside the other.
 */
import type { OpenFile } from "../fs/vfs.js";
import { putFile } from "../fs/vfs.js";

export class InFlight {
  private readonly waiting: OpenFile[] = [];
  private dropping = false;

  /** Drop one reference of each. Those that a dropped socket carried are dropped too before the outermost call returns. */
  drop(files: readonly OpenFile[]): void {
    this.waiting.push(...files);
    if (this.dropping) return;
    this.dropping = true;
    for (let file = this.waiting.pop(); file !== undefined; file = this.waiting.pop()) putFile(file);
    this.dropping = false;
  }
}
