package await

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"bankmesh/airgap/plugins/internal/kube/cluster"
)

// maxReasons keeps a message readable when many Pods fail in the same way.
const maxReasons = 8

// diagnose asks a workload's Pods and events why it is not ready. What was seen within maxAge will do.
func diagnose(ctx context.Context, c *cluster.Cluster, u *unstructured.Unstructured, maxAge time.Duration) []string {
	switch u.GetKind() {
	case "Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicationController", "Pod":
	default:
		return nil
	}
	seen := overviewOf(ctx, c, u.GetNamespace(), maxAge)
	if seen == nil {
		return nil
	}
	pods := []unstructured.Unstructured{*u}
	if u.GetKind() != "Pod" {
		pods = seen.podsOf(u)
	}
	var out []string
	for i := range pods {
		out = append(out, podReasons(&pods[i])...)
	}
	out = append(out, warningsAbout(u, seen.warnings)...)
	return firstDistinct(out)
}

// selectorOf is empty when a workload has none.
func selectorOf(u *unstructured.Unstructured) (labels.Selector, error) {
	if u.GetKind() == "ReplicationController" {
		m, _, _ := unstructured.NestedStringMap(u.Object, "spec", "selector")
		return labels.SelectorFromSet(m), nil
	}
	raw, ok, _ := unstructured.NestedMap(u.Object, "spec", "selector")
	if !ok {
		return labels.Everything(), nil
	}
	var s metav1.LabelSelector
	if err := fromUnstructured(raw, &s); err != nil {
		return nil, err
	}
	return metav1.LabelSelectorAsSelector(&s)
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

// warningsAbout picks the warnings about the workload and what it owns, which is named after it; the newest first.
func warningsAbout(u *unstructured.Unstructured, all []unstructured.Unstructured) []string {
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b unstructured.Unstructured) int {
		return strings.Compare(str(b.Object["lastTimestamp"]), str(a.Object["lastTimestamp"]))
	})
	var out []string
	for i := range sorted {
		e := &sorted[i]
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
