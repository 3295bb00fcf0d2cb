import { capture, run } from "./run";

/** Whether Docker has an image of that name. */
export async function hasImage(name: string): Promise<boolean> {
  const found = await capture("docker", ["image", "ls", "--quiet", name], { timeout: 20_000 });
  return found.trim() !== "";
}

/** Loads an archive as pieces/images.ts and pieces/node-image.ts write them. */
export async function loadImage(archive: string, log: string): Promise<void> {
  await run("docker", ["load", "--input", archive], { log });
}
