// Package random stands in for the Pulumi Random provider 4.21.2: RandomId, RandomString,
// RandomPassword, RandomUuid and RandomPet.
package random

import (
	"fmt"

	provider "github.com/pulumi/pulumi-go-provider"

	"bankmesh/airgap/plugins/internal/bridged"
)

// Provider is the whole plugin.
func Provider() provider.Provider {
	return bridged.Provider("random", map[string]bridged.Resource{
		"random:index/randomId:RandomId":             randomID,
		"random:index/randomString:RandomString":     randomString,
		"random:index/randomPassword:RandomPassword": randomPassword,
		"random:index/randomUuid:RandomUuid":         randomUUID,
		"random:index/randomPet:RandomPet":           randomPet,
	})
}

var keepers = bridged.Input{Type: bridged.StringMap}

var randomID = bridged.Resource{
	Inputs: map[string]bridged.Input{
		"byteLength": {Type: bridged.Integer, Required: true, Valid: bridged.AtLeast(1)},
		"prefix":     {Type: bridged.String},
		"keepers":    keepers,
	},
	Outputs: map[string]bool{"b64Std": false, "b64Url": false, "dec": false, "hex": false},
	Create:  createID,
}

var randomUUID = bridged.Resource{
	Inputs:  map[string]bridged.Input{"keepers": keepers},
	Outputs: map[string]bool{"result": false},
	Create:  createUUID,
}

var randomPet = bridged.Resource{
	Inputs: map[string]bridged.Input{
		"length":    {Type: bridged.Integer, Default: 2.0, Valid: bridged.AtLeast(1)},
		"prefix":    {Type: bridged.String},
		"separator": {Type: bridged.String, Default: "-"},
		"keepers":   keepers,
	},
	Create: createPet,
}

var randomString = bridged.Resource{
	Inputs:  stringInputs(),
	Outputs: map[string]bool{"result": false},
	Check:   checkString,
	Plan:    mirrorNumeric,
	Create:  createString,
}

var randomPassword = bridged.Resource{
	Inputs:  stringInputs(),
	Outputs: map[string]bool{"result": true, "bcryptHash": true},
	Check:   checkString,
	Plan:    mirrorNumeric,
	Create:  createPassword,
}

func stringInputs() map[string]bridged.Input {
	inputs := map[string]bridged.Input{
		"length":          {Type: bridged.Integer, Required: true, Valid: bridged.AtLeast(1)},
		"overrideSpecial": {Type: bridged.String},
		"keepers":         keepers,
	}
	for _, name := range []string{"lower", "upper", "special", "number", "numeric"} {
		inputs[name] = bridged.Input{Type: bridged.Bool, Default: true}
	}
	for _, name := range minimums {
		inputs[name] = bridged.Input{Type: bridged.Integer, Default: 0.0, Valid: bridged.AtLeast(0)}
	}
	return inputs
}

var minimums = []string{"minUpper", "minLower", "minNumeric", "minSpecial"}

func checkString(in bridged.Values) []provider.CheckFailure {
	var failures []provider.CheckFailure
	sum := 0
	for _, name := range minimums {
		sum += in.Int(name)
	}
	if sum > in.Int("length") {
		failures = append(failures, provider.CheckFailure{Property: "length", Reason: fmt.Sprintf(
			`"length" must be at least the sum of minUpper, minLower, minNumeric and minSpecial: %d; got %d`,
			sum, in.Int("length"))})
	}
	if in.Get("number").IsBool() && in.Get("numeric").IsBool() && in.Bool("number") != in.Bool("numeric") {
		failures = append(failures, provider.CheckFailure{Property: "number",
			Reason: `"number" and "numeric" are both configured with different values: "number" is deprecated, set "numeric" only`})
	}
	off := func(name string) bool { return in.Get(name).IsBool() && !in.Bool(name) }
	if off("lower") && off("upper") && off("special") && (off("numeric") || off("number")) {
		failures = append(failures, provider.CheckFailure{Property: "length",
			Reason: "at least one of lower, upper, numeric and special must be true"})
	}
	return failures
}
