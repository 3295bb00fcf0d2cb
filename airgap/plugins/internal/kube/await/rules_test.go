package await

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type m = map[string]any

func object(kind string, generation int64, spec, status m) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: m{
		"kind": kind, "metadata": m{"name": "x", "generation": generation}, "spec": spec, "status": status,
	}}
}

func conditions(pairs ...string) []any {
	var out []any
	for i := 0; i < len(pairs); i += 3 {
		out = append(out, m{"type": pairs[i], "status": pairs[i+1], "reason": pairs[i+2], "message": "because"})
	}
	return out
}

func TestRules(t *testing.T) {
	n := func(i int) int64 { return int64(i) }
	rolled := m{"observedGeneration": n(2), "replicas": n(2), "updatedReplicas": n(2), "availableReplicas": n(2),
		"conditions": conditions("Available", "True", "")}
	with := func(base m, changes m) m {
		out := m{}
		for k, v := range base {
			out[k] = v
		}
		for k, v := range changes {
			out[k] = v
		}
		return out
	}
	set := m{"observedGeneration": n(1), "readyReplicas": n(1), "updatedReplicas": n(1), "currentRevision": "a", "updateRevision": "a"}
	daemons := m{"observedGeneration": n(1), "desiredNumberScheduled": n(2), "updatedNumberScheduled": n(2), "numberAvailable": n(2)}
	for name, c := range map[string]struct {
		verdict verdict
		want    string
	}{
		"rolled out":             {deployment(object("Deployment", 2, m{"replicas": n(2)}, rolled)), "ready"},
		"not observed yet":       {deployment(object("Deployment", 3, m{"replicas": n(2)}, rolled)), "waits"},
		"no status yet":          {deployment(object("Deployment", 1, m{"replicas": n(1)}, m{})), "waits"},
		"too few available":      {deployment(object("Deployment", 2, m{"replicas": n(2)}, with(rolled, m{"availableReplicas": n(1)}))), "waits"},
		"old Pods still there":   {deployment(object("Deployment", 2, m{"replicas": n(2)}, with(rolled, m{"replicas": n(3)}))), "waits"},
		"not Available":          {deployment(object("Deployment", 2, m{"replicas": n(2)}, with(rolled, m{"conditions": conditions("Available", "False", "")}))), "waits"},
		"no replicas wanted":     {deployment(object("Deployment", 2, m{"replicas": n(0)}, m{"observedGeneration": n(2)})), "ready"},
		"deadline exceeded":      {deployment(object("Deployment", 2, m{"replicas": n(2)}, with(rolled, m{"conditions": conditions("Progressing", "False", "ProgressDeadlineExceeded")}))), "fails"},
		"set ready":              {statefulSet(object("StatefulSet", 1, m{"replicas": n(1)}, set)), "ready"},
		"set rolling":            {statefulSet(object("StatefulSet", 1, m{"replicas": n(1)}, with(set, m{"updateRevision": "b"}))), "waits"},
		"set not ready":          {statefulSet(object("StatefulSet", 1, m{"replicas": n(2)}, set)), "waits"},
		"daemons ready":          {daemonSet(object("DaemonSet", 1, m{}, daemons)), "ready"},
		"daemons not available":  {daemonSet(object("DaemonSet", 1, m{}, with(daemons, m{"numberAvailable": n(1)}))), "waits"},
		"job runs":               {job(object("Job", 1, m{}, m{"active": n(1)})), "waits"},
		"job complete":           {job(object("Job", 1, m{}, m{"conditions": conditions("Complete", "True", "")})), "ready"},
		"job failed":             {job(object("Job", 1, m{}, m{"conditions": conditions("Failed", "True", "BackoffLimitExceeded")})), "fails"},
		"job suspended":          {job(object("Job", 1, m{"suspend": true}, m{})), "ready"},
		"pod ready":              {pod(object("Pod", 1, m{}, m{"phase": "Running", "conditions": conditions("Ready", "True", "")})), "ready"},
		"pod pending":            {pod(object("Pod", 1, m{}, m{"phase": "Pending"})), "waits"},
		"pod done":               {pod(object("Pod", 1, m{}, m{"phase": "Succeeded"})), "ready"},
		"pod failed":             {pod(object("Pod", 1, m{}, m{"phase": "Failed"})), "fails"},
		"definition established": {definition(object("CustomResourceDefinition", 1, m{}, m{"conditions": conditions("Established", "True", "")})), "ready"},
		"definition new":         {definition(object("CustomResourceDefinition", 1, m{}, m{})), "waits"},
		"definition refused":     {definition(object("CustomResourceDefinition", 1, m{}, m{"conditions": conditions("NamesAccepted", "False", "")})), "fails"},
		"namespace active":       {namespace(object("Namespace", 1, m{}, m{"phase": "Active"})), "ready"},
		"ingress without":        {loadBalanced(object("Ingress", 1, m{}, m{})), "waits"},
		"ingress with":           {loadBalanced(object("Ingress", 1, m{}, m{"loadBalancer": m{"ingress": []any{m{"ip": "1.2.3.4"}}}})), "ready"},
		"opaque secret":          {tokenSecret(&unstructured.Unstructured{Object: m{"type": "Opaque"}}), "ready"},
		"token secret":           {tokenSecret(&unstructured.Unstructured{Object: m{"type": "kubernetes.io/service-account-token"}}), "waits"},
		"generic without status": {generic(t.Context(), object("Thing", 1, m{}, m{})), "ready"},
		"generic not ready":      {generic(t.Context(), object("Thing", 1, m{}, m{"conditions": conditions("Ready", "False", "")})), "waits"},
		"generic stalled":        {generic(t.Context(), object("Thing", 1, m{}, m{"conditions": conditions("Stalled", "True", "x")})), "fails"},
		"generic old generation": {generic(t.Context(), object("Thing", 2, m{}, m{"observedGeneration": n(1)})), "waits"},
	} {
		got := "waits"
		if c.verdict.ready {
			got = "ready"
		} else if c.verdict.failure != nil {
			got = "fails"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s (%+v)", name, got, c.want, c.verdict)
		}
	}
}

