import { settingsSchema } from "./schema.ts";

/** What is used here of a schema of zod. */
export interface Schema {
  readonly def: {
    readonly type: string;
    readonly innerType?: Schema;
    readonly element?: Schema;
    readonly valueType?: Schema;
    readonly shape?: Readonly<Record<PropertyKey, Schema>>;
  };
  readonly safeParse: (value: unknown) => { readonly success: boolean };
}

const optional = ["optional", "default", "prefault"];
/** Whether a field may be left out. */
export const isOptional = (schema: Schema): boolean => optional.includes(schema.def.type);
/** Without what says only whether it may be left out. */
export const bare = (schema: Schema): Schema =>
  schema.def.innerType ? bare(schema.def.innerType) : schema;

/** What the schema says about a path; undefined where it says nothing. */
export function schemaAt(path: readonly PropertyKey[]): Schema | undefined {
  return path.reduce<Schema | undefined>(
    (schema, part) => {
      if (!schema) return undefined;
      const { element, shape, valueType } = bare(schema).def;
      return typeof part === "number" ? element : (shape?.[part] ?? valueType);
    },
    settingsSchema as unknown as Schema,
  );
}

/** Keys that the schema has at a path. */
export function keysAt(path: readonly PropertyKey[]): string[] {
  const schema = schemaAt(path);
  return Object.keys((schema && bare(schema).def.shape) ?? {});
}

/** Keys at a path that cannot be left out. */
export function requiredAt(path: readonly PropertyKey[]): string[] {
  const schema = schemaAt(path);
  return Object.entries((schema && bare(schema).def.shape) ?? {})
    .filter(([, field]) => !isOptional(field))
    .map(([name]) => name);
}
