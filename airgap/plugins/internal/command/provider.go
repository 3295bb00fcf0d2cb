package command

import (
	"context"
	"fmt"
	"strings"

	provider "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// Provider is the whole plugin.
func Provider() provider.Provider {
	p := infer.Provider(infer.Options{
		Resources: []infer.InferredResource{infer.Resource(&Command{})},
		Functions: []infer.InferredFunction{infer.Function(&Run{})},
	})
	check, diff, invoke := p.Check, p.Diff, p.Invoke
	p.Check = func(ctx context.Context, req provider.CheckRequest) (provider.CheckResponse, error) {
		if err := supported(string(req.Urn.Type()), "command:local:Command"); err != nil {
			return provider.CheckResponse{}, err
		}
		res, err := check(ctx, req)
		res.Failures = append(res.Failures, refuse(req.Inputs)...)
		return res, err
	}
	p.Diff = func(ctx context.Context, req provider.DiffRequest) (provider.DiffResponse, error) {
		res, err := diff(ctx, req)
		return replaceOnTriggers(res), err
	}
	p.Invoke = func(ctx context.Context, req provider.InvokeRequest) (provider.InvokeResponse, error) {
		if err := supported(string(req.Token), "command:local:run"); err != nil {
			return provider.InvokeResponse{}, err
		}
		if failures := refuse(req.Args); len(failures) > 0 {
			return provider.InvokeResponse{Failures: failures}, nil
		}
		return invoke(ctx, req)
	}
	return p
}

func supported(token, only string) error {
	if token != only {
		return fmt.Errorf("%s is not implemented by the command plugin of the air-gapped route, which has %s only",
			token, only)
	}
	return nil
}

// refuse names the inputs of the official plugin that this one does not have.
func refuse(inputs property.Map) []provider.CheckFailure {
	var failures []provider.CheckFailure
	for _, name := range []string{"assetPaths", "archivePaths"} {
		if v, ok := inputs.GetOk(name); ok && !v.IsNull() {
			failures = append(failures, provider.CheckFailure{Property: name, Reason: name +
				" is not implemented by the command plugin of the air-gapped route; read the files in the program instead"})
		}
	}
	return failures
}

// replaceOnTriggers makes every change inside triggers a replacement. The framework does it only
// for triggers as a whole; the Node.js SDK adds replaceOnChanges for the rest.
func replaceOnTriggers(res provider.DiffResponse) provider.DiffResponse {
	for path, d := range res.DetailedDiff {
		if path != "triggers" && !strings.HasPrefix(path, "triggers[") {
			continue
		}
		switch d.Kind {
		case provider.Add:
			d.Kind = provider.AddReplace
		case provider.Update:
			d.Kind = provider.UpdateReplace
		case provider.Delete:
			d.Kind = provider.DeleteReplace
		}
		res.DetailedDiff[path] = d
	}
	return res
}
