/** The worker of the page, spoken to as the page does. */
import { expect } from "chai";
import { PageDriver } from "../support/page-driver.js";

describe("the worker", () => {
  it("answers each request with a snapshot, and says in one line what cannot be done", async function () {
    this.timeout(120_000);
    const page = await PageDriver.open("build/web/index.html");
    try {
      const replies = (await page.evaluate(`new Promise((done) => {
        const worker = new Worker(URL.createObjectURL(new Blob([document.getElementById("worker").textContent], { type: "text/javascript" })));
        const replies = [];
        const choices = { pageSize: "4k", folioBytes: 0, contpte: true, core: "neoverse-n1", memory: 2 ** 28 };
        worker.onmessage = ({ data }) => {
          replies.push(data.kind === "failed" ? data.reason : data.kind);
          if (replies.length === 1) worker.postMessage({ kind: "start", choices: { ...choices, core: "none" }, program: { name: "text", bytes: new Uint8Array(8), args: [] } });
          else done(replies);
        };
        worker.postMessage({ kind: "start", choices, program: { name: "text", bytes: new Uint8Array(8), args: [] } });
      })`)) as string[];
      expect(replies[0]).to.match(/^text: /);
      expect(replies[1]).to.match(/none/);
    } finally {
      await page.close();
    }
  });
});
