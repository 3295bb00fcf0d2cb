import { imageParts } from "./archive.ts";
import { capture, run } from "./run.ts";

/** Whether Docker has an image of that name. */
export async function hasImage(name: string): Promise<boolean> {
  const found = await capture("docker", ["image", "ls", "--quiet", name], { timeout: 20_000 });
  return found.trim() !== "";
}

/** Loads images from a folder that writeImages wrote. */
export async function loadImages(folder: string, log: string): Promise<void> {
  const pipeline = 'tar -C "$0" -cf - "$@" | docker load';
  const args = ["-o", "pipefail", "-c", pipeline, folder, ...imageParts(folder)];
  await run("bash", args, { log });
}

/** Removes the images of a repository but one; those that a container uses stay. */
export async function removeImages(repository: string, keep: string): Promise<string[]> {
  const list = await capture(
    "docker",
    ["image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository],
    { timeout: 20_000 },
  ).catch(() => "");
  const removed: string[] = [];
  for (const name of list.split("\n").filter((line) => line !== "" && line !== keep)) {
    const gone = await capture("docker", ["image", "rm", name], { timeout: 60_000 }).then(
      () => true,
      () => false,
    );
    if (gone) {
      removed.push(name);
    }
  }
  return removed;
}
