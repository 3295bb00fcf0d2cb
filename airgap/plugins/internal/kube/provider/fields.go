package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"bankmesh/airgap/plugins/internal/kube/object"
)

// Managers whose fields an update takes over, by the beginning of their name: what a person did
// with kubectl gives way to the program, as with the official plugin, and so does what an older
// plugin wrote without apply. Anyone else's fields are a conflict.
var yielding = map[metav1.ManagedFieldsOperationType][]string{
	metav1.ManagedFieldsOperationApply: {"kubectl"},
	metav1.ManagedFieldsOperationUpdate: {
		"kubectl", "before-first-apply", "pulumi-kubernetes", "pulumi-resource-kubernetes",
	},
}

func yields(e metav1.ManagedFieldsEntry) bool {
	if e.Subresource != "" {
		return false
	}
	for _, prefix := range yielding[e.Operation] {
		if strings.HasPrefix(e.Manager, prefix) {
			return true
		}
	}
	return false
}

func isOurs(e metav1.ManagedFieldsEntry, manager string) bool {
	return e.Manager == manager && e.Operation == metav1.ManagedFieldsOperationApply && e.Subresource == ""
}

func fieldsIn(e metav1.ManagedFieldsEntry) (*fieldpath.Set, error) {
	set := &fieldpath.Set{}
	if e.FieldsV1 == nil {
		return set, nil
	}
	return set, set.FromJSON(bytes.NewReader(e.FieldsV1.Raw))
}

// merged is the object's managed fields with the yielding managers' put into ours; nil when
// nothing changes.
func merged(live *unstructured.Unstructured, manager string) ([]metav1.ManagedFieldsEntry, error) {
	ours := metav1.ManagedFieldsEntry{
		Manager: manager, Operation: metav1.ManagedFieldsOperationApply,
		APIVersion: live.GetAPIVersion(), FieldsType: "FieldsV1",
	}
	all := &fieldpath.Set{}
	var others []metav1.ManagedFieldsEntry
	taken := false
	for _, e := range live.GetManagedFields() {
		own := isOurs(e, manager)
		if !own && !yields(e) {
			others = append(others, e)
			continue
		}
		set, err := fieldsIn(e)
		if err != nil {
			return nil, fmt.Errorf("the managed fields of %s cannot be read: %w", idOf(live), err)
		}
		all = all.Union(set)
		if own {
			ours.APIVersion, ours.Time = e.APIVersion, e.Time
		} else {
			taken = true
		}
	}
	if !taken {
		return nil, nil
	}
	raw, err := all.ToJSON()
	if err != nil {
		return nil, err
	}
	ours.FieldsV1 = &metav1.FieldsV1{Raw: raw}
	return append(others, ours), nil
}

// takeOver makes the fields of yielding managers ours, so that an apply sets or drops them.
func takeOver(
	ctx context.Context, client dynamic.ResourceInterface, live *unstructured.Unstructured, manager string,
) (*unstructured.Unstructured, error) {
	fields, err := merged(live, manager)
	if err != nil || fields == nil {
		return live, err
	}
	patch, err := json.Marshal([]map[string]any{
		{"op": "replace", "path": "/metadata/managedFields", "value": fields},
		// Refused when the object changed meanwhile.
		{"op": "replace", "path": "/metadata/resourceVersion", "value": live.GetResourceVersion()},
	})
	if err != nil {
		return nil, err
	}
	out, err := client.Patch(ctx, live.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return nil, fmt.Errorf("taking over fields that were changed by hand: %w", err)
	}
	return out, nil
}

// relinquish gives up every field that a manager applied; fields that nobody else owns go.
func relinquish(
	ctx context.Context, client dynamic.ResourceInterface, live *unstructured.Unstructured, manager string,
) error {
	empty := &unstructured.Unstructured{}
	empty.SetGroupVersionKind(live.GroupVersionKind())
	empty.SetName(live.GetName())
	empty.SetNamespace(live.GetNamespace())
	_, err := apply(ctx, client, empty, manager, false)
	return err
}

// keepIgnored leaves fields under ignoreChanges as they are: those that only others own are not
// sent at all, the rest with their live value.
func keepIgnored(inputs object.Object, live *unstructured.Unstructured, manager string, ignore []string) error {
	if len(ignore) == 0 {
		return nil
	}
	ours, theirs, err := owners(live, manager)
	if err != nil {
		return err
	}
	for _, text := range ignore {
		path, err := resource.ParsePropertyPath(text)
		if err != nil {
			return fmt.Errorf("ignoreChanges: %q is not a property path: %w", text, err)
		}
		if p, ok := mapPath(path); ok && theirs.Has(p) && !ours.Has(p) {
			unstructured.RemoveNestedField(inputs, keys(path)...)
			continue
		}
		if value, ok := lookup(live.Object, path); ok {
			store(inputs, path, value)
		}
	}
	return nil
}

// owners are the paths, with all their parents, that we and that others own.
func owners(live *unstructured.Unstructured, manager string) (ours, theirs *fieldpath.Set, err error) {
	ours, theirs = &fieldpath.Set{}, &fieldpath.Set{}
	for _, e := range live.GetManagedFields() {
		set, err := fieldsIn(e)
		if err != nil {
			return nil, nil, err
		}
		into := theirs
		if e.Manager == manager {
			into = ours
		}
		set.Iterate(func(p fieldpath.Path) {
			for i := range p {
				into.Insert(p[:i+1].Copy())
			}
		})
	}
	return ours, theirs, nil
}

// mapPath is a path through maps only; positions in lists have no fixed owner.
func mapPath(path resource.PropertyPath) (fieldpath.Path, bool) {
	var out fieldpath.Path
	for _, e := range path {
		k, ok := e.(string)
		if !ok || k == "*" {
			return nil, false
		}
		out = append(out, fieldpath.PathElement{FieldName: &k})
	}
	return out, true
}

func keys(path resource.PropertyPath) []string {
	out := make([]string, len(path))
	for i, e := range path {
		out[i], _ = e.(string)
	}
	return out
}

func lookup(at any, path resource.PropertyPath) (any, bool) {
	for _, e := range path {
		switch k := e.(type) {
		case string:
			m, ok := at.(map[string]any)
			if !ok {
				return nil, false
			}
			if at, ok = m[k]; !ok {
				return nil, false
			}
		case int:
			l, ok := at.([]any)
			if !ok || k < 0 || k >= len(l) {
				return nil, false
			}
			at = l[k]
		}
	}
	return at, true
}

// store sets a value where the way to it exists already.
func store(at any, path resource.PropertyPath, value any) {
	last := len(path) - 1
	parent, ok := lookup(at, path[:last])
	if !ok {
		return
	}
	switch k := path[last].(type) {
	case string:
		if m, ok := parent.(map[string]any); ok {
			m[k] = value
		}
	case int:
		if l, ok := parent.([]any); ok && k >= 0 && k < len(l) {
			l[k] = value
		}
	}
}
