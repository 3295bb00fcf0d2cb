package random

import (
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"reflect"
	"regexp"
	"strings"
	"testing"

	provider "github.com/pulumi/pulumi-go-provider"
	"golang.org/x/crypto/bcrypt"

	"bankmesh/airgap/plugins/internal/plugintest"
)

const (
	idToken       = "random:index/randomId:RandomId"
	stringToken   = "random:index/randomString:RandomString"
	passwordToken = "random:index/randomPassword:RandomPassword"
	uuidToken     = "random:index/randomUuid:RandomUuid"
	petToken      = "random:index/randomPet:RandomPet"
)

func create(t *testing.T, token string, values map[string]any) *plugintest.Resource {
	t.Helper()
	return plugintest.New(t, Provider(), token).Create(plugintest.Map(t, values))
}

func TestID(t *testing.T) {
	r := create(t, idToken, map[string]any{"byteLength": 9, "prefix": "p-", "keepers": map[string]any{"a": "1"}})
	b, err := base64.RawURLEncoding.DecodeString(r.ID)
	if err != nil || len(b) != 9 {
		t.Fatalf("id %q: %v", r.ID, err)
	}
	for name, want := range map[string]string{
		"b64Url": "p-" + r.ID, "b64Std": "p-" + base64.StdEncoding.EncodeToString(b), "hex": "p-" + hex.EncodeToString(b),
		"dec": "p-" + new(big.Int).SetBytes(b).String(), "id": r.ID, "prefix": "p-",
	} {
		if got := r.Str(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if create(t, idToken, map[string]any{"byteLength": 9}).ID == r.ID {
		t.Error("two ids are the same")
	}
}

func TestStringDefaults(t *testing.T) {
	r := create(t, stringToken, map[string]any{"length": 12})
	if r.Str("result") != r.ID || len(r.ID) != 12 {
		t.Errorf("id %q, result %q", r.ID, r.Str("result"))
	}
	for _, name := range []string{"lower", "upper", "number", "numeric", "special"} {
		if !r.State.Get(name).AsBool() {
			t.Errorf("%s is not true", name)
		}
	}
	for _, name := range minimums {
		if r.State.Get(name).AsNumber() != 0 {
			t.Errorf("%s is not 0", name)
		}
	}
	if _, ok := r.State.GetOk("overrideSpecial"); ok {
		t.Error("overrideSpecial has a value")
	}
}

func TestStringClasses(t *testing.T) {
	for name, c := range map[string]struct {
		inputs map[string]any
		want   string
	}{
		"lower only":  {map[string]any{"length": 40, "upper": false, "numeric": false, "special": false}, `^[a-z]{40}$`},
		"number":      {map[string]any{"length": 40, "upper": false, "lower": false, "number": true, "special": false}, `^[0-9]{40}$`},
		"number off":  {map[string]any{"length": 40, "number": false, "special": false}, `^[a-zA-Z]{40}$`},
		"special":     {map[string]any{"length": 40, "upper": false, "lower": false, "numeric": false, "overrideSpecial": "_~"}, `^[_~]{40}$`},
		"minimums":    {map[string]any{"length": 4, "minUpper": 1, "minLower": 1, "minNumeric": 1, "minSpecial": 1, "overrideSpecial": "_"}, `^[A-Za-z0-9_]{4}$`},
		"minimum off": {map[string]any{"length": 3, "upper": false, "minUpper": 3}, `^[A-Z]{3}$`},
	} {
		t.Run(name, func(t *testing.T) {
			r := create(t, stringToken, c.inputs)
			if !regexp.MustCompile(c.want).MatchString(r.ID) {
				t.Errorf("%q does not match %s", r.ID, c.want)
			}
			if r.State.Get("number").AsBool() != r.State.Get("numeric").AsBool() {
				t.Error("number and numeric differ")
			}
		})
	}
	r := create(t, stringToken, map[string]any{"length": 4, "minUpper": 1, "minLower": 1, "minNumeric": 1, "minSpecial": 1})
	for _, class := range []string{upperLetters, lowerLetters, digits, specials} {
		if !strings.ContainsAny(r.ID, class) {
			t.Errorf("%q has none of %s", r.ID, class)
		}
	}
}

func TestPassword(t *testing.T) {
	r := create(t, passwordToken, map[string]any{"length": 80})
	if r.ID != "none" || !r.State.Get("result").Secret() || !r.State.Get("bcryptHash").Secret() {
		t.Errorf("id %q, state %#v", r.ID, r.State)
	}
	if err := bcrypt.CompareHashAndPassword([]byte(r.Str("bcryptHash")), []byte(r.Str("result"))[:bcryptLimit]); err != nil {
		t.Error(err)
	}
}

func TestUUIDAndPet(t *testing.T) {
	uuid := create(t, uuidToken, nil)
	if uuid.Str("result") != uuid.ID || !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(uuid.ID) {
		t.Errorf("uuid %q", uuid.ID)
	}
	for name, c := range map[string]struct {
		inputs map[string]any
		want   string
	}{
		"default": {nil, `^[a-z]+-[a-z]+$`},
		"all":     {map[string]any{"length": 3, "separator": "_", "prefix": "dev"}, `^dev_[a-z]+_[a-z]+_[a-z]+$`},
	} {
		if pet := create(t, petToken, c.inputs); !regexp.MustCompile(c.want).MatchString(pet.ID) || pet.Str("id") != pet.ID {
			t.Errorf("%s: pet %q", name, pet.ID)
		}
	}
}

func TestDiff(t *testing.T) {
	r := create(t, stringToken, map[string]any{"length": 8, "keepers": map[string]any{"a": "1"}, "number": false})
	none := map[string]provider.DiffKind{}
	for name, c := range map[string]struct {
		inputs map[string]any
		want   map[string]provider.DiffKind
	}{
		"nothing":        {map[string]any{"length": 8, "keepers": map[string]any{"a": "1"}, "number": false}, none},
		"other name":     {map[string]any{"length": 8, "keepers": map[string]any{"a": "1"}, "numeric": false}, none},
		"default said":   {map[string]any{"length": 8, "keepers": map[string]any{"a": "1"}, "number": false, "lower": true}, none},
		"length":         {map[string]any{"length": 9, "keepers": map[string]any{"a": "1"}, "number": false}, map[string]provider.DiffKind{"length": provider.UpdateReplace}},
		"keeper":         {map[string]any{"length": 8, "keepers": map[string]any{"a": "2"}, "number": false}, map[string]provider.DiffKind{"keepers.a": provider.UpdateReplace}},
		"keeper unknown": {map[string]any{"length": 8, "keepers": map[string]any{"a": plugintest.Unknown}, "number": false}, map[string]provider.DiffKind{"keepers.a": provider.UpdateReplace}},
		"keeper more":    {map[string]any{"length": 8, "keepers": map[string]any{"a": "1", "b": "1"}, "number": false}, map[string]provider.DiffKind{"keepers.b": provider.AddReplace}},
		"keepers gone":   {map[string]any{"length": 8, "number": false}, map[string]provider.DiffKind{"keepers": provider.DeleteReplace}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := r.Diff(plugintest.Map(t, c.inputs)); !reflect.DeepEqual(got, c.want) {
				t.Errorf("diff %v, want %v", got, c.want)
			}
		})
	}
	without := create(t, idToken, map[string]any{"byteLength": 2})
	if got := without.Diff(plugintest.Map(t, map[string]any{"byteLength": 2, "keepers": map[string]any{}})); !reflect.DeepEqual(got,
		map[string]provider.DiffKind{"keepers": provider.Add}) {
		t.Errorf("diff with empty keepers %v: a change, but no replacement", got)
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		token  string
		inputs map[string]any
		want   string
	}{
		"no length":     {stringToken, nil, `missing required property "length"`},
		"length":        {stringToken, map[string]any{"length": 0}, "at least 1"},
		"minimums":      {stringToken, map[string]any{"length": 3, "minUpper": 2, "minLower": 2}, "sum of minUpper"},
		"number twice":  {stringToken, map[string]any{"length": 3, "number": true, "numeric": false}, "different values"},
		"nothing left":  {passwordToken, map[string]any{"length": 3, "upper": false, "lower": false, "numeric": false, "special": false}, "at least one of"},
		"bytes":         {idToken, map[string]any{"byteLength": 1.5}, "whole number"},
		"keeper":        {idToken, map[string]any{"byteLength": 1, "keepers": map[string]any{"a": 1}}, "map of strings"},
		"unknown input": {petToken, map[string]any{"words": 1}, `"words" is no input`},
		"other type":    {"random:index/randomShuffle:RandomShuffle", nil, "RandomShuffle is not implemented"},
	} {
		t.Run(name, func(t *testing.T) {
			_, failures := plugintest.New(t, Provider(), c.token).Check(plugintest.Map(t, c.inputs))
			if !strings.Contains(strings.Join(failures, "\n"), c.want) {
				t.Errorf("failures %v, want one with %q", failures, c.want)
			}
		})
	}
}

func TestPreview(t *testing.T) {
	r := plugintest.New(t, Provider(), passwordToken)
	out := r.Preview(plugintest.Map(t, map[string]any{"length": plugintest.Unknown, "keepers": plugintest.Unknown}))
	if v := out.Get("result"); !v.IsComputed() || !v.Secret() {
		t.Errorf("result %#v", v)
	}
	if !out.Get("length").IsComputed() || !out.Get("keepers").IsComputed() || !out.Get("lower").AsBool() {
		t.Errorf("preview %#v", out)
	}
}

func TestRefreshKeepsTheState(t *testing.T) {
	r := create(t, idToken, map[string]any{"byteLength": 4})
	before := r.Str("hex")
	if got := r.Refresh().Get("hex").AsString(); got != before {
		t.Errorf("hex is %q after refresh, was %q", got, before)
	}
}
