/* Markup: nothing that a program is called can break the page. */
import { expect } from "chai";
import { csv, escape, inlineJson, table } from "../../../../lab/report/html/markup.js";

describe("escape", () => {
  it("leaves no character that ends text or an attribute", () => {
    expect(escape(`<a href="x" o='y'>&amp;`)).to.equal("&#60;a href=&#34;x&#34; o=&#39;y&#39;&#62;&#38;amp;");
  });
});

describe("inlineJson", () => {
  it("cannot be ended from inside, and is the value again", () => {
    const value = { path: "</script><script>alert(1)</script><!--" };
    const html = inlineJson("result", value);
    expect(html.match(/<\/script/g)).to.have.length(1);
    expect(html).to.not.include("<!--");
    expect(JSON.parse(/>(.*)<\/script>$/.exec(html)![1]!)).to.deep.equal(value);
  });
});

describe("csv", () => {
  it("quotes what must be quoted", () => {
    expect(csv([{ head: "a" }, { head: "b,c" }], [[1, 'say "x"'], ["two\nlines", 0.5]])).to.equal('a,"b,c"\r\n1,"say ""x"""\r\n"two\nlines",0.5\r\n');
  });
});

describe("table", () => {
  const html = table("t", [{ head: "name", code: true }, { head: "n", title: "a number" }, { head: "p", format: (v) => `${v} %` }], [["<b>", 12345, 7]]);

  it("shows numbers grouped and aligned, text escaped", () => {
    expect(html).to.include('<td><code>&#60;b&#62;</code></td><td class="n">12,345</td><td class="n">7 %</td>');
    expect(html).to.include('<th>name</th><th class="n" title="a number">n</th>');
  });

  it("carries its rows, with the plain numbers, as a link", () => {
    const [, uri] = /download="t.csv" href="data:text\/csv;charset=utf-8,([^"]*)"/.exec(html)!;
    expect(decodeURIComponent(uri!)).to.equal("name,n,p\r\n<b>,12345,7\r\n");
  });
});
