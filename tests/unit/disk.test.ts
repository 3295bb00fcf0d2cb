import assert from "node:assert/strict";
import * as os from "node:os";
import * as path from "node:path";
import { describe, test } from "node:test";
import { checkSpace } from "../../airgap/host.ts";
import { checkDisk } from "../../scripts/checks/docker.ts";
import { UserError } from "../../scripts/errors.ts";

const docker = { version: "28.0.0", rootFolder: "/var/lib/docker", local: true };

describe("room for a cluster", () => {
  test("a full disk is refused, with what makes room", async () => {
    await assert.rejects(
      checkDisk(docker, () => Promise.resolve(2e9)),
      (error) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, /^2\.0 GB are free in \/var\/lib\/docker, .* GB are needed\n/);
        assert.match(error.message, /docker system prune/);
        return true;
      },
    );
  });

  test("enough room, and a Docker elsewhere whose disk nobody sees, pass", async () => {
    await checkDisk(docker, () => Promise.resolve(200e9));
    await checkDisk(docker, () => Promise.resolve(undefined));
    await checkDisk({ ...docker, local: false }, () => assert.fail("asked for a disk elsewhere"));
  });
});

describe("room for the air-gapped build", () => {
  const missing = (count: number) => Array.from({ length: count }, () => ({ go: true }));
  const free = (gibibytes: number) => () => ({ bavail: gibibytes * 2 ** 30, bsize: 1 });
  // not there yet, so that its parent's disk counts
  const root = path.join(os.tmpdir(), "bankmesh-no-such-folder", "cache");

  test("is more for a cold one than for a few pieces", () => {
    assert.throws(
      () => checkSpace(root, missing(4), free(20)),
      /20\.0 GiB free; the build needs 25 GiB/,
    );
    checkSpace(root, missing(4), free(26));
    checkSpace(root, missing(1), free(7));
    assert.throws(
      () => checkSpace(root, missing(1), free(5)),
      /Make room, or set BANKMESH_CACHE to a folder on a larger disk/,
    );
  });
});
