package await

import (
	"context"
	"fmt"
	"sort"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"bankmesh/airgap/plugins/internal/kube/cluster"
)

// maxReasons keeps a message readable when many Pods fail in the same way.
const maxReasons = 8

// diagnose asks a workload's Pods and events why it is not ready.
func diagnose(ctx context.Context, c *cluster.Cluster, u *unstructured.Unstructured) []string {
	var pods []unstructured.Unstructured
	switch u.GetKind() {
	case "Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicationController":
		if pods = podsOf(ctx, c, u); pods == nil {
			return nil
		}
	case "Pod":
		pods = []unstructured.Unstructured{*u}
	default:
		return nil
	}
	var out []string
	for i := range pods {
		out = append(out, podReasons(&pods[i])...)
	}
	out = append(out, events(ctx, c, u)...)
	return firstDistinct(out)
}

func podsOf(ctx context.Context, c *cluster.Cluster, u *unstructured.Unstructured) []unstructured.Unstructured {
	selector, err := selectorOf(u)
	if err != nil || selector == "" {
		return nil
	}
	list, err := c.Resource("", "v1", "pods", u.GetNamespace()).
		List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil
	}
	return list.Items
}

func selectorOf(u *unstructured.Unstructured) (string, error) {
	if u.GetKind() == "ReplicationController" {
		m, _, _ := unstructured.NestedStringMap(u.Object, "spec", "selector")
		return metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: m}), nil
	}
	raw, ok, _ := unstructured.NestedMap(u.Object, "spec", "selector")
	if !ok {
		return "", nil
	}
	var s metav1.LabelSelector
	if err := fromUnstructured(raw, &s); err != nil {
		return "", err
	}
	parsed, err := metav1.LabelSelectorAsSelector(&s)
	if err != nil {
		return "", err
	}
	return parsed.String(), nil
}

func podReasons(p *unstructured.Unstructured) []string {
	if status, _, _ := condition(p, "Ready"); status == "True" {
		return nil
	}
	var out []string
	if status, reason, message := condition(p, "PodScheduled"); status == "False" {
		out = append(out, fmt.Sprintf("Pod %s: %s: %s", p.GetName(), reason, message))
	}
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		all, _, _ := unstructured.NestedSlice(p.Object, "status", field)
		for _, c := range all {
			if m, ok := c.(map[string]any); ok {
				if r := containerReason(m); r != "" {
					out = append(out, fmt.Sprintf("Pod %s, container %v: %s", p.GetName(), m["name"], r))
				}
			}
		}
	}
	return out
}

func containerReason(c map[string]any) string {
	if reason, _, _ := unstructured.NestedString(c, "state", "waiting", "reason"); reason != "" {
		if reason == "ContainerCreating" || reason == "PodInitializing" {
			return ""
		}
		message, _, _ := unstructured.NestedString(c, "state", "waiting", "message")
		if last := terminated(c, "lastState"); last != "" {
			message = strings.TrimSpace(message + " (" + last + ")")
		}
		return strings.TrimSpace(reason + ": " + message)
	}
	return terminated(c, "state")
}

func terminated(c map[string]any, field string) string {
	t, ok, _ := unstructured.NestedMap(c, field, "terminated")
	if !ok || t["exitCode"] == int64(0) {
		return ""
	}
	return strings.TrimSpace(fmt.Sprintf("exited with code %v: %v %s", t["exitCode"], t["reason"], str(t["message"])))
}

func str(a any) string {
	s, _ := a.(string)
	return s
}

// events gives the warnings about the workload and what it owns; those are named after it.
func events(ctx context.Context, c *cluster.Cluster, u *unstructured.Unstructured) []string {
	list, err := c.Resource("", "v1", "events", u.GetNamespace()).
		List(ctx, metav1.ListOptions{FieldSelector: "type=Warning"})
	if err != nil {
		return nil
	}
	sort.Slice(list.Items, func(i, j int) bool {
		return str(list.Items[i].Object["lastTimestamp"]) > str(list.Items[j].Object["lastTimestamp"])
	})
	var out []string
	for i := range list.Items {
		e := &list.Items[i]
		name := text(e, "involvedObject", "name")
		own := name == u.GetName() || (u.GetKind() != "Pod" && strings.HasPrefix(name, u.GetName()+"-"))
		// A HorizontalPodAutoscaler of the same name has troubles of its own; a back-off is told by
		// the container's state.
		if !own || text(e, "involvedObject", "kind") == "HorizontalPodAutoscaler" || str(e.Object["reason"]) == "BackOff" {
			continue
		}
		out = append(out, fmt.Sprintf("%s %s: %s: %s",
			text(e, "involvedObject", "kind"), name, str(e.Object["reason"]), str(e.Object["message"])))
	}
	return out
}

func firstDistinct(in []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range in {
		if !seen[s] && len(out) < maxReasons {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
