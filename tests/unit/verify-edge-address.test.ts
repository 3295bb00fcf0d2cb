import * as assert from "node:assert/strict";
import * as net from "node:net";
import { after, before, describe, it } from "node:test";
import { findEdge } from "../../verify/edge-address.ts";
import type { Kubectl } from "../../verify/kubectl.ts";

describe("where this machine reaches the gateway of a cluster that somebody else runs", () => {
  let server: net.Server;
  let open: number;

  before(async () => {
    server = net.createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    open = (server.address() as net.AddressInfo).port;
  });
  after(() => server.close());

  /** A cluster with one node at this machine's own address. */
  const cluster = (service: object) =>
    ({
      json: (args: readonly string[]) =>
        Promise.resolve(
          args.includes("node")
            ? { items: [{ status: { addresses: [{ type: "InternalIP", address: "127.0.0.1" }] } }] }
            : service,
        ),
    }) as unknown as Kubectl;
  const ports = (http: number) => [
    { port: 80, nodePort: http },
    { port: 443, nodePort: open },
  ];

  it("is a node's port where its Service says so", async () => {
    const found = await findEdge(cluster({ spec: { type: "NodePort", ports: ports(1) } }));
    assert.deepEqual(found, { address: "127.0.0.1", httpPort: 1, httpsPort: open });
  });

  it("is nowhere when nothing answers, and says where it was looked for", async () => {
    const spec = {
      type: "NodePort",
      ports: [
        { port: 80, nodePort: 1 },
        { port: 443, nodePort: 2 },
      ],
    };
    assert.equal(await findEdge(cluster({ spec })), "nothing answers at 127.0.0.1, ports 1 and 2");
  });

  it("is nowhere while a load balancer has no address", async () => {
    assert.equal(
      await findEdge(cluster({ spec: { type: "LoadBalancer", ports: ports(1) }, status: {} })),
      "its LoadBalancer Service has no address yet",
    );
  });
});
