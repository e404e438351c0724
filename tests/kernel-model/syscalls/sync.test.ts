/** sync and its relatives: what becomes clean. */
import { expect } from "chai";
import { CHECK, expectLikeHost, runSourceInMachine } from "../../support/namespace.js";

describe("writing back", () => {
  it("errors as a real kernel gives them", () => {
    expectLikeHost(
      "sync-errors",
      `${CHECK}int main(void) { int p[2], f = open("f", O_CREAT | O_RDWR, 0600), w = open("f", O_WRONLY); pipe(p); write(f, "abc", 3); sync(); CHECK(syncfs(f)); CHECK(syncfs(99)); CHECK(sync_file_range(f, 0, 0, 7)); CHECK(sync_file_range(f, -1, 0, 0)); CHECK(sync_file_range(f, 0, 0, 8)); CHECK(sync_file_range(p[0], 0, 0, 0)); CHECK(readahead(f, 0, 4096)); CHECK(readahead(w, 0, 4096)); CHECK(readahead(p[0], 0, 1)); CHECK(fsync(f)); CHECK(fdatasync(f)); return 0; }`,
    );
  });

  it("cleans what is dirty, of one file, one file system, or all", () => {
    const source = `${CHECK}static long dirty(void) { static char b[20000]; int f = open("/proc/vmstat", O_RDONLY), n = 0, r; while ((r = read(f, b + n, 19999 - n)) > 0) n += r; b[n] = 0; close(f); return atol(strstr(b, "nr_dirty ") + 9); }
int main(void) { static char big[40960]; int a = open("/x/a", O_CREAT | O_RDWR, 0600), b = open("/x/b", O_CREAT | O_RDWR, 0600), c = open("/e/c", O_CREAT | O_RDWR, 0600); write(a, big, 40960); write(b, big, 40960); write(c, big, 40960); printf("%ld ", dirty()); sync_file_range(a, 0, 8192, 7); printf("%ld ", dirty()); fsync(a); printf("%ld ", dirty()); syncfs(a); printf("%ld ", dirty()); sync(); printf("%ld\\n", dirty()); return 0; }`;
    const mounts = [
      { type: "ext4", directory: "/x", options: "" },
      { type: "ext4", directory: "/e", options: "" },
    ] as const;
    expect(runSourceInMachine("sync-dirty", source, { mounts }).stdout).to.equal("30 28 20 10 0\n");
  });
});
