import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import { parse } from "yaml";
import { istioVersion } from "../../airgap/versions.ts";
import { renderedSources, vendoredCharts } from "../../sources/rendered.ts";
import { chartSums } from "../../sources/vendor-charts.ts";
import { official, root } from "./support/settings.ts";

const folder = path.join(root, vendoredCharts);

describe("vendored charts", () => {
  test("are what their sums say, and nothing else is there", () => {
    assert.equal(chartSums(folder), fs.readFileSync(path.join(folder, "SHA256SUMS"), "utf8"));
  });

  test("are three of one version, the one that the air-gapped route installs", () => {
    for (const { chart } of Object.values(renderedSources(official, "/x").istio.charts)) {
      const text = fs.readFileSync(path.join(root, chart, "Chart.yaml"), "utf8");
      const { name, version, appVersion } = parse(text) as Record<string, string>;
      assert.deepEqual(
        [name, version, appVersion],
        [path.basename(chart), istioVersion, istioVersion],
      );
    }
  });

  const module = pinnedModule();
  const skip = module === undefined && "Istio's module is not in the Go module cache";
  test("have the text of the pinned Istio module", { skip }, () => {
    const origins = { base: "base", istiod: "istio-control/istio-discovery", gateway: "gateway" };
    for (const [name, origin] of Object.entries(origins)) {
      const files = fs.readdirSync(path.join(folder, name), { recursive: true, encoding: "utf8" });
      // helm writes Chart.yaml anew, with the version in it
      const own = files.filter((file) => path.basename(file) !== "Chart.yaml");
      const texts = own.filter((file) => fs.statSync(path.join(folder, name, file)).isFile());
      assert.ok(texts.length > 10, name);
      for (const file of texts) {
        const there = fs.readFileSync(path.join(module!, "manifests/charts", origin, file), "utf8");
        assert.equal(fs.readFileSync(path.join(folder, name, file), "utf8"), there, file);
      }
    }
  });
});

/** The Istio that airgap/tools/istio/go.mod pins, where the Go module cache has it. */
function pinnedModule(): string | undefined {
  const mod = fs.readFileSync(path.join(root, "airgap/tools/istio/go.mod"), "utf8");
  const version = /istio\.io\/istio (v\S+)/.exec(mod)?.[1];
  const module = path.join(moduleCache(), `istio.io/istio@${version}`);
  return fs.existsSync(module) ? module : undefined;
}

function moduleCache(): string {
  try {
    return execFileSync("go", ["env", "GOMODCACHE"], { encoding: "utf8" }).trim();
  } catch {
    return path.join(os.homedir(), "go/pkg/mod");
  }
}
