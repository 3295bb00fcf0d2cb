// pulumi-resource-tls is the tls plugin of the air-gapped route.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"

	"bankmesh/airgap/plugins/internal/lifecycle"
	"bankmesh/airgap/plugins/internal/tls"
)

// version is that of the official plugin whose place this one takes.
const version = "5.6.1"

func main() {
	if err := lifecycle.Run("tls", version, tls.Provider()); err != nil {
		cmdutil.Exit(err)
	}
}
