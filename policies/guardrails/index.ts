import { PolicyPack } from "@pulumi/policy";
import { shippedExemptions } from "./exemptions.ts";
import { policies } from "./pack.ts";
import { rules } from "./rules/index.ts";

for (const { id, disabled } of rules)
  if (disabled) process.stderr.write(`guardrails: ${id} is disabled: ${disabled}\n`);

new PolicyPack("bankmesh-guardrails", {
  description: "What no change of the platform may do",
  // a policy pack is told of its stack by the environment alone
  policies: policies({
    stack: process.env.PULUMI_NODEJS_STACK,
    exemptions: shippedExemptions(rules),
    now: new Date(),
  }),
});
