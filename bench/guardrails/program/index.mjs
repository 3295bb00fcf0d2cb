import * as fs from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { Provider } from "@pulumi/kubernetes/provider.js";

// Registers what a file names, as it is: `{ type, name, props, dependencies }`, the latter by the index of each.
const { resources, folder } = JSON.parse(fs.readFileSync(process.env.GIVEN_RESOURCES, "utf8"));
const kubernetes = new Provider("render", { renderYamlToDirectory: folder });

class Custom extends pulumi.CustomResource {}
class Component extends pulumi.ComponentResource {}

const made = [];
for (const { type, name, props, dependencies } of resources) {
  const dependsOn = dependencies.map((i) => made[i]);
  const inside = type.startsWith("kubernetes:") ? { provider: kubernetes } : {};
  made.push(
    type.startsWith("bankmesh:")
      ? new Component(type, name, props, { dependsOn })
      : new Custom(type, name, props, { dependsOn, ...inside }),
  );
}
