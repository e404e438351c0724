/** What 6.12 lets each file system do with folios. */
import { expect } from "chai";
import type { FolioPolicy } from "../../../kernel-model/fs/file.js";
import * as policies from "../../../kernel-model/fs/folio-policies.js";

/** name: kind, large folios in the cache, large folios by writes, page_mkwrite, PMD placement. What 6.12 does. */
const RULES: Readonly<Record<string, readonly [FolioPolicy["kind"], boolean, boolean, boolean, boolean]>> = {
  XFS_POLICY: ["pagecache", true, true, true, true],
  EXT4_POLICY: ["pagecache", false, false, true, true],
  EROFS_POLICY: ["pagecache", true, false, true, true],
  AFS_POLICY: ["pagecache", true, true, true, false],
  SHM_MNT_POLICY: ["shmem", true, false, false, false],
  INITRAMFS_POLICY: ["shmem", true, false, false, false],
};

describe("folio policies", () => {
  const records = policies as unknown as Readonly<Record<string, FolioPolicy>>;

  for (const [name, rule] of Object.entries(RULES)) {
    it(name, () => {
      const { kind, largeFolios, largeWriteFolios, pageMkwrite, thpPlacement, mapPages, huge } = records[name]!;
      expect([kind, largeFolios, largeWriteFolios, pageMkwrite, thpPlacement]).to.deep.equal(rule);
      expect(mapPages).to.equal(true);
      expect(huge).to.equal("never");
    });
  }

  it("tmpfs differs by huge= alone", () => {
    for (const huge of ["never", "always", "within_size", "advise"] as const) {
      expect(policies.TMPFS_POLICIES[huge]).to.deep.equal({ ...policies.INITRAMFS_POLICY, name: "tmpfs", huge });
    }
  });
});
