import type { Platform } from "../manifests/platform.ts";
import { arrive, blindTo, speaksHttp } from "./inbound.ts";
import type { Answer, InsideRequest } from "./request.ts";
import { connect } from "./transport.ts";

/** What a request of somebody inside the cluster gets. */
export function answerInside(platform: Platform, request: InsideRequest): Answer {
  const workload = platform.workloads.get(request.to);
  if (!workload)
    return { verdict: "closed", reason: "unreachable", by: `there is no ${request.to}` };
  const { from, port, via, address } = request;
  const blind = blindTo(platform, workload, port);
  if (blind) return blind;
  const connection = connect(platform, from, { workload, port, ...(via && { via }) });
  if ("failed" in connection) {
    const { failed } = connection;
    // a proxy answers HTTP for a host that it does not reach, and ends all else
    const bytes = (speaksHttp(platform, workload, port) ?? request.http) === false;
    return failed.reason === "no-upstream" && bytes ? { ...failed, reason: "closed" } : failed;
  }
  const suffix = via && via.port !== 80 ? `:${via.port}` : "";
  const host = request.host ?? (via ? `${via.host}${suffix}` : workload.id);
  const { method, path, headers, token } = request;
  return arrive(platform, workload, {
    ...connection,
    ...{ port, peerAddress: address },
    message: { method, path, host, ...(headers && { headers }), ...(token && { token }) },
    ...(request.http !== undefined && { http: request.http }),
  });
}
