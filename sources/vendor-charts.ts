// Makes sources/charts from packaged charts: node sources/vendor-charts.ts <base.tgz> <istiod.tgz> <gateway.tgz>
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";

const folder = path.join(import.meta.dirname, "charts");
const names = ["base", "istiod", "gateway"];

/** Sums of all files of the charts in a folder, as `sha256sum` writes and checks them. */
export function chartSums(charts = folder): string {
  const files = names.flatMap((name) =>
    fs
      .readdirSync(path.join(charts, name), { recursive: true, encoding: "utf8" })
      .map((file) => path.join(name, file))
      .filter((file) => fs.statSync(path.join(charts, file)).isFile()),
  );
  const sum = (file: string) =>
    createHash("sha256")
      .update(fs.readFileSync(path.join(charts, file)))
      .digest("hex");
  return files
    .sort()
    .map((file) => `${sum(file)}  ${file}\n`)
    .join("");
}

if (process.argv[1] === import.meta.filename) {
  const packages = process.argv.slice(2);
  if (packages.length !== names.length) throw new Error(`name the packages of ${names.join(", ")}`);
  for (const name of names) fs.rmSync(path.join(folder, name), { recursive: true, force: true });
  for (const file of packages) execFileSync("tar", ["-xzf", file, "-C", folder]);
  fs.writeFileSync(path.join(folder, "SHA256SUMS"), chartSums());
}
