// Command pulumi-resource-kubernetes stands in for the official Kubernetes plugin where that
// cannot be installed.
package main

import (
	"fmt"
	"os"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"bankmesh/airgap/plugins/internal/host"
	"bankmesh/airgap/plugins/internal/kube/provider"
)

func main() {
	err := host.Main(func(e *host.Engine) pulumirpc.ResourceProviderServer { return provider.New(e) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-resource-kubernetes:", err)
		os.Exit(1)
	}
}
