/* The miss curve as a picture of its own: well-formed, and drawn by a browser. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { curveChart, curveSvg } from "../../../../lab/report/html/curve.js";
import { openInBrowser } from "../../../support/browser.js";

const CURVE = { side: "data", enough: 512, points: [1, 2, 4, 8, 64, 512].map((entries) => ({ entries, misses: Math.floor(1000 / entries), withoutContiguous: Math.floor(4000 / entries) })) } as const;

describe("curveChart", () => {
  it("has a legend and two lines", () => {
    const html = curveChart(CURVE);
    expect(html.match(/<path /g)).to.have.length(2);
    expect(html).to.match(/as mapped/).and.to.match(/without the contiguous bit/);
  });
});

describe("curveSvg", function () {
  this.timeout(120_000);

  it("is an SVG file that a browser draws without complaint", () => {
    const directory = mkdtempSync(join(tmpdir(), "foliolab-svg-"));
    try {
      const file = join(directory, "curve.svg");
      writeFileSync(file, curveSvg(CURVE));
      const { dom, console: complaints, picture } = openInBrowser(file, { width: 860, height: 400 });
      // Malformed XML makes Chromium show an error element in place of the drawing.
      expect(dom).to.not.include("parsererror");
      expect(dom.match(/<path /g)).to.have.length(2);
      expect(complaints).to.deep.equal([]);
      expect(picture.length).to.be.greaterThan(5000);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
