package chart

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// resourcePolicy with the value "keep" leaves an object in the cluster when it is deleted here.
const resourcePolicy = "helm.sh/resource-policy"

// Component is the Chart component's outputs.
type Component struct {
	pulumi.ResourceState
	Resources pulumi.ArrayOutput `pulumi:"resources"`
}

// Register registers the objects as children of the component, all at once except where one
// needs another. The names and types are those of the official plugin.
func Register(ctx *pulumi.Context, parent *Component, nodes []Node, in *Inputs) error {
	registered := map[*unstructured.Unstructured]pulumi.Resource{}
	all := pulumi.Array{}
	for _, n := range nodes {
		opts := []pulumi.ResourceOption{pulumi.Parent(parent)}
		var before []pulumi.Resource
		for _, b := range n.Before {
			before = append(before, registered[b])
		}
		if len(before) > 0 {
			opts = append(opts, pulumi.DependsOn(before))
		}
		switch policy := n.Object.GetAnnotations()[resourcePolicy]; policy {
		case "":
		case "keep":
			opts = append(opts, pulumi.RetainOnDelete(true))
		default:
			warning := fmt.Sprintf("Unsupported Helm resource policy %q", policy)
			if err := ctx.Log.Warn(warning, &pulumi.LogArgs{Resource: parent}); err != nil {
				return err
			}
		}
		res := &pulumi.CustomResourceState{}
		err := ctx.RegisterResource(Token(n.Object.GroupVersionKind()), childName(in.Prefix, n.Object),
			properties(n.Object, in.SkipAwait), res, opts...)
		if err != nil {
			return err
		}
		registered[n.Object] = res
		all = append(all, pulumi.NewResourceOutput(res))
	}
	parent.Resources = all.ToArrayOutputWithContext(ctx.Context())
	return nil
}

// Token is the resource type of a kind, as in kubernetes:apps/v1:Deployment.
func Token(gvk schema.GroupVersionKind) string {
	group := gvk.Group
	if group == "" {
		group = "core"
	}
	return fmt.Sprintf("kubernetes:%s/%s:%s", group, gvk.Version, gvk.Kind)
}

func childName(prefix string, u *unstructured.Unstructured) string {
	name := u.GetName()
	if ns := u.GetNamespace(); ns != "" {
		name = ns + "/" + name
	}
	if prefix == "" {
		return name
	}
	return prefix + ":" + name
}

func properties(u *unstructured.Unstructured, skipAwait bool) pulumi.Map {
	if skipAwait {
		a := u.GetAnnotations()
		if a == nil {
			a = map[string]string{}
		}
		a["pulumi.com/skipAwait"] = "true"
		u.SetAnnotations(a)
	}
	out := pulumi.Map{}
	for k, v := range u.Object {
		out[k] = input(v)
	}
	if u.GetAPIVersion() == "v1" && u.GetKind() == "Secret" {
		for _, k := range []string{"data", "stringData"} {
			if v, ok := out[k]; ok {
				out[k] = pulumi.ToSecret(v).(pulumi.Output)
			}
		}
	}
	return out
}

// input keeps nulls out: in a manifest they mean "not set".
func input(a any) pulumi.Input {
	switch t := a.(type) {
	case map[string]any:
		out := pulumi.Map{}
		for k, v := range t {
			if v != nil {
				out[k] = input(v)
			}
		}
		return out
	case []any:
		out := pulumi.Array{}
		for _, v := range t {
			out = append(out, input(v))
		}
		return out
	case nil:
		return nil
	}
	return pulumi.Any(a)
}
