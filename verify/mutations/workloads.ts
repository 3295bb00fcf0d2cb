import { gatewayRelease } from "../../components/ingress-gateway.ts";
import {
  type ServiceSettings,
  type Settings,
  gatewayNamespace,
  modeOf,
} from "../../settings/index.ts";
import { httpServices } from "../calls.ts";
import { firstPort } from "../probes/services.ts";
import { applies, red, takesAnything } from "./expectations.ts";
import type { Mutation } from "./mutation.ts";
import { deployment, edits, needs } from "./objects.ts";

/** As much of a Deployment as is changed here. */
interface Workload {
  readonly template: {
    readonly metadata?: {
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
    };
    readonly spec: Readonly<Record<string, unknown>>;
  };
}

/** The service whose pod is made anew: not the first, of which the probes have a twin. */
function patient(s: Settings): ServiceSettings {
  return httpServices(s).at(-1)!;
}

const somebody = needs((s) => httpServices(s).length > 0, "no service speaks HTTP");
const workload = (s: Settings) => deployment(patient(s).name, s.namespace);

function labelled(spec: Workload, name: string, value: string): Workload {
  const { template } = spec;
  const labels = { ...template.metadata?.labels, [name]: value };
  return { ...spec, template: { ...template, metadata: { ...template.metadata, labels } } };
}

function annotated(spec: Workload, name: string, value: string): Workload {
  const { template } = spec;
  const annotations = { ...template.metadata?.annotations, [name]: value };
  return { ...spec, template: { ...template, metadata: { ...template.metadata, annotations } } };
}

/** A change of the pod's template, which makes the pod anew. */
function remakes(where: typeof workload, change: (spec: Workload) => Workload) {
  return { ...edits<Workload>(where, change), restarts: (s: Settings) => [where(s)] };
}

/** Another account for the workload; undefined where there is no other. */
function otherAccount(s: Settings): string | undefined {
  return s.services.find((x) => x.name !== patient(s).name)?.name;
}

const gateway = () => deployment(gatewayRelease, gatewayNamespace);

/** What a pod is made of: its sidecar, its account, what its sidecar takes care of. */
export const workloadMutations: readonly Mutation[] = [
  {
    id: "no-sidecar",
    breaks: "injection is off for one pod",
    notFor: somebody,
    ...remakes(workload, (spec) => labelled(spec, "sidecar.istio.io/inject", "false")),
    expected: (s) => [
      ...red(s, "O6-sidecars", { got: "findings", says: /has no sidecar/ }),
      ...takesAnything(s, patient(s).name),
    ],
  },
  {
    id: "sidecar-not-native",
    breaks: "one pod's sidecar starts beside the application and ends before it",
    notFor: somebody,
    ...remakes(workload, (spec) => annotated(spec, "sidecar.istio.io/nativeSidecar", "false")),
    expected: (s) => red(s, "O6-sidecars", { got: "findings", says: /has no native sidecar/ }),
  },
  {
    id: "port-past-sidecar",
    breaks: "an annotation leads what comes to one pod's port past its sidecar",
    notFor: needs(
      (s) => httpServices(s).length > 0 && pastSidecar(s).length > 0,
      "the rules refuse who would notice it",
    ),
    reads: (s) => [workload(s)],
    // the port is known from the settings
    change: ([live], { settings }) => {
      const port = String(firstPort(patient(settings)).targetPort);
      const name = "traffic.sidecar.istio.io/excludeInboundPorts";
      const spec = annotated(live!.spec as Workload, name, port);
      return { changed: [{ ...live!, spec }] };
    },
    restarts: (s) => [workload(s)],
    expected: pastSidecar,
  },
  {
    id: "other-account",
    breaks: "one workload runs under another one's account",
    notFor: needs(
      (s) => httpServices(s).length > 0 && otherAccount(s) !== undefined,
      "there is no other account",
    ),
    reads: (s) => [workload(s)],
    change: ([live], { settings }) => {
      const spec = live!.spec as Workload;
      const pod = { ...spec.template.spec, serviceAccountName: `${otherAccount(settings)!}-sa` };
      return {
        changed: [{ ...live!, spec: { ...spec, template: { ...spec.template, spec: pod } } }],
      };
    },
    restarts: (s) => [workload(s)],
    expected: (s) =>
      red(
        s,
        "M20",
        { got: "findings", says: new RegExp(`is for \\S+/${otherAccount(s)!}-sa, not for`) },
        [patient(s).name],
      ),
  },
  {
    id: "health-past-sidecar",
    breaks: "the kubelet's questions are no longer rewritten to lead through the sidecar",
    notFor: somebody,
    ...remakes(workload, (spec) =>
      annotated(spec, "sidecar.istio.io/rewriteAppHTTPProbers", "false"),
    ),
    // where plaintext is refused, the new pod never is, and the old one stays
    restartsReady: false,
    expected: (s) =>
      red(s, "M17", { got: "findings", says: /past its sidecar/ }, [patient(s).name]),
  },
  {
    id: "one-proxy-more-trusted",
    breaks: "the gateway believes one address more of what clients write into X-Forwarded-For",
    notFor: needs((s) => applies("E27", s), "no rule asks for clients' addresses"),
    reads: () => [gateway()],
    change: ([live], { settings }) => {
      const gatewayTopology = { numTrustedProxies: settings.trustedProxies + 1 };
      const value = JSON.stringify({ gatewayTopology });
      const spec = annotated(live!.spec as Workload, "proxy.istio.io/config", value);
      return { changed: [{ ...live!, spec }] };
    },
    restarts: () => [gateway()],
    expected: (s) => red(s, "E27", { got: "ok" }),
  },
];

/** In STRICT plaintext gets in; in PERMISSIVE the mesh's own mTLS meets a program that expects HTTP. */
function pastSidecar(s: Settings) {
  const { name } = patient(s);
  if (modeOf(s, patient(s)) === "STRICT") return takesAnything(s, name);
  return s.authorization === "enforce" ? [] : red(s, "M1", { got: "no-upstream" }, [name]);
}