func TestWaitFor(t *testing.T) {
	hooks := func(bundles ...any) *unstructured.Unstructured {
		var all []any
		for _, b := range bundles {
			all = append(all, m{"clientConfig": m{"caBundle": b}})
		}
		return &unstructured.Unstructured{Object: m{"webhooks": all}}
	}
	bundle := "jsonpath={.webhooks[*].clientConfig.caBundle}"
	running := object("Thing", 2, m{}, m{
		"phase": "Running", "observedGeneration": int64(2), "n": int64(3), "conditions": conditions("Ready", "True", "", "Old", "False", ""),
	})
	for _, c := range []struct {
		expr  string
		u     *unstructured.Unstructured
		ready bool
	}{
		{bundle, hooks(), false},
		{bundle, hooks("a", ""), false},
		{bundle, hooks("a", "b"), true},
		{"jsonpath={.status.phase}=Running", running, true},
		{"jsonpath={.status.phase}=Stopped", running, false},
		{"jsonpath={.status.n}=3", running, true},
		{"jsonpath={.status.missing}", running, false},
		{"jsonpath={$.status.conditions[?(@.type=='Ready')].status}=True", running, true},
		{"condition=Ready", running, true},
		{"condition=Old=False", running, true},
		{"condition=Missing", running, false},
		{`["condition=Ready","jsonpath={.status.phase}=Running"]`, running, true},
		{`["condition=Ready","jsonpath={.status.phase}=Stopped"]`, running, false},
	} {
		check, err := parseWaitFor(c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		if v := check(t.Context(), c.u); v.ready != c.ready {
			t.Errorf("%s: %+v", c.expr, v)
		}
	}
	for _, bad := range []string{"phase=Running", "jsonpath=.status.phase", "jsonpath={.a}=", "jsonpath={.a}x", "jsonpath={.a[}", "condition=", "[]"} {
		if _, err := parseWaitFor(bad); err == nil || !strings.Contains(err.Error(), WaitFor) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestPodReasons(t *testing.T) {
	p := object("Pod", 1, m{}, m{
		"conditions": conditions("PodScheduled", "False", "Unschedulable"),
		"initContainerStatuses": []any{
			m{"name": "proxy", "state": m{"waiting": m{"reason": "CrashLoopBackOff", "message": "back-off"}},
				"lastState": m{"terminated": m{"exitCode": int64(2), "reason": "Error"}}},
		},
		"containerStatuses": []any{
			m{"name": "app", "state": m{"waiting": m{"reason": "PodInitializing"}}},
			m{"name": "pull", "state": m{"waiting": m{"reason": "ErrImagePull", "message": "no such image"}}},
		},
	})
	got := strings.Join(podReasons(p), "\n")
	for _, part := range []string{"Unschedulable: because", "proxy: CrashLoopBackOff", "exited with code 2", "pull: ErrImagePull: no such image"} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got)
		}
	}
	if strings.Contains(got, "PodInitializing") {
		t.Errorf("a container that merely waits its turn is reported:\n%s", got)
	}
}
