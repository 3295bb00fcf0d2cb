import { gatewayNamespace } from "../../settings/index.ts";
import type { KubernetesObject } from "../callers/objects.ts";
import type { Kubectl } from "../kubectl.ts";
import type { Change, Materials, Mutation, ObjectRef } from "./mutation.ts";
import { keyOf, refOf } from "./objects.ts";
import { type Applied, appliedBy } from "./owned.ts";
import {
  type ChangeRecord,
  type KubectlCall,
  applyCall,
  deleteCall,
  listOf,
  removeRecord,
  undoCalls,
  writeRecord,
} from "./record.ts";

/** Who applies what is beside the stack's own objects. */
const ownManager = "bankmesh-mutation";

/** Breaks a platform, one change at a time, and puts back what was there. */
export class Breakage {
  private readonly kubectl: Kubectl;
  private readonly file: string;
  private record: ChangeRecord | undefined;

  /**
   * @param kubectl kubectl on the cluster
   * @param file where the record of a change is, until it is undone
   */
  constructor(kubectl: Kubectl, file: string) {
    this.kubectl = kubectl;
    this.file = file;
  }

  /**
   * Makes a change; what undoes it is on disk before.
   *
   * @throws Error when an object is not there, or cannot be changed
   */
  public async make(mutation: Mutation, materials: Materials): Promise<void> {
    const { settings } = materials;
    const live = await this.read(mutation.reads(settings));
    const applied = live.map(appliedBy);
    const change = mutation.change(
      applied.map(({ object }) => object),
      materials,
    );
    const record: ChangeRecord = {
      ...{ mutation: mutation.id, cluster: await this.cluster(), since: new Date().toISOString() },
      originals: touched(applied, change),
      added: (change.added ?? []).map(refOf),
      restarts: mutation.restarts?.(settings) ?? [],
      remounts: mutation.remounts ?? false,
    };
    writeRecord(this.file, record);
    this.record = record;
    // before the callers' own removal and before the kubeconfig goes
    process.prependOnceListener("exit", this.undoAtExit);
    await this.runAll(changeCalls(change, record.originals));
    await this.settle(record, mutation.restartsReady ?? true);
  }

  /** Puts back what was there, and waits until pods that were made anew are ready. */
  public async undo(record = this.record): Promise<void> {
    if (!record) return;
    await this.runAll(undoCalls(record));
    await this.settle(record, true);
    this.forget();
  }

  /** Uid of the cluster's first namespace. */
  public async cluster(): Promise<string> {
    const args = ["get", "namespace", "kube-system", "--output", "jsonpath={.metadata.uid}"];
    return this.kubectl.run(args);
  }

  private async read(refs: readonly ObjectRef[]): Promise<KubernetesObject[]> {
    if (refs.length === 0) return [];
    const text = await this.kubectl.run(
      ["get", "--filename", "-", "--output", "json", "--show-managed-fields"],
      listOf(refs),
    );
    const found = JSON.parse(text) as KubernetesObject & { items?: KubernetesObject[] };
    const items = found.items ?? [found];
    return refs.map((ref) => items.find((one) => keyOf(one) === keyOf(ref))!);
  }

  private async settle(record: ChangeRecord, ready: boolean): Promise<void> {
    if (record.remounts) await this.kubectl.run(remount());
    if (!ready) return;
    await Promise.all(
      record.restarts.map(({ metadata: { name, namespace } }) =>
        this.kubectl.run([
          ...["rollout", "status", `deployment/${name}`, `--namespace=${namespace}`],
          "--timeout=90s",
        ]),
      ),
    );
  }

  private async runAll(calls: readonly KubectlCall[]): Promise<void> {
    for (const { args, input, otherwise } of calls) {
      try {
        await this.kubectl.run(args, input);
      } catch (e) {
        if (!otherwise) throw e;
        await this.runAll(otherwise);
      }
    }
  }

  private runAllAtExit(calls: readonly KubectlCall[]): boolean {
    return calls
      .map(
        ({ args, input, otherwise }) =>
          this.kubectl.runAtExit(args, input) ||
          (otherwise !== undefined && this.runAllAtExit(otherwise)),
      )
      .every(Boolean);
  }

  private forget(): void {
    process.off("exit", this.undoAtExit);
    this.record = undefined;
    removeRecord(this.file);
  }

  /** For a process that ends in another way: Ctrl-C, an error that nobody caught. The record stays if anything fails. */
  private readonly undoAtExit = () => {
    if (!this.record) return;
    const { mutation, remounts } = this.record;
    process.stderr.write(`putting back what was broken (${mutation}) …\n`);
    const done = this.runAllAtExit(undoCalls(this.record, false));
    if (remounts) this.kubectl.runAtExit(remount());
    if (done) removeRecord(this.file);
    const told = done ? "it is back" : "it could not be put back: the next run does so first";
    process.stderr.write(`${told}\n`);
  };
}

/** Originals of what is changed or deleted; what is only read needs nothing. */
export function touched(applied: readonly Applied[], change: Change): Applied[] {
  const keys = [...(change.changed ?? []), ...(change.deleted ?? [])].map(keyOf);
  return applied.filter(({ object }) => keys.includes(keyOf(object)));
}

/** All that makes a change: objects of the stack under the name of who applied them, so that nobody else owns a field. */
export function changeCalls(change: Change, originals: readonly Applied[]): KubectlCall[] {
  const { changed = [], deleted = [], added = [] } = change;
  const managers = new Map(originals.map((o) => [keyOf(o.object), o.manager]));
  return [
    ...changed.map((object) => applyCall({ object, manager: managers.get(keyOf(object))! })),
    ...deleted.map((ref) => deleteCall(ref)),
    ...added.map((object) => applyCall({ object, manager: ownManager })),
  ];
}

/** A change of the pod makes the kubelet look at its volumes now and not within the next minute. */
function remount(): string[] {
  return [
    ...["annotate", "pod", `--namespace=${gatewayNamespace}`, "--selector=app=istiod"],
    ...["--overwrite", `bankmesh.local/remounted=${Date.now()}`],
  ];
}
