import * as fs from "node:fs";
import * as path from "node:path";
import { root } from "../../../scripts/paths.ts";

/**
 * The program with another release of chart gateway, as far as a test needs one: the vendored chart with another version,
 * and a role that may write the secrets which it could only read.
 *
 * @param folder empty folder that becomes the program's
 */
export function upgradedProgram(folder: string): string {
  link(root, folder, ["sources", ".git", ".bankmesh"]);
  link(path.join(root, "sources"), path.join(folder, "sources"), ["charts"]);
  const charts = path.join(folder, "sources", "charts");
  link(path.join(root, "sources", "charts"), charts, ["gateway"]);
  const gateway = path.join(charts, "gateway");
  fs.cpSync(path.join(root, "sources", "charts", "gateway"), gateway, { recursive: true });
  edit(path.join(gateway, "Chart.yaml"), /1\.31\.0-git\.\w+/g, "99.0.0");
  edit(path.join(gateway, "templates/role.yaml"), /"list"\]/g, '"list", "update"]');
  return folder;
}

/** Names everything of a folder in another one. */
function link(from: string, to: string, without: readonly string[]): void {
  fs.mkdirSync(to, { recursive: true });
  for (const name of fs.readdirSync(from).filter((n) => !without.includes(n)))
    fs.symlinkSync(path.join(from, name), path.join(to, name));
}

function edit(file: string, what: RegExp, by: string): void {
  const text = fs.readFileSync(file, "utf8");
  const edited = text.replace(what, by);
  if (edited === text) throw new Error(`${file} has nothing like ${String(what)} in it`);
  fs.writeFileSync(file, edited);
}
