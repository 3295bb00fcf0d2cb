package random

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"strings"

	petname "github.com/dustinkirkland/golang-petname"
	"github.com/google/uuid"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"golang.org/x/crypto/bcrypt"

	"bankmesh/airgap/plugins/internal/bridged"
)

const (
	digits       = "0123456789"
	lowerLetters = "abcdefghijklmnopqrstuvwxyz"
	upperLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	specials     = "!@#$%&*()-_=+[]{}<>:?"
	// bcryptLimit is how much of a password bcrypt looks at.
	bcryptLimit = 72
)

func createID(_ context.Context, in bridged.Values) (string, map[string]property.Value, error) {
	b := make([]byte, in.Int("byteLength"))
	if _, err := rand.Read(b); err != nil {
		return "", nil, err
	}
	id, prefix := base64.RawURLEncoding.EncodeToString(b), in.Str("prefix")
	return id, map[string]property.Value{
		"b64Url": property.New(prefix + id),
		"b64Std": property.New(prefix + base64.StdEncoding.EncodeToString(b)),
		"hex":    property.New(prefix + hex.EncodeToString(b)),
		"dec":    property.New(prefix + new(big.Int).SetBytes(b).String()),
	}, nil
}

func createUUID(context.Context, bridged.Values) (string, map[string]property.Value, error) {
	id, err := uuid.NewRandom()
	return id.String(), map[string]property.Value{"result": property.New(id.String())}, err
}

func createPet(_ context.Context, in bridged.Values) (string, map[string]property.Value, error) {
	pet := strings.ToLower(petname.Generate(in.Int("length"), in.Str("separator")))
	if prefix := in.Str("prefix"); prefix != "" {
		pet = prefix + in.Str("separator") + pet
	}
	return pet, map[string]property.Value{}, nil
}

func createString(_ context.Context, in bridged.Values) (string, map[string]property.Value, error) {
	text, err := generate(in)
	return text, map[string]property.Value{"result": property.New(text)}, err
}

// createPassword has a fixed id, because an id is no secret.
func createPassword(_ context.Context, in bridged.Values) (string, map[string]property.Value, error) {
	text, err := generate(in)
	if err != nil {
		return "", nil, err
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(text)[:min(len(text), bcryptLimit)], bcrypt.DefaultCost)
	return "none", map[string]property.Value{
		"result": property.New(text), "bcryptHash": property.New(string(hash)),
	}, err
}

// generate draws the minimum of each class, fills up from all classes, and shuffles.
func generate(in bridged.Values) (string, error) {
	special := specials
	if s := in.Str("overrideSpecial"); s != "" {
		special = s
	}
	all := ""
	var result []byte
	for _, class := range []struct {
		chars, include, minimum string
	}{
		{upperLetters, "upper", "minUpper"}, {lowerLetters, "lower", "minLower"},
		{digits, "numeric", "minNumeric"}, {special, "special", "minSpecial"},
	} {
		if in.Bool(class.include) {
			all += class.chars
		}
		var err error
		if result, err = draw(result, class.chars, in.Int(class.minimum)); err != nil {
			return "", err
		}
	}
	result, err := draw(result, all, in.Int("length")-len(result))
	if err != nil {
		return "", err
	}
	for i := len(result) - 1; i > 0; i-- {
		j, err := index(i + 1)
		if err != nil {
			return "", err
		}
		result[i], result[j] = result[j], result[i]
	}
	return string(result), nil
}

func draw(to []byte, chars string, count int) ([]byte, error) {
	for range count {
		i, err := index(len(chars))
		if err != nil {
			return nil, err
		}
		to = append(to, chars[i])
	}
	return to, nil
}

func index(n int) (int, error) {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		return 0, err
	}
	return int(i.Int64()), nil
}

// mirrorNumeric gives number and numeric, two names of one input, the same value.
func mirrorNumeric(inputs, planned property.Map) property.Map {
	if v, ok := inputs.GetOk("numeric"); ok {
		return planned.Set("number", v)
	}
	if v, ok := inputs.GetOk("number"); ok {
		return planned.Set("numeric", v)
	}
	return planned
}
