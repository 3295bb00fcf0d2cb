import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

new command.local.Command("slow", {
  create: 'trap "" INT; sleep 1000 & echo started > "$STARTED"; while :; do sleep 1; done',
  environment: { STARTED: new pulumi.Config().require("started") },
});
