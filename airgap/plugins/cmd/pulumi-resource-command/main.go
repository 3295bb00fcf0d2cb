// pulumi-resource-command is the command plugin of the air-gapped route.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"

	"bankmesh/airgap/plugins/internal/command"
	"bankmesh/airgap/plugins/internal/lifecycle"
)

// version is that of the official plugin whose place this one takes.
const version = "1.2.1"

func main() {
	if err := lifecycle.Run("command", version, command.Provider()); err != nil {
		cmdutil.Exit(err)
	}
}
