package chart

import (
	"fmt"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// dependsOn lists, separated by commas, the objects that must be there before the one that
// carries it: group/kind/name or group/namespaces/namespace/kind/name.
const dependsOn = "config.kubernetes.io/depends-on"

// key names an object.
type key struct {
	schema.GroupKind
	namespace, name string
}

func (k key) String() string {
	if k.namespace == "" {
		return k.GroupKind.String() + " " + k.name
	}
	return k.GroupKind.String() + " " + k.namespace + "/" + k.name
}

func keyOf(u *unstructured.Unstructured) key {
	return key{u.GroupVersionKind().GroupKind(), u.GetNamespace(), u.GetName()}
}

// Node is an object with what must be there before it.
type Node struct {
	Object *unstructured.Unstructured
	Before []*unstructured.Unstructured
}

// Order sorts objects so that each comes after what it needs, and otherwise keeps their order. As
// in the official plugin, an object needs its namespace, its definition, and what its depends-on
// annotation names; the rest goes side by side, and Kubernetes sorts it out.
func Order(objects []*unstructured.Unstructured) ([]Node, error) {
	byKey, definitions := map[key]*unstructured.Unstructured{}, map[schema.GroupKind]*unstructured.Unstructured{}
	for _, u := range objects {
		if byKey[keyOf(u)] != nil {
			return nil, fmt.Errorf("the object %s is there twice", keyOf(u))
		}
		byKey[keyOf(u)] = u
		if gk, ok := defines(u); ok {
			definitions[gk] = u
		}
	}
	nodes := make([]Node, len(objects))
	for i, u := range objects {
		before, err := needs(u, byKey, definitions)
		if err != nil {
			return nil, err
		}
		nodes[i] = Node{u, before}
	}
	return sorted(nodes)
}

func defines(u *unstructured.Unstructured) (schema.GroupKind, bool) {
	if u.GetKind() != "CustomResourceDefinition" {
		return schema.GroupKind{}, false
	}
	group, _, _ := unstructured.NestedString(u.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(u.Object, "spec", "names", "kind")
	return schema.GroupKind{Group: group, Kind: kind}, kind != ""
}

func needs(
	u *unstructured.Unstructured, byKey map[key]*unstructured.Unstructured,
	definitions map[schema.GroupKind]*unstructured.Unstructured,
) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	if ns := byKey[key{schema.GroupKind{Kind: "Namespace"}, "", u.GetNamespace()}]; ns != nil && ns != u {
		out = append(out, ns)
	}
	if d := definitions[u.GroupVersionKind().GroupKind()]; d != nil {
		out = append(out, d)
	}
	text := u.GetAnnotations()[dependsOn]
	if text == "" {
		return out, nil
	}
	for _, ref := range strings.Split(text, ",") {
		k, err := parseRef(strings.TrimSpace(ref))
		if err != nil {
			return nil, fmt.Errorf("%s: annotation %s: %w", keyOf(u), dependsOn, err)
		}
		if d := byKey[k]; d != nil {
			out = append(out, d)
		}
	}
	return out, nil
}

func parseRef(ref string) (key, error) {
	p := strings.Split(ref, "/")
	switch {
	case len(p) == 3:
		return key{schema.GroupKind{Group: p[0], Kind: p[1]}, "", p[2]}, nil
	case len(p) == 5 && p[1] == "namespaces":
		return key{schema.GroupKind{Group: p[0], Kind: p[3]}, p[2], p[4]}, nil
	}
	return key{}, fmt.Errorf("%q must read group/kind/name or group/namespaces/namespace/kind/name", ref)
}

// sorted takes, round by round, the nodes whose needs are all placed.
func sorted(nodes []Node) ([]Node, error) {
	placed := map[*unstructured.Unstructured]bool{}
	out := make([]Node, 0, len(nodes))
	for len(nodes) > 0 {
		var ready, later []Node
		for _, n := range nodes {
			free := true
			for _, b := range n.Before {
				free = free && placed[b]
			}
			if free {
				ready = append(ready, n)
			} else {
				later = append(later, n)
			}
		}
		if len(ready) == 0 {
			return nil, circle(later)
		}
		for _, n := range ready {
			placed[n.Object] = true
		}
		out, nodes = append(out, ready...), later
	}
	return out, nil
}

func circle(nodes []Node) error {
	var names []string
	for _, n := range nodes {
		names = append(names, keyOf(n.Object).String())
	}
	sort.Strings(names)
	return fmt.Errorf("these objects wait for each other (%s): %s", dependsOn, strings.Join(names, "; "))
}
