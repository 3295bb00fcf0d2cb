package await

import (
	"context"
	"errors"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// verdict is what one look at an object says.
type verdict struct {
	ready   bool
	message string
	// failure ends the waiting: no later state will be better.
	failure error
}

type checkFunc func(context.Context, *unstructured.Unstructured) verdict

type rule struct {
	timeout time.Duration
	// onRead says whether a refresh reports an object that is not ready.
	onRead bool
	check  func(*Target) checkFunc
}

func fixed(f func(*unstructured.Unstructured) verdict) func(*Target) checkFunc {
	return func(*Target) checkFunc {
		return func(_ context.Context, u *unstructured.Unstructured) verdict { return f(u) }
	}
}

// Kinds whose readiness is waited for, as the official plugin does. Other kinds are ready as soon
// as the API server took them.
var rules = map[string]rule{
	"Deployment.apps":           {onRead: true, check: fixed(deployment)},
	"StatefulSet.apps":          {onRead: true, check: fixed(statefulSet)},
	"DaemonSet.apps":            {onRead: true, check: fixed(daemonSet)},
	"Job.batch":                 {onRead: true, check: fixed(job)},
	"Pod":                       {onRead: true, timeout: 5 * time.Minute, check: fixed(pod)},
	"Service":                   {onRead: true, check: service},
	"Ingress.networking.k8s.io": {onRead: true, check: fixed(loadBalanced)},
	"PersistentVolumeClaim":     {timeout: 5 * time.Minute, check: claim},
	"PersistentVolume":          {timeout: 5 * time.Minute, check: fixed(volume)},
	"ReplicationController":     {timeout: 5 * time.Minute, check: fixed(replicationController)},
	"ResourceQuota":             {timeout: 5 * time.Minute, check: fixed(resourceQuota)},
	"Secret":                    {timeout: 5 * time.Minute, check: fixed(tokenSecret)},
	"Namespace":                 {timeout: 5 * time.Minute, check: fixed(namespace)},
	"CustomResourceDefinition.apiextensions.k8s.io": {timeout: 5 * time.Minute, check: fixed(definition)},
}

func number(u *unstructured.Unstructured, fallback int64, path ...string) int64 {
	n, ok, err := unstructured.NestedInt64(u.Object, path...)
	if !ok || err != nil {
		return fallback
	}
	return n
}

func text(u *unstructured.Unstructured, path ...string) string {
	s, _, _ := unstructured.NestedString(u.Object, path...)
	return s
}

// condition gives status, reason and message of a condition; status is "" when it is not there.
func condition(u *unstructured.Unstructured, name string) (status, reason, message string) {
	all, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	for _, c := range all {
		if m, ok := c.(map[string]any); ok && m["type"] == name {
			status, _ = m["status"].(string)
			reason, _ = m["reason"].(string)
			message, _ = m["message"].(string)
			return status, reason, message
		}
	}
	return "", "", ""
}

func conditionMessage(u *unstructured.Unstructured, name string) string {
	status, _, message := condition(u, name)
	if status != "True" {
		return ""
	}
	return message
}

func observed(u *unstructured.Unstructured) bool {
	return number(u, 0, "status", "observedGeneration") >= u.GetGeneration()
}

func deployment(u *unstructured.Unstructured) verdict {
	if !observed(u) {
		return verdict{message: "[1/2] Waiting for the Deployment to be picked up"}
	}
	if paused, _, _ := unstructured.NestedBool(u.Object, "spec", "paused"); paused {
		return verdict{ready: true}
	}
	want := number(u, 1, "spec", "replicas")
	total := number(u, 0, "status", "replicas")
	updated := number(u, 0, "status", "updatedReplicas")
	available := number(u, 0, "status", "availableReplicas")
	if _, reason, message := condition(u, "Progressing"); reason == "ProgressDeadlineExceeded" {
		return verdict{failure: errors.New(message), message: podsAvailable(available, want)}
	}
	status, _, _ := condition(u, "Available")
	switch {
	case updated < want || available < want || (want > 0 && status != "True"):
		return verdict{message: podsAvailable(min(available, updated), want)}
	case total > updated:
		return verdict{message: fmt.Sprintf("[2/2] Waiting for %d old Pods to go", total-updated)}
	}
	return verdict{ready: true, message: "Deployment initialization complete"}
}

func podsAvailable(have, want int64) string {
	return fmt.Sprintf("[1/2] Waiting for Pods to be available (%d/%d)", have, want)
}

func statefulSet(u *unstructured.Unstructured) verdict {
	want := number(u, 1, "spec", "replicas")
	ready := number(u, 0, "status", "readyReplicas")
	updated := number(u, 0, "status", "updatedReplicas")
	partition := number(u, 0, "spec", "updateStrategy", "rollingUpdate", "partition")
	switch {
	case !observed(u):
		return verdict{message: "[1/2] Waiting for the StatefulSet to be picked up"}
	case ready < want:
		return verdict{message: podsAvailable(ready, want)}
	case text(u, "spec", "updateStrategy", "type") == "OnDelete":
	case updated < want-partition:
		return verdict{message: fmt.Sprintf("[2/2] Waiting for Pods to be updated (%d/%d)", updated, want-partition)}
	case partition == 0 && text(u, "status", "currentRevision") != text(u, "status", "updateRevision"):
		return verdict{message: "[2/2] Waiting for the rollout to end"}
	}
	return verdict{ready: true}
}

func daemonSet(u *unstructured.Unstructured) verdict {
	want := number(u, 0, "status", "desiredNumberScheduled")
	updated := number(u, 0, "status", "updatedNumberScheduled")
	available := number(u, 0, "status", "numberAvailable")
	switch {
	case !observed(u):
		return verdict{message: "[1/2] Waiting for the DaemonSet to be picked up"}
	case text(u, "spec", "updateStrategy", "type") != "OnDelete" && updated < want:
		return verdict{message: fmt.Sprintf("[1/2] Waiting for Pods to be updated (%d/%d)", updated, want)}
	case available < want:
		return verdict{message: podsAvailable(available, want)}
	}
	return verdict{ready: true}
}

func job(u *unstructured.Unstructured) verdict {
	if status, reason, message := condition(u, "Failed"); status == "True" {
		return verdict{failure: fmt.Errorf("the Job failed: %s: %s", reason, message)}
	}
	if suspended, _, _ := unstructured.NestedBool(u.Object, "spec", "suspend"); suspended {
		return verdict{ready: true}
	}
	if status, _, _ := condition(u, "Complete"); status == "True" {
		return verdict{ready: true}
	}
	done, want := number(u, 0, "status", "succeeded"), number(u, 1, "spec", "completions")
	return verdict{message: fmt.Sprintf("Waiting for the Job to complete (%d/%d)", done, want)}
}

func pod(u *unstructured.Unstructured) verdict {
	switch text(u, "status", "phase") {
	case "Succeeded":
		return verdict{ready: true}
	case "Failed":
		return verdict{failure: fmt.Errorf("the Pod failed: %s", text(u, "status", "message"))}
	}
	status, _, message := condition(u, "Ready")
	if status == "True" {
		return verdict{ready: true}
	}
	return verdict{message: "Waiting for the Pod to be ready " + message}
}

func loadBalanced(u *unstructured.Unstructured) verdict {
	if in, _, _ := unstructured.NestedSlice(u.Object, "status", "loadBalancer", "ingress"); len(in) > 0 {
		return verdict{ready: true}
	}
	return verdict{message: fmt.Sprintf("Waiting for the %s to be given an address", u.GetKind())}
}

func volume(u *unstructured.Unstructured) verdict {
	switch phase := text(u, "status", "phase"); phase {
	case "Available", "Bound":
		return verdict{ready: true}
	case "Failed":
		return verdict{failure: fmt.Errorf("the PersistentVolume failed: %s", text(u, "status", "message"))}
	default:
		return verdict{message: "Waiting for the PersistentVolume; phase " + phase}
	}
}

// claim takes a claim whose storage class binds with its first Pod as ready: waiting for a Pod
// that may depend on the claim would be a deadlock.
func claim(t *Target) checkFunc {
	return func(ctx context.Context, u *unstructured.Unstructured) verdict {
		phase := text(u, "status", "phase")
		if phase == "Bound" {
			return verdict{ready: true}
		}
		if name := text(u, "spec", "storageClassName"); name != "" {
			classes := t.Cluster.Resource("storage.k8s.io", "v1", "storageclasses", "")
			class, err := classes.Get(ctx, name, metav1.GetOptions{})
			if err == nil && text(class, "volumeBindingMode") == "WaitForFirstConsumer" {
				return verdict{ready: true}
			}
		}
		return verdict{message: "Waiting for the PersistentVolumeClaim to be bound; phase " + phase}
	}
}

func replicationController(u *unstructured.Unstructured) verdict {
	want, have := number(u, 1, "spec", "replicas"), number(u, 0, "status", "availableReplicas")
	if observed(u) && have >= want {
		return verdict{ready: true}
	}
	return verdict{message: podsAvailable(have, want)}
}

func resourceQuota(u *unstructured.Unstructured) verdict {
	want, _, _ := unstructured.NestedMap(u.Object, "spec", "hard")
	have, _, _ := unstructured.NestedMap(u.Object, "status", "hard")
	for k, v := range want {
		if have[k] != v {
			return verdict{message: "Waiting for the ResourceQuota to be enforced"}
		}
	}
	return verdict{ready: true}
}

func tokenSecret(u *unstructured.Unstructured) verdict {
	if text(u, "type") != "kubernetes.io/service-account-token" {
		return verdict{ready: true}
	}
	if data, _, _ := unstructured.NestedMap(u.Object, "data"); len(data) > 0 {
		return verdict{ready: true}
	}
	return verdict{message: "Waiting for the token"}
}

func namespace(u *unstructured.Unstructured) verdict {
	if text(u, "status", "phase") == "Active" {
		return verdict{ready: true}
	}
	return verdict{message: "Waiting for the Namespace to be active"}
}

func definition(u *unstructured.Unstructured) verdict {
	if status, _, message := condition(u, "NamesAccepted"); status == "False" {
		return verdict{failure: errors.New(message)}
	}
	if status, _, _ := condition(u, "Established"); status == "True" {
		return verdict{ready: true}
	}
	return verdict{message: "Waiting for the CustomResourceDefinition to be established"}
}

// generic is the rule for kinds without one of their own, by their conventional status fields.
func generic(_ context.Context, u *unstructured.Unstructured) verdict {
	if n, ok, err := unstructured.NestedInt64(u.Object, "status", "observedGeneration"); ok && err == nil && n < u.GetGeneration() {
		return verdict{message: "Waiting for the new generation to be observed"}
	}
	if status, reason, message := condition(u, "Stalled"); status == "True" {
		return verdict{failure: fmt.Errorf("%s: %s", reason, message)}
	}
	if status, _, message := condition(u, "Reconciling"); status == "True" {
		return verdict{message: "Waiting for readiness " + message}
	}
	if status, _, message := condition(u, "Ready"); status != "" && status != "True" {
		return verdict{message: "Waiting for readiness " + message}
	}
	return verdict{ready: true}
}
