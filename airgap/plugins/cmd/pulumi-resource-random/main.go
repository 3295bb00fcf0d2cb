// pulumi-resource-random is the random plugin of the air-gapped route.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"

	"bankmesh/airgap/plugins/internal/lifecycle"
	"bankmesh/airgap/plugins/internal/random"
)

// version is that of the official plugin whose place this one takes.
const version = "4.21.2"

func main() {
	if err := lifecycle.Run("random", version, random.Provider()); err != nil {
		cmdutil.Exit(err)
	}
}
