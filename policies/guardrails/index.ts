// first, so that what follows gets the lean one
import "./lean-policy.ts";
import { flushCompileCache } from "node:module";
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

// the engine ends a pack by a signal, and what was compiled would be lost with it
setImmediate(flushCompileCache);
