// Package diff says what differs between the live object and a program's inputs, and which
// differences an API server takes only by replacing the object.
package diff

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"bankmesh/airgap/plugins/internal/kube/object"
)

// Path names a field: strings for keys, ints for list positions.
type Path []any

// String gives the path in Pulumi's form, as in `spec.containers[0].image` and
// `metadata.labels["app.kubernetes.io/name"]`.
func (p Path) String() string {
	var b strings.Builder
	for _, e := range p {
		switch e := e.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", e)
		case string:
			switch {
			case strings.ContainsAny(e, `."[]`):
				fmt.Fprintf(&b, `["%s"]`, strings.ReplaceAll(e, `"`, `\"`))
			case b.Len() > 0:
				b.WriteString("." + e)
			default:
				b.WriteString(e)
			}
		}
	}
	return b.String()
}

func (p Path) with(e any) Path {
	return append(append(make(Path, 0, len(p)+1), p...), e)
}

// Change is one difference.
type Change struct {
	Path Path
	Kind pulumirpc.PropertyDiff_Kind
	// Value is the new value, or the old one where the field goes.
	Value any
}

// Compare lists the differences from old to new, maps key by key and lists element by element.
func Compare(old, new object.Object) []Change {
	var out []Change
	compareMaps(nil, old, new, &out)
	return out
}

func compareMaps(at Path, old, new map[string]any, out *[]Change) {
	for k, v := range new {
		was, ok := old[k]
		compareValues(at.with(k), was, v, ok, out)
	}
	for k, v := range old {
		if _, ok := new[k]; !ok {
			*out = append(*out, Change{at.with(k), pulumirpc.PropertyDiff_DELETE, v})
		}
	}
}

func compareValues(at Path, old, new any, existed bool, out *[]Change) {
	if !existed {
		*out = append(*out, Change{at, pulumirpc.PropertyDiff_ADD, new})
		return
	}
	switch n := new.(type) {
	case map[string]any:
		if o, ok := old.(map[string]any); ok {
			compareMaps(at, o, n, out)
			return
		}
	case []any:
		if o, ok := old.([]any); ok {
			compareLists(at, o, n, out)
			return
		}
	case resource.Computed:
	default:
		if equal(old, new) {
			return
		}
	}
	*out = append(*out, Change{at, pulumirpc.PropertyDiff_UPDATE, new})
}

func compareLists(at Path, old, new []any, out *[]Change) {
	for i, v := range new {
		if i < len(old) {
			compareValues(at.with(i), old[i], v, true, out)
		} else {
			*out = append(*out, Change{at.with(i), pulumirpc.PropertyDiff_ADD, v})
		}
	}
	for i := len(new); i < len(old); i++ {
		*out = append(*out, Change{at.with(i), pulumirpc.PropertyDiff_DELETE, old[i]})
	}
}

// equal compares scalars; 1 and 1.0 are the same number.
func equal(a, b any) bool {
	if reflect.DeepEqual(a, b) {
		return true
	}
	x, ok1 := float(a)
	y, ok2 := float(b)
	return ok1 && ok2 && x == y
}

func float(a any) (float64, bool) {
	switch n := a.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// Replacing turns a kind of change into the one that replaces the resource.
func Replacing(k pulumirpc.PropertyDiff_Kind) pulumirpc.PropertyDiff_Kind {
	switch k {
	case pulumirpc.PropertyDiff_ADD:
		return pulumirpc.PropertyDiff_ADD_REPLACE
	case pulumirpc.PropertyDiff_DELETE:
		return pulumirpc.PropertyDiff_DELETE_REPLACE
	case pulumirpc.PropertyDiff_UPDATE:
		return pulumirpc.PropertyDiff_UPDATE_REPLACE
	}
	return k
}

// DropIgnored leaves out the changes under the paths of the resource option ignoreChanges.
func DropIgnored(changes []Change, ignore []string) ([]Change, error) {
	if len(ignore) == 0 {
		return changes, nil
	}
	var paths []resource.PropertyPath
	for _, s := range ignore {
		p, err := resource.ParsePropertyPath(s)
		if err != nil {
			return nil, fmt.Errorf("ignoreChanges: %q is not a property path: %w", s, err)
		}
		paths = append(paths, p)
	}
	var out []Change
	for _, c := range changes {
		ignored := false
		for _, p := range paths {
			ignored = ignored || p.Contains(resource.PropertyPath(c.Path))
		}
		if !ignored {
			out = append(out, c)
		}
	}
	return out, nil
}
