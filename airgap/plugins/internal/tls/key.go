package tls

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // names a resource, protects nothing
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/property"
	"golang.org/x/crypto/ssh"

	"bankmesh/airgap/plugins/internal/bridged"
)

var curves = map[string]elliptic.Curve{
	"P224": elliptic.P224(), "P256": elliptic.P256(), "P384": elliptic.P384(), "P521": elliptic.P521(),
}

var privateKey = bridged.Resource{
	Inputs: map[string]bridged.Input{
		"algorithm": {Type: bridged.String, Required: true, Valid: bridged.OneOf("RSA", "ECDSA", "ED25519")},
		"ecdsaCurve": {
			Type: bridged.String, Default: "P224", Valid: bridged.OneOf("P224", "P256", "P384", "P521"),
		},
		"rsaBits": {Type: bridged.Integer, Default: 2048.0},
	},
	Outputs: map[string]bool{
		"privateKeyOpenssh": true, "privateKeyPem": true, "privateKeyPemPkcs8": true,
		"publicKeyFingerprintMd5": false, "publicKeyFingerprintSha256": false,
		"publicKeyOpenssh": false, "publicKeyPem": false,
	},
	Create: createPrivateKey,
}

func createPrivateKey(_ context.Context, in bridged.Values) (string, map[string]property.Value, error) {
	key, err := generate(in)
	if err != nil {
		return "", nil, fmt.Errorf("unable to generate key from configuration: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", nil, err
	}
	traditional, err := traditionalPEM(key, pkcs8)
	if err != nil {
		return "", nil, err
	}
	out := map[string]property.Value{
		"privateKeyPem":      property.New(traditional),
		"privateKeyPemPkcs8": property.New(encode("PRIVATE KEY", pkcs8)),
		"publicKeyPem":       property.New(encode("PUBLIC KEY", public)),
	}
	for _, name := range []string{
		"privateKeyOpenssh", "publicKeyOpenssh", "publicKeyFingerprintMd5", "publicKeyFingerprintSha256",
	} {
		out[name] = property.New("")
	}
	// OpenSSH has no P-224: its outputs stay empty.
	if sshPublic, err := ssh.NewPublicKey(key.Public()); err == nil {
		private, err := ssh.MarshalPrivateKey(key, "")
		if err != nil {
			return "", nil, err
		}
		out["privateKeyOpenssh"] = property.New(string(pem.EncodeToMemory(private)))
		out["publicKeyOpenssh"] = property.New(string(ssh.MarshalAuthorizedKey(sshPublic)))
		out["publicKeyFingerprintMd5"] = property.New(ssh.FingerprintLegacyMD5(sshPublic))
		out["publicKeyFingerprintSha256"] = property.New(ssh.FingerprintSHA256(sshPublic))
	}
	return hash(public), out, nil
}

func generate(in bridged.Values) (crypto.Signer, error) {
	switch algorithm := in.Str("algorithm"); algorithm {
	case "RSA":
		return rsa.GenerateKey(rand.Reader, in.Int("rsaBits"))
	case "ECDSA":
		return ecdsa.GenerateKey(curves[in.Str("ecdsaCurve")], rand.Reader)
	case "ED25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	default:
		return nil, fmt.Errorf("key algorithm %q is not supported", algorithm)
	}
}

// traditionalPEM is PKCS#1 for RSA, SEC 1 for ECDSA, and PKCS#8 for the rest.
func traditionalPEM(key crypto.Signer, pkcs8 []byte) (string, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k)), nil
	case *ecdsa.PrivateKey:
		der, err := x509.MarshalECPrivateKey(k)
		return encode("EC PRIVATE KEY", der), err
	default:
		return encode("PRIVATE KEY", pkcs8), nil
	}
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// hash names a resource by its content.
func hash(b []byte) string {
	sum := sha1.Sum(b) //nolint:gosec // names a resource, protects nothing
	return hex.EncodeToString(sum[:])
}

// parseKey reads a private key in any of the forms that PrivateKey makes, and names its algorithm.
func parseKey(text string) (crypto.Signer, string, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, "", fmt.Errorf("no PEM block in a text of %d bytes", len(text))
	}
	var key any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, "", fmt.Errorf("PEM type %q is not supported: need RSA PRIVATE KEY, EC PRIVATE KEY or PRIVATE KEY",
			block.Type)
	}
	if err != nil {
		return nil, "", fmt.Errorf("parse %s: %w", block.Type, err)
	}
	switch k := key.(type) {
	case *rsa.PrivateKey:
		return k, "RSA", nil
	case *ecdsa.PrivateKey:
		return k, "ECDSA", nil
	case ed25519.PrivateKey:
		return k, "ED25519", nil
	}
	return nil, "", fmt.Errorf("keys of type %T are not supported", key)
}
