import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { lackingIn } from "../../airgap/capabilities.ts";
import { classify } from "../../airgap/docker.ts";
import { isRecent } from "../../airgap/go.ts";
import { parseRelease, pickMirror, proxyEnv, unsupported } from "../../airgap/host.ts";

suite("capabilities that the machine lacks", () => {
  const status = (bounding: string) =>
    `Name:\tnode\nCapEff:\t0000\nCapBnd:\t${bounding}\nCapAmb:\t0`;
  test("none on an ordinary machine", () => {
    assert.deepEqual(lackingIn(status("000001ffffffffff"), 40), []);
  });
  test("are named", () => {
    assert.deepEqual(lackingIn(status("000001fffeffffff"), 40), ["CAP_SYS_RESOURCE"]);
    assert.deepEqual(lackingIn(status("000000fffffffffe"), 40), [
      "CAP_CHOWN",
      "CAP_CHECKPOINT_RESTORE",
    ]);
  });
  test("are only those that the kernel knows", () => {
    assert.deepEqual(lackingIn(status("0000003fffffffff"), 37), []);
  });
  test("are not guessed from an unreadable status", () => {
    assert.deepEqual(lackingIn("", 40), []);
  });
});

suite("supported machines", () => {
  const debian = {
    platform: "linux",
    arch: "x64",
    root: true,
    release: { id: "debian", version: "12" },
  };
  const release = (id: string, version: string) => ({ ...debian, release: { id, version } });
  test("Debian 12 and later on x86-64 as root", () => {
    assert.equal(unsupported(debian), undefined);
    assert.equal(unsupported(release("debian", "13")), undefined);
  });
  const refused: [string, Parameters<typeof unsupported>[0], RegExp][] = [
    ["another system", { ...debian, platform: "darwin" }, /does not run on darwin x64/],
    ["another processor", { ...debian, arch: "arm64" }, /does not run on linux arm64/],
    ["another distribution", release("fedora", "42"), /does not run on fedora 42/],
    ["Ubuntu, whose archive has no Debian release", release("ubuntu", "24.04"), /ubuntu 24.04/],
    ["an old Debian", release("debian", "11"), /does not run on debian 11/],
    ["testing, which has no number", release("debian", ""), /does not run on debian/],
    ["no release file", release("", ""), /an unknown system/],
    ["another user than root", { ...debian, root: false }, /needs root/],
  ];
  for (const [name, machine, message] of refused) {
    test(`not ${name}`, () => {
      const reason = unsupported(machine) ?? "";
      assert.match(reason, message);
      assert.match(reason, /Supported: Linux x86-64, Debian 12 or later, as root/);
    });
  }
  test("os-release is read with and without quotes", () => {
    const text = 'PRETTY_NAME="Debian"\nVERSION_ID="12"\nID=debian\n';
    assert.deepEqual(parseRelease(text), { id: "debian", version: "12" });
  });
});

suite("apt's configuration", () => {
  test("the mirror is the first archive of a plain release", () => {
    const targets = [
      "http://a.example/security bookworm-security main",
      "http://b.example/debian bookworm-updates main",
      "http://c.example/debian bookworm contrib",
      "http://d.example/debian bookworm main",
    ];
    assert.equal(pickMirror(targets.join("\n")), "http://d.example/debian");
    assert.equal(pickMirror(targets.slice(0, 3).join("\n")), undefined);
    assert.equal(pickMirror(""), undefined);
  });
  test("the proxy goes to debootstrap too", () => {
    const dump = "Acquire::http \nAcquire::http::Proxy http://p.example:3128\n";
    assert.deepEqual(proxyEnv(dump), { http_proxy: "http://p.example:3128" });
    assert.deepEqual(proxyEnv("Acquire::http::Proxy DIRECT\n"), {});
    assert.deepEqual(proxyEnv(""), {});
  });
});

suite("Docker Engine", () => {
  test("one that is not there is told from one that refuses or is silent", () => {
    assert.equal(classify("Cannot connect to the Docker daemon at unix:///…").kind, "absent");
    assert.equal(classify("docker info: no answer in time").kind, "silent");
    const refused = classify(
      "permission denied while trying to connect to the Docker daemon socket",
    );
    assert.equal(refused.kind, "refused");
    assert.match("reason" in refused ? refused.reason : "", /usermod -aG docker/);
  });
});

test("the Go toolchain has to be recent", () => {
  assert.ok(isRecent("go1.26.8", "1.26"));
  assert.ok(isRecent("go1.27", "1.26"));
  assert.ok(isRecent("go2.0", "1.26"));
  assert.ok(!isRecent("go1.25.9", "1.26"));
  assert.ok(!isRecent("", "1.26"));
  assert.ok(!isRecent("devel", "1.26"));
});
