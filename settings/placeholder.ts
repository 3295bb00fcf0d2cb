import { type Schema, bare, isOptional, schemaAt } from "./schema-path.ts";

/** Whether what a path leads to cannot be left out without its list losing its order, or its map being refused. */
export function hasToBe(path: readonly PropertyKey[]): boolean {
  if (typeof path.at(-1) === "number") return true;
  const parent = schemaAt(path.slice(0, -1));
  const own = parent && bare(parent).def.shape?.[path.at(-1)!];
  return own !== undefined && !isOptional(own);
}

/**
 * A value that the schema takes at a path, for one that it refuses: it holds the place, so that others keep their keys and
 * can be judged. Undefined where none is known.
 */
export function placeholder(path: readonly PropertyKey[]): unknown {
  const index = Number(path.findLast((part) => typeof part === "number") ?? 0);
  const schema = schemaAt(path);
  return schema && valueFor(schema, index);
}

function valueFor(schema: Schema, index: number): unknown {
  const { type, shape, element } = bare(schema).def;
  if (type === "object")
    return Object.fromEntries(
      Object.entries(shape!)
        .filter(([, field]) => !isOptional(field))
        .map(([name, field]) => [name, valueFor(field, index)]),
    );
  if (type === "array") return [valueFor(element!, index)];
  const name = `unread-${index}`;
  const candidates = [
    ...[`https://${name}`, name, `/${name}`, `${name}.unread`, `/unread.Unread/${index}`],
    ...["GET", "http", "10.0.0.0/32", "unread:0", 65535 - index, true],
  ];
  return candidates.find((value) => schema.safeParse(value).success);
}
