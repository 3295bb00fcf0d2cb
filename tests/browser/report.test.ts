import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { after, before, describe, test } from "node:test";
import { local } from "../../scripts/paths.ts";
import { html } from "../../verify/reports/html.ts";
import { Chromium, type Screen } from "./support/chromium.ts";
import { largeReport } from "./support/large-report.ts";
import { openAll, overflow, paper, places, texts } from "./support/measures.ts";

const phone = { width: 360, height: 740 };
const desk = { width: 1280, height: 900 };
const schemes = ["light", "dark"] as const;
/** Of WCAG 2.2, level AA, for text that is not large. */
const leastContrast = 4.5;
/** CSS pixels; smaller text cannot be read on a phone without zooming. */
const leastSize = 12;

describe("the report's page in a browser", () => {
  let browser: Chromium;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bankmesh-browser-"));
  /** For people to look at. */
  const pictures = path.join(local, "screenshots");
  const file = (name: string) => path.join(folder, `${name}.html`);
  const verdicts = ["holds", "fails", "inconclusive"] as const;

  before(async () => {
    fs.mkdirSync(pictures, { recursive: true });
    for (const verdict of verdicts) fs.writeFileSync(file(verdict), html(largeReport(verdict)));
    browser = await Chromium.start();
  });

  after(async () => {
    await browser?.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const show = (name: string, screen: Screen) => browser.open(file(name), screen);

  for (const scheme of schemes)
    for (const verdict of verdicts)
      test(`${verdict}, ${scheme}: the verdict is on a phone's screen before anything else`, async () => {
        await show(verdict, { ...phone, scheme });
        const { verdict: head, firstSection } = await browser.run(places);
        assert.ok(head.top >= 0 && head.bottom < phone.height / 2, JSON.stringify(head));
        assert.ok(head.bottom < firstSection.top);
        await browser.screenshot(path.join(pictures, `${verdict}-phone-${scheme}.png`));
      });

  for (const scheme of schemes)
    for (const [name, screen] of Object.entries({ phone, desk }))
      test(`${name}, ${scheme}: with all open, nothing is wider than the screen and all can be read`, async () => {
        await show("fails", { ...screen, scheme });
        assert.ok((await browser.run(openAll)) > 20);
        assert.deepEqual(await browser.run(overflow), {
          ...{ screen: screen.width, page: screen.width, elements: [] },
        });
        const all = await browser.run(texts);
        assert.ok(all.length > 200, `${all.length} texts`);
        const unreadable = all.filter((t) => t.contrast < leastContrast || t.size < leastSize);
        assert.deepEqual(unreadable, []);
        await browser.screenshot(path.join(pictures, `all-${name}-${scheme}.png`));
      });

  test("what is too wide, too pale or too small is found", async () => {
    const pale = `<p style="color:#999;background:#bbb">pale</p><p style="font-size:9px">small</p>`;
    const viewport = `<meta name="viewport" content="width=device-width">`;
    fs.writeFileSync(file("bad"), `${viewport}${pale}<div style="width:900px">wide</div>`);
    await show("bad", { ...phone, scheme: "light" });
    const { elements } = await browser.run(overflow);
    assert.deepEqual(elements, ["DIV wide"]);
    const found = await browser.run(texts);
    const named = (which: (t: (typeof found)[number]) => boolean) =>
      found.filter(which).map((t) => t.text);
    assert.deepEqual(
      named((t) => t.contrast < leastContrast),
      ["pale"],
    );
    assert.deepEqual(
      named((t) => t.size < leastSize),
      ["small"],
    );
  });

  test("it follows the reader's scheme", async () => {
    const grounds: string[] = [];
    for (const scheme of schemes) {
      await show("holds", { ...desk, scheme });
      grounds.push(await browser.run(paper));
    }
    assert.deepEqual(grounds, ["rgb(255, 255, 255)", "rgb(20, 23, 26)"]);
  });

  test("it asks for nothing but itself; a page that does is found out", async () => {
    await show("fails", { ...desk, scheme: "light" });
    await browser.run(openAll);
    assert.deepEqual(browser.requests, [`file://${file("fails")}`]);
    const image = `<img src="file://${folder}/nothing.png" alt="">`;
    fs.writeFileSync(file("asks"), `${html(largeReport("holds"))}${image}`);
    await show("asks", { ...desk, scheme: "light" });
    assert.deepEqual(browser.requests, [`file://${file("asks")}`, `file://${folder}/nothing.png`]);
  });

  test("a tap opens a probe's evidence", async () => {
    await show("holds", { ...phone, height: 4000, scheme: "light" });
    const { closed } = await browser.run(places);
    assert.ok(closed.height >= 24, "a finger has to find it");
    const before = (await browser.run(texts)).length;
    await browser.click(closed.left + closed.width / 3, closed.top + closed.height / 2);
    assert.ok((await browser.run(texts)).length > before + 5);
  });
});
