// Package chart renders Helm charts as kubernetes:helm.sh/v4:Chart does and registers their
// objects as children of the component.
package chart

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"helm.sh/helm/v3/pkg/chartutil"
)

// Inputs of a Chart component.
type Inputs struct {
	// Chart is the path of a packed or unpacked chart.
	Chart string
	// Release is the release's name, the component's name by default.
	Release string
	// Namespace is that of the release; "" is the provider's.
	Namespace string
	// Prefix begins the names of the children, the component's name by default.
	Prefix string
	// Values are merged over those of the chart.
	Values map[string]any
	// PostRenderer is a command that the manifest is piped through.
	PostRenderer []string

	SkipCRDs, SkipAwait, IncludeHooks bool
}

// ErrUnknown says that an input is not known yet.
var ErrUnknown = errors.New("an input is not known yet")

// Inputs that need a chart repository or a registry, with what they are for.
var remote = map[string]string{
	"repositoryOpts":   "a chart repository",
	"dependencyUpdate": "fetching a chart's dependencies",
	"verify":           "checking a chart's provenance",
	"keyring":          "checking a chart's provenance",
}

// ParseInputs reads the component's inputs. The error is ErrUnknown while one is not known.
func ParseInputs(name string, in resource.PropertyMap) (*Inputs, error) {
	if in.ContainsUnknowns() {
		return nil, ErrUnknown
	}
	out := &Inputs{Release: name, Prefix: name, Values: map[string]any{}}
	var files []resource.PropertyValue
	for _, k := range in.StableKeys() {
		v := unwrap(in[k])
		if v.IsNull() {
			continue
		}
		var err error
		switch key := string(k); key {
		case "chart":
			err = readText(v, &out.Chart)
		case "name":
			err = readText(v, &out.Release)
		case "namespace":
			err = readText(v, &out.Namespace)
		case "resourcePrefix":
			err = readText(v, &out.Prefix)
		case "skipCrds":
			err = readSwitch(v, &out.SkipCRDs)
		case "skipAwait":
			err = readSwitch(v, &out.SkipAwait)
		case "includeHooks":
			err = readSwitch(v, &out.IncludeHooks)
		case "version", "devel", "plainHttp":
			// They choose among a repository's charts; a local one is what it is.
		case "values":
			if !v.IsObject() {
				err = fmt.Errorf("must be an object, is a %s", v.TypeString())
			} else {
				out.Values, err = plainMap(v.ObjectValue())
			}
		case "valueYamlFiles":
			if !v.IsArray() {
				err = fmt.Errorf("must be a list of assets, is a %s", v.TypeString())
			} else {
				files = v.ArrayValue()
			}
		case "postRenderer":
			out.PostRenderer, err = command(v)
		default:
			err = refuse(key, v)
		}
		if err != nil {
			return nil, fmt.Errorf("kubernetes:helm.sh/v4:Chart %q: input %s: %w", name, k, err)
		}
	}
	if out.Chart == "" {
		return nil, fmt.Errorf("kubernetes:helm.sh/v4:Chart %q: input chart: is required: the path of a chart (.tgz or folder)", name)
	}
	if out.Release == "" {
		out.Release = name
	}
	if err := out.addFiles(files); err != nil {
		return nil, fmt.Errorf("kubernetes:helm.sh/v4:Chart %q: input valueYamlFiles: %w", name, err)
	}
	return out, nil
}

func refuse(key string, v resource.PropertyValue) error {
	what, ok := remote[key]
	if !ok {
		return errors.New("is not an input of this component")
	}
	empty := (v.IsBool() && !v.BoolValue()) || (v.IsObject() && len(v.ObjectValue()) == 0)
	if empty {
		return nil
	}
	return fmt.Errorf("is not offered by this stand-in, which has no network for %s; give the path of a local "+
		"chart with its dependencies inside", what)
}

func unwrap(v resource.PropertyValue) resource.PropertyValue {
	for {
		switch {
		case v.IsSecret():
			v = v.SecretValue().Element
		case v.IsOutput():
			v = v.OutputValue().Element
		default:
			return v
		}
	}
}

func readText(v resource.PropertyValue, into *string) error {
	if !v.IsString() {
		return fmt.Errorf("must be a text, is a %s", v.TypeString())
	}
	*into = v.StringValue()
	return nil
}

func readSwitch(v resource.PropertyValue, into *bool) error {
	if !v.IsBool() {
		return fmt.Errorf("must be true or false, is a %s", v.TypeString())
	}
	*into = v.BoolValue()
	return nil
}

func command(v resource.PropertyValue) ([]string, error) {
	if !v.IsObject() || !unwrap(v.ObjectValue()["command"]).IsString() {
		return nil, errors.New("must be an object with a command and maybe args")
	}
	out := []string{unwrap(v.ObjectValue()["command"]).StringValue()}
	args := unwrap(v.ObjectValue()["args"])
	if !args.IsArray() {
		return out, nil
	}
	for _, a := range args.ArrayValue() {
		var s string
		if err := readText(unwrap(a), &s); err != nil {
			return nil, fmt.Errorf("args: %w", err)
		}
		out = append(out, s)
	}
	return out, nil
}

// plainMap gives values as Helm knows them: numbers as in JSON, assets as their text.
func plainMap(in resource.PropertyMap) (map[string]any, error) {
	out := map[string]any{}
	for k, v := range in {
		p, err := plain(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		out[string(k)] = p
	}
	return out, nil
}

func plain(v resource.PropertyValue) (any, error) {
	v = unwrap(v)
	switch {
	case v.IsNull():
		return nil, nil
	case v.IsBool(), v.IsNumber(), v.IsString():
		return v.V, nil
	case v.IsArray():
		out := make([]any, len(v.ArrayValue()))
		for i, e := range v.ArrayValue() {
			var err error
			if out[i], err = plain(e); err != nil {
				return nil, fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return out, nil
	case v.IsObject():
		return plainMap(v.ObjectValue())
	case v.IsAsset():
		return assetText(v)
	}
	return nil, fmt.Errorf("a %s cannot be a chart's value", v.TypeString())
}

func assetText(v resource.PropertyValue) (string, error) {
	a := v.AssetValue()
	switch {
	case a.IsURI():
		return "", fmt.Errorf("the remote asset %s cannot be fetched by this stand-in; give a file", a.URI)
	case a.IsPath():
		text, err := os.ReadFile(a.Path)
		return string(text), err
	}
	return a.Text, nil
}

// addFiles merges the values files in order; values win over all of them.
func (in *Inputs) addFiles(files []resource.PropertyValue) error {
	merged := in.Values
	for i, f := range slices.Backward(files) {
		f = unwrap(f)
		if !f.IsAsset() {
			return fmt.Errorf("[%d]: must be an asset, is a %s", i, f.TypeString())
		}
		text, err := assetText(f)
		if err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
		values, err := chartutil.ReadValues([]byte(text))
		if err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
		merged = chartutil.MergeTables(merged, values)
	}
	in.Values = merged
	return nil
}

// local makes sure that the chart is here, because there is no repository to ask.
func (in *Inputs) local() error {
	if _, err := os.Stat(in.Chart); err == nil {
		return nil
	}
	if strings.Contains(in.Chart, "://") {
		return fmt.Errorf("chart %s: charts from a repository or registry are not offered by this stand-in, which "+
			"has no network; give the path of a .tgz or a folder", in.Chart)
	}
	dir, _ := os.Getwd()
	return fmt.Errorf("chart %q is no file or folder (looked for from %s), and charts from a repository are not "+
		"offered by this stand-in, which has no network", in.Chart, dir)
}
