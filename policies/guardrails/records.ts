import type { PolicyResource, ResourceValidationArgs } from "@pulumi/policy";
import type { Resource } from "./resource.ts";
import { Inventory } from "./world.ts";

/** What the engine hands to one rule after the other, as records that all rules share. */
export class Records {
  private last?: { readonly args: ResourceValidationArgs; readonly record: Resource };
  private lastStack?: {
    readonly resources: readonly PolicyResource[];
    readonly inventory: Inventory;
  };

  /** The resource that a rule is asked about. */
  public resource(args: ResourceValidationArgs): Resource {
    if (!this.last || !isSame(this.last.args, args)) {
      const { type, name, props, urn, opts } = args;
      const record = { type, name, props, urn, secretOutputs: opts.additionalSecretOutputs };
      this.last = { args, record };
    }
    return this.last.record;
  }

  /** All resources that a rule is asked about. */
  public stack(resources: readonly PolicyResource[]): Inventory {
    const last = this.lastStack?.resources;
    const same =
      last?.length === resources.length && resources.every((r, i) => isSame(r, last[i]!));
    if (!this.lastStack || !same)
      this.lastStack = { resources, inventory: new Inventory(resources.map(stackRecordOf)) };
    return this.lastStack.inventory;
  }
}

type Handed = Pick<ResourceValidationArgs, "props" | "urn" | "type">;

/** Whether two are of the same message of the engine: its properties are read once (lean-policy.ts). */
function isSame(a: Handed, b: Handed): boolean {
  return a.props === b.props && a.urn === b.urn && a.type === b.type;
}

function stackRecordOf(resource: PolicyResource): Resource {
  const { type, name, props, urn, opts } = resource;
  return {
    ...{ type, name, props, urn, secretOutputs: opts.additionalSecretOutputs },
    parent: resource.parent?.urn,
    dependencies: resource.dependencies.map((d) => d.urn),
  };
}
