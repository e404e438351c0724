/* Charts: lengths and places in proportion, every mark with a title. */
import { expect } from "chai";
import { bars, legend, lines, niceStep, short, strip } from "../../../../lab/report/html/charts.js";

const attributes = (svg: string, element: string, name: string): number[] => [...svg.matchAll(new RegExp(`<${element}[^>]* ${name}="([-0-9.]+)"`, "g"))].map((match) => Number(match[1]));

describe("bars", () => {
  const part = (value: number, color = "a"): { name: string; value: number; color: string } => ({ name: "p", value, color });

  it("are as long as their values, on one scale", () => {
    const svg = bars("x", [{ label: "one", parts: [part(100)], text: "100" }, { label: "two", parts: [part(25), part(50, "b")], text: "75" }]);
    const [whole, quarter, half] = attributes(svg, "rect", "width");
    expect(quarter! / whole!).to.be.closeTo(0.25, 0.001);
    expect(half! / whole!).to.be.closeTo(0.5, 0.001);
    const [, second, third] = attributes(svg, "rect", "x");
    expect(third! - second!, "stacked").to.be.closeTo(quarter!, 0.01);
    expect(svg).to.include("<title>two, p: 25</title>");
    expect(svg).to.include('aria-label="x"');
  });

  it("leave out nothing that is there and show nothing that is not", () => {
    const svg = bars("x", [{ label: "l", parts: [part(1_000_000), part(1, "b"), part(0, "c")], text: "" }]);
    expect(attributes(svg, "rect", "width").length).to.equal(2);
    expect(attributes(svg, "rect", "width")[1]).to.be.at.least(1);
    expect(bars("x", [{ label: "l", parts: [part(0)], text: "0" }])).to.not.include("<rect");
  });

  it("escape labels", () => {
    expect(bars("x", [{ label: "<i>", parts: [part(1)], text: "&" }])).to.include("&#60;i&#62;").and.not.include("<i>");
  });
});

describe("legend", () => {
  it("names colours", () => {
    expect(legend([["cold", "c1"]])).to.equal('<p class="legend"><span><i class="c1"></i>cold</span></p>');
  });
});

describe("lines", () => {
  it("draw x by doublings and y from 0", () => {
    const svg = lines("n", "entries", "misses", [{ name: "s", color: "a", points: [[1, 100], [4, 50], [16, 0]] }]);
    const [, path] = / d="M([^"]*)"/.exec(svg)!;
    const points = path!.split("L").map((pair) => pair.split(" ").map(Number));
    const [[x1, y1], [x2, y2], [x3, y3]] = points as [[number, number], [number, number], [number, number]];
    expect(x2 - x1).to.be.closeTo(x3 - x2, 0.1);
    expect(y2 - y1).to.be.closeTo(y3 - y2, 0.1);
    for (const label of [">1<", ">2<", ">16<", ">100<", ">entries<", ">misses<"]) expect(svg).to.include(label);
  });

  it("stand a flat curve and a single point", () => {
    for (const points of [[[1, 0], [64, 0]], [[8, 3]]] as const) {
      const svg = lines("n", "x", "y", [{ name: "s", color: "a", points }]);
      expect(svg).to.not.include("NaN");
    }
  });
});

describe("strip", () => {
  it("paints columns from left to right", () => {
    const svg = strip("area", [{ color: "page", columns: 3, title: "a" }, { color: "block", columns: 7, title: "b" }]);
    expect(svg).to.include('viewBox="0 0 10 14"');
    expect(attributes(svg, "rect", "x")).to.deep.equal([0, 3]);
    expect(attributes(svg, "rect", "width")).to.deep.equal([3, 7]);
    expect(strip("empty", [])).to.include('viewBox="0 0 1 14"');
  });
});

describe("axis numbers", () => {
  it("steps are 1, 2 or 5 times a power of ten", () => {
    expect([0.03, 1, 1.1, 3, 5, 7, 120_000].map(niceStep)).to.deep.equal([0.05, 1, 2, 5, 5, 10, 200_000]);
  });

  it("are short", () => {
    expect([0, 950, 1000, 12_345, 2_500_000, 3e12, 4e15].map(short)).to.deep.equal(["0", "950", "1k", "12.3k", "2.5M", "3T", "4000T"]);
  });
});
