package main

import (
	"encoding/json"
	"reflect"
	"sort"
	"strings"
	"testing"
)

const ordinary = "Name:\trunc\nCapPrm:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\nCapAmb:\t0\n"

func TestBoundingSet(t *testing.T) {
	set, err := boundingSet(strings.NewReader(ordinary))
	if err != nil || set != 0x1ffffffffff {
		t.Errorf("got %x, %v", set, err)
	}
	if _, err := boundingSet(strings.NewReader("Name:\trunc\n")); err == nil {
		t.Error("a status without CapBnd was accepted")
	}
	if _, err := boundingSet(strings.NewReader("CapBnd:\tzzz\n")); err == nil {
		t.Error("a CapBnd that is no number was accepted")
	}
}

func TestMissing(t *testing.T) {
	cases := []struct {
		name     string
		bounding uint64
		last     int
		want     []string
	}{
		{"all there", 0x1ffffffffff, 40, nil},
		{"one lacks", 0x1fffeffffff, 40, []string{"CAP_SYS_RESOURCE"}},
		{"first and last lack", 0x0fffffffffe, 40, []string{"CAP_CHECKPOINT_RESTORE", "CAP_CHOWN"}},
		{"an older kernel", 0x3fffffffff, 37, nil},
		{"a newer kernel", 0x3ffffffffff, 41, nil},
	}
	for _, each := range cases {
		var got []string
		for name := range missing(each.bounding, each.last) {
			got = append(got, name)
		}
		sort.Strings(got)
		if !reflect.DeepEqual(got, each.want) {
			t.Errorf("%s: got %v, want %v", each.name, got, each.want)
		}
	}
}

func TestStrip(t *testing.T) {
	lacks := map[string]bool{"CAP_SYS_RESOURCE": true}
	sets := `{"bounding":["CAP_CHOWN","CAP_SYS_RESOURCE"],"effective":["CAP_SYS_RESOURCE"],"ambient":null}`
	stripped := `{"ambient":null,"bounding":["CAP_CHOWN"],"effective":[]}`
	cases := []struct{ name, document, want string }{
		{
			"a bundle",
			`{"ociVersion":"1.0.2","process":{"args":["sh"],"capabilities":` + sets + `},"linux":{"shares":9007199254740993}}`,
			`{"linux":{"shares":9007199254740993},"ociVersion":"1.0.2","process":{"args":["sh"],"capabilities":` + stripped + `}}`,
		},
		{
			"a process file",
			`{"args":["sh"],"capabilities":` + sets + `}`,
			`{"args":["sh"],"capabilities":` + stripped + `}`,
		},
		{"nothing to remove", `{"process":{"capabilities":{"bounding":["CAP_CHOWN"]}}}`, ""},
		{"no capabilities", `{"process":{"args":["sh"]}}`, ""},
		{"no process", `{"hostname":"a"}`, ""},
	}
	for _, each := range cases {
		got, err := strip([]byte(each.document), lacks)
		if err != nil || string(got) != each.want {
			t.Errorf("%s: got %s, %v, want %s", each.name, got, err, each.want)
		}
		if got != nil && !json.Valid(got) {
			t.Errorf("%s: not JSON", each.name)
		}
	}
	if _, err := strip([]byte("{"), lacks); err == nil {
		t.Error("half a document was accepted")
	}
}

func TestTarget(t *testing.T) {
	cases := []struct{ line, want string }{
		{"--root /run/runc --log /l --log-format json create --bundle /b/id --pid-file /p id", "/b/id/config.json"},
		{"create --bundle=/b/id/ id", "/b/id/config.json"},
		{"run -b /b id", "/b/config.json"},
		{"create id", "config.json"},
		{"--root /r exec --process /tmp/p.json --detach --pid-file /p id", "/tmp/p.json"},
		{"exec --process=/tmp/p.json id", "/tmp/p.json"},
		{"exec --user 0 id create", ""},
		{"--systemd-cgroup --root /r start id", ""},
		{"--log create delete --force id", ""},
		{"--version", ""},
		{"", ""},
	}
	for _, each := range cases {
		if got := target(strings.Fields(each.line)); got != each.want {
			t.Errorf("runc %s: got %q, want %q", each.line, got, each.want)
		}
	}
}
