import { nearest } from "./nearest.ts";
import type { Problem } from "./problems.ts";

/** Keys of a stack's file, as Pulumi knows them. */
const fileKeys = ["config", "encryptionsalt", "secretsprovider", "encryptedkey", "environment"];
const project = "bankmesh";

/**
 * Keys of a stack's file that Pulumi would read past: what stands there would look like a setting and be none. Other
 * namespaces are for other packages (`kubernetes:…`), unless they look like a slip.
 */
export function strangeKeys(
  stack: string,
  document: Readonly<Record<string, unknown>>,
  known: readonly string[],
): Problem[] {
  const file = `Pulumi.${stack}.yaml`;
  const config = (document.config ?? {}) as Readonly<Record<string, unknown>>;
  const problem = (key: string, allowed: string, fix: string): Problem => ({
    // not the value: a misspelt key may hold a secret
    ...{ key, value: "set", allowed, fix },
    whole: true,
  });
  const outside = Object.keys(document)
    .filter((key) => !fileKeys.includes(key))
    .map((key) => {
      const near = nearest(key, fileKeys);
      const setting = known.includes(key);
      return problem(
        key,
        `${fileKeys.join(", ")} at the top of the file`,
        near
          ? `in ${file}, write ${near}`
          : setting
            ? `in ${file}, write ${project}:${key} under config`
            : `in ${file}, take it out`,
      );
    });
  const inside = Object.keys(config).flatMap((key) => {
    const [namespace, name] = key.includes(":") ? key.split(/:(.*)/s) : [undefined, key];
    if (namespace === project) return [];
    if (namespace !== undefined && nearest(namespace, [project]) === undefined) return [];
    return [
      problem(key, `keys of the form ${project}:name`, `in ${file}, write ${project}:${name}`),
    ];
  });
  return [...outside, ...inside];
}
