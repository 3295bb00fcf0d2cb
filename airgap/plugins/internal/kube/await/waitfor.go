package await

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/theory/jsonpath"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

func fromUnstructured(in map[string]any, out any) error {
	return runtime.DefaultUnstructuredConverter.FromUnstructured(in, out)
}

// parseWaitFor reads the waitFor annotation: `jsonpath={.path}`, `jsonpath={.path}=value`,
// `condition=Type`, `condition=Type=Status`, or a JSON list of those, which must all hold.
func parseWaitFor(annotation string) (checkFunc, error) {
	var exprs []string
	if json.Unmarshal([]byte(annotation), &exprs) != nil {
		exprs = []string{annotation}
	}
	if len(exprs) == 0 {
		return nil, errors.New(WaitFor + ": at least one condition must be given")
	}
	var checks []checkFunc
	for _, e := range exprs {
		c, err := parseCondition(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", WaitFor, err)
		}
		checks = append(checks, c)
	}
	return func(ctx context.Context, u *unstructured.Unstructured) verdict {
		for _, c := range checks {
			if v := c(ctx, u); !v.ready {
				return v
			}
		}
		return verdict{ready: true}
	}, nil
}

func parseCondition(expr string) (checkFunc, error) {
	if raw, ok := strings.CutPrefix(expr, "jsonpath="); ok {
		return parseJSONPath(raw)
	}
	raw, ok := strings.CutPrefix(expr, "condition=")
	if !ok {
		return nil, fmt.Errorf(`%q must begin with "jsonpath=" or "condition="`, expr)
	}
	name, want, given := strings.Cut(raw, "=")
	if !given {
		want = "True"
	}
	if name == "" || want == "" || strings.Contains(want, "=") {
		return nil, fmt.Errorf("%q must read condition=Type or condition=Type=Status", expr)
	}
	return func(_ context.Context, u *unstructured.Unstructured) verdict {
		status, _, message := condition(u, name)
		if strings.EqualFold(status, want) && observed2(u) {
			return verdict{ready: true}
		}
		return verdict{message: strings.TrimSpace(fmt.Sprintf("Waiting for condition %s=%s %s", name, want, message))}
	}, nil
}

// observed2 is observed for kinds that may have no observedGeneration at all.
func observed2(u *unstructured.Unstructured) bool {
	n, ok, err := unstructured.NestedInt64(u.Object, "status", "observedGeneration")
	return !ok || err != nil || n >= u.GetGeneration()
}

func parseJSONPath(raw string) (checkFunc, error) {
	end := strings.LastIndex(raw, "}")
	if !strings.HasPrefix(raw, "{") || end < 0 {
		return nil, fmt.Errorf("jsonpath=%s: the path must stand in braces, as in {.status.phase}", raw)
	}
	path, rest := strings.TrimSpace(raw[1:end]), raw[end+1:]
	want, given := strings.CutPrefix(rest, "=")
	switch {
	case rest != "" && !given, given && want == "":
		return nil, fmt.Errorf("jsonpath=%s: write {.path} or {.path}=value", raw)
	}
	if !strings.HasPrefix(path, "$") {
		path = "$" + path
	}
	parsed, err := jsonpath.Parse(path)
	if err != nil {
		return nil, fmt.Errorf("jsonpath=%s: %w", raw, err)
	}
	return func(_ context.Context, u *unstructured.Unstructured) verdict {
		if matches(parsed.Select(u.Object), want, given) {
			return verdict{ready: true}
		}
		return verdict{message: "Waiting for " + raw}
	}, nil
}

// matches: without a value everything the path selects must be there and not be empty; with one
// it must equal it.
func matches(found []any, want string, given bool) bool {
	for _, v := range found {
		switch t := v.(type) {
		case nil:
			return false
		case string:
			if t == "" {
				return false
			}
		}
		if given && fmt.Sprint(v) != want {
			return false
		}
	}
	return len(found) > 0
}
