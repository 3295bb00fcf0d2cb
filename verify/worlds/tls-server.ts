import type { KubernetesObject } from "../../manifests/object.ts";
import type { Certificate } from "../certificates.ts";

/** An nginx that ends TLS itself, with its configuration and its certificate beside it. */
export interface TlsServer {
  /** Of the ConfigMap and the Secret. */
  readonly metadata: KubernetesObject["metadata"];
  readonly image: string;
  readonly port: number;
  readonly certificate: Certificate;
  /** What it answers: `location` blocks. */
  readonly locations: readonly string[];
}

/** What it reads. Its image is read-only and its user is nobody in particular: whatever it writes is in /tmp. */
export function tlsServerObjects(server: TlsServer): KubernetesObject[] {
  const { metadata, port, certificate, locations } = server;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const config = `
    pid /tmp/nginx.pid;
    error_log stderr;
    events {}
    http {
      access_log off;
      ${temporary.map((t) => `${t}_temp_path /tmp/${t};`).join(" ")}
      default_type application/json;
      server {
        listen ${port} ssl;
        ssl_certificate /tls/tls.crt;
        ssl_certificate_key /tls/tls.key;
        ${locations.join("\n        ")}
      }
    }`;
  return [
    { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "nginx.conf": config } },
    {
      ...{ apiVersion: "v1", kind: "Secret", type: "kubernetes.io/tls", metadata },
      stringData: { "tls.crt": certificate.certPem, "tls.key": certificate.keyPem },
    },
  ];
}

/** Its container, which wants a volume `tmp` beside its own. */
export function tlsServerContainer({ image, port }: TlsServer) {
  const mount = (name: string) => ({ name, mountPath: `/${name}` });
  return {
    ...{ name: "tls", image, imagePullPolicy: "IfNotPresent" },
    command: ["nginx", "-c", "/config/nginx.conf", "-g", "daemon off;"],
    readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
    volumeMounts: ["config", "tls", "tmp"].map(mount),
  };
}

/** Volumes of its pod. */
export function tlsServerVolumes({ metadata: { name } }: TlsServer) {
  return [
    { name: "config", configMap: { name } },
    { name: "tls", secret: { secretName: name } },
    { name: "tmp", emptyDir: {} },
  ];
}
