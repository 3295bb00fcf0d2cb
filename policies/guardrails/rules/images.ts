/** Whether an image is named by its digest. */
export function hasDigest(image: string): boolean {
  return /@sha256:[0-9a-f]{64}$/.test(image);
}

/** An image without tag and digest; those of Docker Hub without its host. */
export function repositoryOf(image: string): string {
  return image
    .replace(/@sha256:[0-9a-f]+$/, "")
    .replace(/:[^/:]+$/, "")
    .replace(/^docker\.io\/(library\/)?/, "");
}

/** Whether an image comes from one of these registries, or repositories below them. */
export function isAllowed(image: string, registries: readonly string[]): boolean {
  const first = image.split("/")[0]!;
  // as container runtimes read it: what is no host belongs to Docker Hub
  const host = image.includes("/") && /[.:]|^localhost$/.test(first);
  const full = host ? image : `docker.io/${image}`;
  return registries.some((registry) => full.startsWith(`${registry}/`));
}
