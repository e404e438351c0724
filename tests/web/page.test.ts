/** The page itself, in headless Chromium: every button, from the start of a program to its end. */
import { expect } from "chai";
import { PageDriver } from "../support/page-driver.js";

const PAGE = "build/web/index.html";
const click = (id: string): string => `document.getElementById("${id}").click()`;
const text = (id: string): string => `document.getElementById("${id}").textContent`;
const choose = (id: string, value: string): string => `{ const e = document.getElementById("${id}"); e.value = "${value}"; e.dispatchEvent(new Event("change")); }`;
const is = (status: string): string => `${text("status")} === "${status}"`;

describe("the page", () => {
  let page: PageDriver;
  before(async function () {
    this.timeout(120_000);
    page = await PageDriver.open(PAGE);
    await page.until(is("stopped"));
  });
  after(async () => {
    await page.close();
  });

  const squares = (kind: string): string => `document.querySelectorAll("#table rect.${kind}").length`;

  it("steps from fault to fault", async function () {
    this.timeout(60_000);
    await page.evaluate(click("one"));
    await page.until(`${is("stopped")} && /Fault \\d+/.test(${text("fault")})`);
    const first = String(await page.evaluate(text("fault")));
    await page.evaluate(click("one"));
    await page.until(`${is("stopped")} && ${text("fault")} !== ${JSON.stringify(first)}`);
    expect(await page.evaluate("document.querySelectorAll('#table rect.fault').length")).to.equal(1);
    expect(await page.evaluate(`document.querySelectorAll("#tlbs h3").length`)).to.equal(3);
  });

  it("shows contiguous runs of folios, and none without contpte", async function () {
    this.timeout(120_000);
    await page.evaluate(click("hundred"));
    await page.until(`${is("stopped")} && ${squares("contiguous")} >= 16`);
    expect(await page.evaluate(squares("folio"))).to.be.greaterThan(0);
    await page.evaluate(`document.getElementById("contpte").checked = false; ${click("start")}`);
    await page.until(`${is("stopped")} && ${squares("contiguous")} === 0`);
    await page.evaluate(click("hundred"));
    await page.until(`${is("stopped")} && ${squares("page")} >= 16`);
    expect(await page.evaluate(squares("contiguous"))).to.equal(0);
    expect(await page.evaluate(squares("folio"))).to.be.greaterThan(0);
  });

  it("runs a program to its end at another page size", async function () {
    this.timeout(120_000);
    await page.evaluate(`${choose("program", "hello")} ${choose("page-size", "16k")} ${click("start")}`);
    await page.until(is("stopped"));
    await page.evaluate(click("end"));
    await page.until(is("ended"));
    expect(await page.evaluate(text("output"))).to.match(/hello/i);
    expect(await page.evaluate(text("fault"))).to.contain("exit status 0");
    expect(await page.evaluate(text("window"))).to.contain("16");
  });

  it("raised no error, and its picture is not empty", async () => {
    expect(page.errors).to.deep.equal([]);
    expect((await page.picture()).length).to.be.greaterThan(20_000);
  });
});
